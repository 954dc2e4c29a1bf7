#include "harness.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVER         ZSC_SERVER_PATH
#define ARGUMENTS      64
#define TIMEOUT_S      30
#define BANNER_END     "stop it with"
#define AWAIT_TRIES    1000
#define AWAIT_INTERVAL 60000000 /* ns */

static void run_child(const char **argv, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(127);
    execv(SERVER, (char *const *)(uintptr_t)argv);
    _exit(127);
}

static pid_t spawn(const char **argv, int *output)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(ends[0]);
        run_child(argv, ends[1]);
    }
    close(ends[1]);
    *output = ends[0];
    return pid;
}

static int status_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void read_banner(struct instance *s)
{
    char text[8192];
    size_t len = 0;
    for (;;) {
        ssize_t n = read(s->output, text + len, sizeof text - 1 - len);
        if (n <= 0)
            ck_abort_msg("the server did not start: %.*s", (int)len, text);
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, BANNER_END) != NULL)
            break;
    }
    const char *port = strstr(text, " port ");
    s->port = port == NULL ? 0 : (int)strtol(port + 6, NULL, 10);
}

void instance_start(struct instance *s, const char *const *options)
{
    /* Connections are on all threads, so that tests see what that brings. */
    const char *argv[ARGUMENTS] = {
        SERVER, "--port",       "0",          "--bind", "127.0.0.1", "--connections-in-order",
        "0",    "--unixsocket", s->unix_path, NULL};
    size_t n = 9;
    *s = (struct instance){.dir = "/tmp/zscache-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(s->dir));
    snprintf(s->unix_path, sizeof s->unix_path, "%s/socket", s->dir);
    for (; options != NULL && *options != NULL; options++)
        argv[n++] = *options;
    s->pid = spawn(argv, &s->output);
    read_banner(s);
}

/* What a server that failed had to say, a sanitizer's report above all. */
static void show_output(int output)
{
    char text[4096];
    ssize_t n;
    while ((n = read(output, text, sizeof text)) > 0)
        (void)fwrite(text, 1, (size_t)n, stdout);
}

int instance_wait(struct instance *s)
{
    int status = status_of(s->pid);
    if (status != 0)
        show_output(s->output);
    close(s->output);
    unlink(s->unix_path);
    rmdir(s->dir);
    return status;
}

int instance_stop(struct instance *s)
{
    ck_assert_int_eq(kill(s->pid, SIGTERM), 0);
    return instance_wait(s);
}

int server_run(const char *const *arguments, char *out, size_t cap)
{
    const char *argv[ARGUMENTS] = {SERVER};
    size_t len = 0;
    for (size_t n = 1; *arguments != NULL; arguments++)
        argv[n++] = *arguments;
    int output;
    pid_t pid = spawn(argv, &output);
    for (ssize_t n = 1; n > 0 && len<cap - 1; len += n> 0 ? (size_t)n : 0)
        n = read(output, out + len, cap - 1 - len);
    out[len] = '\0';
    close(output);
    return status_of(pid);
}

struct instance served;

static void start(void)
{
    instance_start(&served, (const char *const[]){"--threads", "3", NULL});
}

static void stop(void)
{
    ck_assert_int_eq(instance_stop(&served), 0);
}

TCase *server_case(const char *name, double seconds)
{
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, seconds);
    tcase_add_checked_fixture(c, start, stop);
    return c;
}

int server_case_run(TCase *c)
{
    Suite *s = suite_create("server");
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

redisContext *instance_connect(const struct instance *s)
{
    redisContext *c =
        s->port != 0 ? redisConnect("127.0.0.1", s->port) : redisConnectUnix(s->unix_path);
    ck_assert_msg(c != NULL && c->err == 0, "cannot connect: %s", c == NULL ? "" : c->errstr);
    redisSetTimeout(c, (struct timeval){.tv_sec = TIMEOUT_S});
    return c;
}

int instance_socket(const struct instance *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    return fd;
}

int instance_resp3(const struct instance *s)
{
    int fd = instance_socket(s);
    char got[512];
    size_t len = 0;
    send_text(fd, "HELLO 3\r\n");
    /* The reply ends with the list of modules, of which there are none. */
    do {
        ck_assert_uint_lt(len, sizeof got);
        read_bytes(fd, got + len++, 1);
    } while (len < 4 || memcmp(got + len - 4, "*0\r\n", 4) != 0);
    return fd;
}

uint64_t instance_rss(const struct instance *s)
{
    char path[64];
    char text[128] = "", *second;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)s->pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    (void)fclose(file);
    (void)strtoull(text, &second, 10);
    return strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool memory_is_telling(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false;
#else
    return true;
#endif
#else
    return true;
#endif
}

/* ---- plain sockets ---- */

void send_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the server may close before it has read all */
        bytes += n;
        len -= (size_t)n;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

void read_bytes(int fd, char *buf, size_t n)
{
    for (size_t len = 0; len < n;) {
        ssize_t got = recv(fd, buf + len, n - len, 0);
        ck_assert_msg(got > 0, "%zu bytes in place of %zu: %.*s", len, n, (int)len, buf);
        len += (size_t)got;
    }
}

void expect_text(int fd, const char *text)
{
    char got[8192];
    size_t want = strlen(text), len = 0;
    ck_assert_uint_lt(want, sizeof got);
    while (len < want) {
        ssize_t n = recv(fd, got + len, want - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    got[len] = '\0';
    ck_assert_str_eq(got, text);
}

bool is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

size_t read_all(int fd, char *buf, size_t cap)
{
    static char rest[65536];
    size_t len = 0;
    for (;;) {
        bool room = len < cap;
        ssize_t n = recv(fd, room ? buf + len : rest, room ? cap - len : sizeof rest, 0);
        if (n <= 0)
            return len;
        len += (size_t)n;
    }
}

/* ---- hiredis ---- */

static redisReply *ask_list(redisContext *c, const char *format, va_list args)
{
    redisReply *r = redisvCommand(c, format, args);
    ck_assert_msg(r != NULL, "no reply to %s: %s", format, c->errstr);
    return r;
}

redisReply *ask(redisContext *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *r = ask_list(c, format, args);
    va_end(args);
    return r;
}

bool asks(redisContext *c, const char *wanted, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *r = ask_list(c, format, args);
    va_end(args);
    bool same = r->str != NULL && strcmp(r->str, wanted) == 0;
    if (!same)
        printf("%s: wanted %s, got %s\n", format, wanted, r->str == NULL ? "no text" : r->str);
    freeReplyObject(r);
    return same;
}

int64_t ask_integer(redisContext *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *r = ask_list(c, format, args);
    va_end(args);
    ck_assert_msg(r->type == REDIS_REPLY_INTEGER, "%s: %s", format,
                  r->str == NULL ? "no integer" : r->str);
    int64_t n = r->integer;
    freeReplyObject(r);
    return n;
}

int64_t info_number(redisContext *c, const char *field)
{
    char line[128];
    redisReply *r = ask(c, "INFO everything");
    snprintf(line, sizeof line, "\n%s:", field);
    const char *at = r->str == NULL ? NULL : strstr(r->str, line);
    int64_t n = at == NULL ? -1 : strtoll(at + strlen(line), NULL, 10);
    freeReplyObject(r);
    return n;
}

bool await_info(redisContext *c, const char *field, int64_t wanted, bool at_least)
{
    for (int i = 0; i < AWAIT_TRIES; i++) {
        int64_t n = info_number(c, field);
        if (at_least ? n >= wanted : n <= wanted)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = AWAIT_INTERVAL}, NULL);
    }
    return false;
}
