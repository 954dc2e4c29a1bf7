/* What hostile, slow and broken peers meet: limits of the protocol, of memory, of descriptors. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define MIB ((size_t)1 << 20)

/* ---- the protocol ---- */

static const struct {
    const char *sent, *wanted; /* and then the server closes */
} broken[] = {
    {"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
    {"*1048577\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
    {"*99999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
    {"*blabla\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
    {"*1\r\n$-10\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$2000000000\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$blabla\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$+5\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$ 5\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*1\r\n$05\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    {"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "-ERR Protocol error: expected '$', got 'f'\r\n"},
    {"SET a \"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
    /* What came before is answered, what comes behind is not carried out. */
    {"PING\r\n*1\r\n$4\r\nPING\r\n*x\r\nSET broken 1\r\n",
     "+PONG\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"},
};

static void send_in_parts(int fd, const char *text, size_t split)
{
    send_bytes(fd, text, split);
    send_text(fd, text + split);
}

START_TEST(broken_requests)
{
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        for (size_t split = 0; split < strlen(broken[i].sent); split++) {
            int fd = instance_socket(&s);
            send_in_parts(fd, broken[i].sent, split);
            expect_text(fd, broken[i].wanted);
            ck_assert(is_closed(fd));
            close(fd);
        }
    }
    ck_assert_int_eq(ask_integer(c, "EXISTS broken"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(odd_requests)
{
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    send_text(fd, "\r\n*0\r\n*-1\r\n*-10\r\nPING\r\n");
    expect_text(fd, "+PONG\r\n");
    send_text(fd, "NOSUCH a\"b\r\n");
    expect_text(fd, "-ERR Protocol error: unbalanced quotes in request\r\n");
    close(fd);
    fd = instance_socket(&s);
    /* Line breaks of a request never break the line of an error. */
    send_text(fd, "*2\r\n$6\r\nA\r\n+OK\r\n$6\r\n\r\n-ERR\r\nPING\r\n");
    expect_text(fd,
                "-ERR unknown command 'A  +OK', with args beginning with: '  -ERR' \r\n+PONG\r\n");
    close(fd);
    for (int i = 0; i < 2; i++) {
        fd = instance_socket(&s);
        send_text(fd, i == 0 ? "POST / HTTP/1.1\r\nSET http 1\r\n" : "Host: x\r\nSET http 1\r\n");
        ck_assert(is_closed(fd));
        close(fd);
    }
    redisContext *c = instance_connect(&s);
    ck_assert_int_eq(ask_integer(c, "EXISTS http"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(strangers)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--requirepass", "secret", NULL});
    static const char *const cases[][2] = {
        {"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n"},
        {"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n"},
    };
    for (size_t i = 0; i < 2; i++) {
        int fd = instance_socket(&s);
        send_text(fd, cases[i][0]);
        expect_text(fd, cases[i][1]);
        ck_assert(is_closed(fd));
        close(fd);
    }
    int fd = instance_socket(&s);
    send_text(fd, "*10\r\n$4\r\nPING\r\n");
    for (int i = 0; i < 9; i++)
        send_text(fd, "$1\r\nx\r\n");
    expect_text(fd, "-NOAUTH");
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* Memory follows what was sent, never what was announced. */
START_TEST(announced_lengths)
{
    enum { PEERS = 500 };
    struct instance s;
    int fd[PEERS];
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    uint64_t before = instance_rss(&s);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = instance_socket(&s);
        send_text(fd[i], i % 2 ? "*1000000\r\n" : "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$536870912\r\n");
    }
    ck_assert(await_info(c, "connected_clients", PEERS + 1, true));
    if (memory_is_telling())
        ck_assert_uint_lt(instance_rss(&s), before + 20 * MIB);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    ck_assert(await_info(c, "connected_clients", 1, false));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(long_pipelines)
{
    enum { COMMANDS = 200000 };
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    char *text = malloc(COMMANDS * 32), *got = malloc(COMMANDS * 12);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(got);
    size_t len = 0, at = 0, expected = 0;
    for (int i = 0; i < COMMANDS; i++) {
        len += (size_t)sprintf(text + len, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
        expected += (size_t)snprintf(NULL, 0, ":%d\r\n", i + 1);
    }
    size_t sent = 0;
    while (at < expected) {
        struct pollfd p = {.fd = fd, .events = (short)(sent < len ? POLLIN | POLLOUT : POLLIN)};
        ck_assert_int_gt(poll(&p, 1, 30000), 0);
        if (p.revents & POLLOUT) {
            ssize_t n = send(fd, text + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
        }
        if (p.revents & POLLIN) {
            ssize_t n = recv(fd, got + at, expected - at, 0);
            ck_assert_int_gt(n, 0);
            at += (size_t)n;
        }
    }
    at = 0;
    for (int i = 0; i < COMMANDS; i++) {
        char reply[16];
        size_t n = (size_t)sprintf(reply, ":%d\r\n", i + 1);
        ck_assert(at + n <= expected && memcmp(got + at, reply, n) == 0);
        at += n;
    }
    free(text);
    free(got);
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* ---- peers that do not read, or go away ---- */

/* Ten clients ask for 500 values of 1 MiB each and read nothing. */
START_TEST(slow_readers)
{
    enum { PEERS = 10, ASKED = 500 };
    struct instance s;
    int fd[PEERS];
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    char *value = malloc(MIB);
    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < MIB; i++)
        value[i] = (char)rand();
    ck_assert(asks(c, "OK", "SET long %b", value, MIB));
    uint64_t before = instance_rss(&s);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = instance_socket(&s);
        for (int n = 0; n < ASKED; n++)
            send_text(fd[i], "GET long\r\n");
    }
    for (int i = 0; i < 50; i++)
        ck_assert(asks(c, "PONG", "PING"));
    if (memory_is_telling())
        ck_assert_uint_lt(instance_rss(&s), before + 30 * MIB);
    /* One of them reads after all, and gets everything. */
    send_text(fd[0], "QUIT\r\n");
    ck_assert_uint_eq(read_all(fd[0], NULL, 0), ASKED * (MIB + strlen("$1048576\r\n\r\n")) + 5);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    ck_assert(await_info(c, "connected_clients", 1, false));
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(output_limit)
{
    struct instance s;
    instance_start(
        &s, (const char *const[]){"--client-output-buffer-limit", "normal", "1mb", "0", "0", NULL});
    redisContext *c = instance_connect(&s);
    char *value = calloc(1, 100000);
    ck_assert_ptr_nonnull(value);
    for (int i = 0; i < 200; i++)
        ck_assert(asks(c, "OK", "SET k%d %b", i, value, (size_t)100000));
    int fd = instance_socket(&s);
    send_text(fd, "*201\r\n$4\r\nMGET\r\n");
    for (int i = 0; i < 200; i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "k%d", i);
        char bulk[64];
        snprintf(bulk, sizeof bulk, "$%d\r\n%s\r\n", n, text);
        send_text(fd, bulk);
    }
    ck_assert(await_info(c, "client_output_buffer_limit_disconnections", 1, true));
    ck_assert(await_info(c, "connected_clients", 1, false));
    close(fd);
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(query_limit)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--client-query-buffer-limit", "2mb", NULL});
    redisContext *c = instance_connect(&s);
    int fd = instance_socket(&s);
    char *bytes = calloc(1, 4 * MIB);
    ck_assert_ptr_nonnull(bytes);
    send_text(fd, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$4194304\r\n");
    send_bytes(fd, bytes, 4 * MIB);
    ck_assert(is_closed(fd));
    ck_assert_int_eq(info_number(c, "client_query_buffer_limit_disconnections"), 1);
    free(bytes);
    close(fd);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

START_TEST(resets_in_every_state)
{
    static const char *const states[] = {
        "", "*3\r\n$3", "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$100000\r\nabc", "GET long\r\nGET long\r\n",
        "*2\r\n$3\r\nGET\r\n$4\r\nlong\r\n*1\r\n"};
    struct instance s;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    char *value = calloc(1, 4 * MIB);
    ck_assert_ptr_nonnull(value);
    ck_assert(asks(c, "OK", "SET long %b", value, 4 * MIB));
    for (int i = 0; i < 500; i++) {
        int fd = instance_socket(&s);
        send_text(fd, states[i % 5]);
        if (i % 5 >= 3)
            expect_text(fd, "$4194304\r\n");
        reset(fd);
    }
    ck_assert(await_info(c, "connected_clients", 1, false));
    ck_assert(asks(c, "PONG", "PING"));
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* A long value is in memory once, also while it comes in, and all of that goes when it is deleted.
 */
START_TEST(long_values)
{
    struct instance s;
    size_t len = 64 * MIB;
    instance_start(&s, (const char *const[]){"--compression", "off", NULL});
    redisContext *c = instance_connect(&s);
    char *value = malloc(len);
    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)rand();
    uint64_t before = instance_rss(&s);
    ck_assert(asks(c, "OK", "SET long %b", value, len));
    if (memory_is_telling())
        ck_assert_uint_lt(instance_rss(&s), before + len + len / 4);
    ck_assert_int_eq(ask_integer(c, "DEL long"), 1);
    for (int i = 0; i < 1000 && memory_is_telling() && instance_rss(&s) > before + 8 * MIB; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    if (memory_is_telling())
        ck_assert_uint_le(instance_rss(&s), before + 8 * MIB);
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* What is stored leaves the request piece by piece, so that a value may take most of the cap. */
START_TEST(long_values_count_once)
{
    struct instance s;
    size_t len = 64 * MIB;
    if (!memory_is_telling())
        return;
    instance_start(&s, (const char *const[]){"--maxmemory", "100mb", "--maxmemory-policy",
                                             "noeviction", NULL});
    redisContext *c = instance_connect(&s);
    char *value = malloc(len);
    ck_assert_ptr_nonnull(value);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)rand();
    for (int i = 0; i < 3; i++) {
        ck_assert(asks(c, "OK", "SET long %b", value, len));
        ck_assert_int_eq(ask_integer(c, "STRLEN long"), (long long)len);
        ck_assert_int_eq(ask_integer(c, "DEL long"), 1);
    }
    free(value);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* A cap below what is in use: what there is can be read and deleted, and nothing is written. */
START_TEST(cap_sinks_and_nothing_may_go)
{
    static const char *const policies[] = {"noeviction", "volatile-lru"};
    static const char oom[] = "OOM command not allowed when used memory > 'maxmemory'.";
    struct instance s;
    char noise[MIB];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rand();
    instance_start(&s, (const char *const[]){"--maxmemory-policy", policies[_i], NULL});
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "OK", "SET key value"));
    for (int i = 0; i < 8; i++)
        ck_assert(asks(c, "OK", "SET noise:%d %b", i, noise, sizeof noise));
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory %lld",
                   info_number(c, "used_memory") - 4 * (long long)MIB));
    ck_assert(asks(c, oom, "SET key other"));
    ck_assert(asks(c, oom, "APPEND new text"));
    redisReply *r = ask(c, "EVAL %s 1 key", "return redis.call('set', KEYS[1], 'x')");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    ck_assert_msg(strncmp(r->str, "OOM ", 4) == 0, "%s",
                  r->str); /* the write, or the script itself */
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, oom, "INCR number"));
    ck_assert(asks(c, "EXECABORT Transaction discarded because of previous errors.", "EXEC"));
    ck_assert(asks(c, "value", "GET key"));
    ck_assert_int_eq(ask_integer(c, "DEL key"), 1);
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 100mb"));
    ck_assert(asks(c, "OK", "SET key other"));
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(half_closed)
{
    struct instance s;
    instance_start(&s, NULL);
    int fd = instance_socket(&s);
    for (int i = 0; i < 5000; i++)
        send_text(fd, "PING\r\n");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_uint_eq(read_all(fd, NULL, 0), 5000 * strlen("+PONG\r\n"));
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(idle_clients)
{
    struct instance s;
    instance_start(&s, (const char *const[]){"--timeout", "1", NULL});
    int fd = instance_socket(&s);
    send_text(fd, "PING\r\n");
    expect_text(fd, "+PONG\r\n");
    ck_assert(is_closed(fd));
    close(fd);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* ---- how many ---- */

START_TEST(too_many_clients)
{
    struct instance s;
    int fd[8];
    instance_start(&s, (const char *const[]){"--maxclients", "8", "--threads", "2", NULL});
    for (int i = 0; i < 8; i++) {
        fd[i] = instance_socket(&s);
        send_text(fd[i], "PING\r\n");
        expect_text(fd[i], "+PONG\r\n");
    }
    int more = instance_socket(&s);
    expect_text(more, "-ERR max number of clients reached\r\n");
    ck_assert(is_closed(more));
    close(more);
    close(fd[0]);
    redisContext *c = NULL;
    for (int i = 0; i < 1000 && c == NULL; i++) {
        more = instance_socket(&s);
        send_text(more, "PING\r\n");
        char reply[8] = "";
        ck_assert_int_gt(recv(more, reply, 1, 0), 0);
        if (reply[0] == '+')
            c = instance_connect(&s);
        close(more);
    }
    ck_assert_ptr_nonnull(c);
    redisFree(c);
    for (int i = 1; i < 8; i++)
        close(fd[i]);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* Those that are served go on being served, and those that wait come in when there is room. */
START_TEST(no_descriptors)
{
    enum { PEERS = 64 };
    struct instance s;
    struct rlimit limit;
    int fd[PEERS], answered = 0;
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "PONG", "PING"));
    ck_assert_int_eq(prlimit(s.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = 40;
    ck_assert_int_eq(prlimit(s.pid, RLIMIT_NOFILE, &limit, NULL), 0);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = instance_socket(&s);
        send_text(fd[i], "PING\r\n");
    }
    for (int i = 0; i < 100; i++)
        ck_assert(asks(c, "PONG", "PING"));
    ck_assert_int_lt(info_number(c, "connected_clients"), 40);
    /* Each that is answered makes room for another. */
    for (int i = 0; i < PEERS; i++) {
        expect_text(fd[i], "+PONG\r\n");
        close(fd[i]);
        answered++;
    }
    ck_assert_int_eq(answered, PEERS);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(many_idle_connections)
{
    enum { PEERS = 900 };
    struct instance s;
    int fd[PEERS];
    instance_start(&s, NULL);
    redisContext *c = instance_connect(&s);
    ck_assert(asks(c, "PONG", "PING"));
    uint64_t before = instance_rss(&s);
    for (int i = 0; i < PEERS; i++) {
        fd[i] = instance_socket(&s);
        send_text(fd[i], "PING\r\n");
        expect_text(fd[i], "+PONG\r\n");
    }
    uint64_t after = instance_rss(&s);
    printf("%lld bytes an idle connection\n", ((long long)after - (long long)before) / PEERS);
    if (memory_is_telling())
        ck_assert_uint_lt(after, before + PEERS * 2048 + MIB);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("limits");
    tcase_set_timeout(t, 200);
    tcase_add_test(t, broken_requests);
    tcase_add_test(t, odd_requests);
    tcase_add_test(t, strangers);
    tcase_add_test(t, announced_lengths);
    tcase_add_test(t, long_pipelines);
    tcase_add_test(t, slow_readers);
    tcase_add_test(t, output_limit);
    tcase_add_test(t, query_limit);
    tcase_add_test(t, resets_in_every_state);
    tcase_add_test(t, long_values);
    tcase_add_test(t, long_values_count_once);
    tcase_add_loop_test(t, cap_sinks_and_nothing_may_go, 0, 2);
    tcase_add_test(t, half_closed);
    tcase_add_test(t, idle_clients);
    tcase_add_test(t, too_many_clients);
    tcase_add_test(t, no_descriptors);
    tcase_add_test(t, many_idle_connections);
    Suite *s = suite_create("server_limits");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
