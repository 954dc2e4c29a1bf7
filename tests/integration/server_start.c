/* What a server does between exec() and the first connection, and after the last: options, files,
 * sockets, signals. */
#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

/* ---- options ---- */

START_TEST(refuses_what_it_does_not_know)
{
    static const struct {
        const char *arguments[4], *says;
    } cases[] = {
        {{"--no-such-option", "1"}, "there is no such option"},
        {{"--maxmemory-polcy", "noeviction"}, "the nearest is maxmemory-policy"},
        {{"--maxmemory", "lots"}, "argument must be a memory value"},
        {{"--maxmemory-policy", "nosuch"}, "argument(s) must be one of the following: allkeys-"},
        {{"--maxmemory-policy", "nosuch"}, ", noeviction\n"},
        {{"--port=70000"}, "--port: argument must be between 0 and 65535 inclusive"},
        {{"--what-is-this", "1"}, "--what-is-this: there is no such option; --help lists all\n"},
        {{"--port", "70000"}, "argument must be between 0 and 65535 inclusive"},
        {{"--threads"}, "--threads: a value is missing"},
        {{"--include"}, "--include: a value is missing"},
        {{"--thread"}, "--thread: there is no such option; the nearest is threads"},
        {{"--include", "/nonexistent/file"}, "--include: cannot read /nonexistent/file: No such"},
        {{"-p", "1"}, "options begin with --"},
        {{"/nonexistent/file"}, "cannot read /nonexistent/file"},
        {{"/"}, "cannot read /: Is a directory"},
        {{"/dev/null", "/dev/null"}, "only the first argument may name a file"},
        {{"--logfile", "/nonexistent/log"}, "cannot write to /nonexistent/log: No such file"},
        {{"--user", "bob on +@all +nosuch"}, "option user: bob: '+nosuch': Unknown command"},
        {{"--bind", ""}, "nothing to listen on"},
        {{"--bind", "192.0.2.1"}, "cannot listen on 192.0.2.1 port 6379"},
    };
    char out[8192];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_int_eq(server_run(cases[i].arguments, out, sizeof out), 1);
        ck_assert_msg(strstr(out, cases[i].says) != NULL, "%s", out);
    }
    ck_assert_int_eq(server_run((const char *const[]){"--help", NULL}, out, sizeof out), 0);
    ck_assert_ptr_nonnull(strstr(out, "--maxmemory "));
    ck_assert_ptr_nonnull(strstr(out, "memory is short: allkeys-s3fifo, allkeys-lru, "));
    ck_assert_int_eq(server_run((const char *const[]){"--version", NULL}, out, sizeof out), 0);
    ck_assert_int_eq(
        server_run((const char *const[]){"--port", "0", "--help", NULL}, out, sizeof out), 0);
}
END_TEST

START_TEST(reads_a_configuration_file)
{
    char path[] = "/tmp/zscache-test-conf-XXXXXX", out[8192];
    int fd = mkstemp(path);
    static const char text[] = "\xef\xbb\xbf# a comment\n"
                               "port 0\n"
                               "bind 127.0.0.1\n"
                               "maxmemory \"80mb\"   # and one behind\n"
                               "save 900 1\n"
                               "client-output-buffer-limit pubsub 1mb 1mb 5\n";
    ck_assert_int_eq((int)write(fd, text, sizeof text - 1), (int)sizeof text - 1);
    struct instance s = {.dir = "/tmp/zscache-test-XXXXXX"};
    instance_start(&s, (const char *const[]){"--include", path, NULL});
    redisContext *c = instance_connect(&s);
    ck_assert_int_eq(info_number(c, "maxmemory"), 80 << 20);
    redisReply *r = ask(c, "CONFIG GET client-output-buffer-limit");
    ck_assert_ptr_nonnull(strstr(r->element[1]->str, "pubsub 1048576 1048576 5"));
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
    ck_assert_int_eq((int)write(fd, "maxmemry\n", 9), 9);
    ck_assert_int_eq(server_run((const char *const[]){path, NULL}, out, sizeof out), 1);
    ck_assert_ptr_nonnull(strstr(out, ":7: maxmemry: there is no such option; the nearest is "
                                      "maxmemory\n"));
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq((int)pwrite(fd, "\ninclude /nonexistent/x\n", 24, 0), 24);
    ck_assert_int_eq(server_run((const char *const[]){path, NULL}, out, sizeof out), 1);
    ck_assert_ptr_nonnull(strstr(out, ":2: include: cannot read /nonexistent/x: No such file"));
    close(fd);
    unlink(path);
}
END_TEST

/* ---- files and sockets ---- */

START_TEST(listens_on_a_unix_socket)
{
    struct instance s;
    struct stat st;
    instance_start(&s, (const char *const[]){"--unixsocketperm", "750", NULL});
    ck_assert_int_eq(stat(s.unix_path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0750);
    int port = s.port;
    s.port = 0;
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "PONG", "PING"));
    redisReply *r = ask(c, "CLIENT INFO");
    ck_assert_ptr_nonnull(strstr(r->str, "socket:0 "));
    freeReplyObject(r);
    redisFree(c);
    s.port = port;
    ck_assert_int_eq(instance_stop(&s), 0);
    ck_assert_int_ne(stat(s.unix_path, &st), 0);
}
END_TEST

/* A path of a file in the folder of the instance. */
struct path {
    char text[128];
};

static struct path path_in(const char *dir, const char *name)
{
    struct path p;
    snprintf(p.text, sizeof p.text, "%s/%s", dir, name);
    return p;
}

/* One that cannot start takes nothing away from the one that runs. */
START_TEST(leaves_another_server_alone)
{
    struct instance s;
    struct stat st;
    char dir[] = "/tmp/zscache-start-XXXXXX", port[16], out[8192];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct path pid = path_in(dir, "pid"), port_file = path_in(dir, "port");
    instance_start(
        &s, (const char *const[]){"--pidfile", pid.text, "--port-file", port_file.text, NULL});
    snprintf(port, sizeof port, "%d", s.port);
    const char *same_port[] = {"--bind",       "127.0.0.1", "--port",      port,
                               "--pidfile",    pid.text,    "--port-file", port_file.text,
                               "--unixsocket", s.unix_path, NULL};
    ck_assert_int_eq(server_run(same_port, out, sizeof out), 1);
    ck_assert_ptr_nonnull(strstr(out, "Address already in use"));
    const char *same_socket[] = {"--port", "0", "--bind", "", "--unixsocket", s.unix_path, NULL};
    ck_assert_int_eq(server_run(same_socket, out, sizeof out), 1);
    ck_assert_ptr_nonnull(strstr(out, "Address already in use"));
    ck_assert_int_eq(stat(pid.text, &st), 0);
    ck_assert_int_eq(stat(port_file.text, &st), 0);
    redisContext *c = redisConnectUnix(s.unix_path);
    ck_assert(asks(c, "PONG", "PING"));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
    ck_assert_int_ne(stat(pid.text, &st), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(takes_the_place_of_a_dead_socket)
{
    struct instance s;
    char dir[] = "/tmp/zscache-start-XXXXXX";
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(a.sun_path, sizeof a.sun_path, "%s/s", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
    instance_start(&s, (const char *const[]){"--unixsocket", a.sun_path, NULL});
    redisContext *c = redisConnectUnix(a.sun_path);
    ck_assert(asks(c, "PONG", "PING"));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* "-::1" may be missing; but if another program has the port there, clients would reach that. */
START_TEST(an_optional_address_must_not_be_taken)
{
    char port[16], out[8192];
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0) {
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
        snprintf(port, sizeof port, "%d", ntohs(a.sin6_port));
        const char *arguments[] = {"--port", port, "--bind", "-::1", NULL};
        ck_assert_int_eq(server_run(arguments, out, sizeof out), 1);
        ck_assert_msg(strstr(out, "cannot listen on ::1 port ") != NULL, "%s", out);
    }
    if (fd >= 0)
        close(fd);
}
END_TEST

static void await_file(const char *path)
{
    struct stat st;
    for (int i = 0; i < 1000 && (stat(path, &st) != 0 || st.st_size == 0); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ck_assert_int_eq(stat(path, &st), 0);
}

/* What is printed must not go to a socket that happens to have the number of standard output. */
START_TEST(starts_without_standard_streams)
{
    char dir[] = "/tmp/zscache-start-XXXXXX", link[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct path port_file = path_in(dir, "port");
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd = 0; fd <= 2; fd++)
            close(fd);
        execl(ZSC_SERVER_PATH, ZSC_SERVER_PATH, "--port", "0", "--bind", "127.0.0.1", "--port-file",
              port_file.text, (char *)NULL);
        _exit(127);
    }
    await_file(port_file.text);
    for (int fd = 0; fd <= 2; fd++) {
        char target[64] = "";
        snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)pid, fd);
        ck_assert_int_gt((int)readlink(link, target, sizeof target - 1), 0);
        ck_assert_str_eq(target, "/dev/null");
    }
    int status;
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(says_that_a_cap_leaves_no_room)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--maxmemory", "100kb", NULL});
    redisContext *c = instance_connect(&s);
    redisReply *r = ask(c, "MEMORY DOCTOR");
    ck_assert_ptr_nonnull(strstr(r->str, "maxmemory leaves no room for data"));
    freeReplyObject(r);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* ---- the end ---- */

START_TEST(sends_what_is_due_before_it_stops)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    size_t len = (size_t)8 << 20;
    char *value = calloc(1, len), *got = malloc(len + 64);
    ck_assert_ptr_nonnull(value);
    ck_assert_ptr_nonnull(got);
    ck_assert(asks(c, "OK", "SET long %b", value, len));
    int fd = instance_socket(&s);
    send_text(fd, "GET long\r\n");
    expect_text(fd, "$8388608\r\n");
    ck_assert_int_eq(kill(s.pid, SIGTERM), 0);
    ck_assert_uint_eq(read_all(fd, got, len + 64), len + 2);
    ck_assert_int_eq(instance_wait(&s), 0);
    close(fd);
    free(value);
    free(got);
    redisFree(c);
}
END_TEST

START_TEST(stops_though_a_client_does_not_read)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    size_t len = (size_t)32 << 20;
    char *value = calloc(1, len);
    ck_assert(asks(c, "OK", "SET long %b", value, len));
    int fd = instance_socket(&s);
    send_text(fd, "GET long\r\n");
    expect_text(fd, "$33554432\r\n");
    ck_assert_int_eq(kill(s.pid, SIGINT), 0);
    ck_assert_int_eq(instance_wait(&s), 0);
    close(fd);
    free(value);
    redisFree(c);
}
END_TEST

START_TEST(shuts_down_when_told_to)
{
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    send_text(fd, "SET a b\r\nSHUTDOWN NOSAVE\r\n");
    expect_text(fd, "+OK\r\n");
    ck_assert(is_closed(fd));
    ck_assert_int_eq(instance_wait(&s), 0);
    close(fd);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("start");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, refuses_what_it_does_not_know);
    tcase_add_test(t, reads_a_configuration_file);
    tcase_add_test(t, listens_on_a_unix_socket);
    tcase_add_test(t, leaves_another_server_alone);
    tcase_add_test(t, takes_the_place_of_a_dead_socket);
    tcase_add_test(t, an_optional_address_must_not_be_taken);
    tcase_add_test(t, starts_without_standard_streams);
    tcase_add_test(t, says_that_a_cap_leaves_no_room);
    tcase_add_test(t, sends_what_is_due_before_it_stops);
    tcase_add_test(t, stops_though_a_client_does_not_read);
    tcase_add_test(t, shuts_down_when_told_to);
    Suite *s = suite_create("server_start");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
