/* CLIENT PAUSE, UNPAUSE and UNBLOCK: who waits, for how long, and that nothing is lost. */
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define UNKNOWN "ERR unknown subcommand or wrong number of arguments for "

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_silent(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 0;
}

START_TEST(arguments)
{
    redisContext *c = instance_connect(&served);
    ck_assert(asks(c, "ERR timeout is not an integer or out of range", "CLIENT PAUSE abc"));
    ck_assert(asks(c, "ERR timeout is negative", "CLIENT PAUSE -1 ALL"));
    ck_assert(asks(c, "ERR timeout is out of range", "CLIENT PAUSE 9223372036854775807"));
    ck_assert(asks(c, "ERR CLIENT PAUSE mode must be WRITE or ALL", "CLIENT PAUSE 10 some"));
    ck_assert(asks(c, UNKNOWN "'PAUSE'. Try CLIENT HELP.", "CLIENT PAUSE 10 ALL more"));
    ck_assert(asks(c, "ERR wrong number of arguments for 'client|pause' command", "CLIENT PAUSE"));
    ck_assert(asks(c, "OK", "CLIENT PAUSE 0"));
    ck_assert(asks(c, "OK", "SET key value"));
    ck_assert(asks(c, "OK", "CLIENT UNPAUSE"));
    ck_assert_int_eq(ask_integer(c, "CLIENT UNBLOCK 5"), 0);
    ck_assert_int_eq(ask_integer(c, "CLIENT UNBLOCK 5 ERROR"), 0);
    ck_assert(
        asks(c, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR", "CLIENT UNBLOCK 5 nosuch"));
    ck_assert(asks(c, "ERR value is not an integer or out of range", "CLIENT UNBLOCK five"));
    redisFree(c);
}
END_TEST

START_TEST(all_wait_for_the_time)
{
    static const char long_value[40000];
    redisContext *c = instance_connect(&served);
    int fd = instance_socket(&served), other = instance_socket(&served);
    int64_t begin = now_ms();
    /* What stands behind it in the same packet waits as well. */
    send_text(fd, "CLIENT PAUSE 300 ALL\r\n*1\r\n$4\r\nPING\r\nECHO inline\r\n");
    expect_text(fd, "+OK\r\n");
    send_text(other, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n");
    send_bytes(other, long_value, sizeof long_value);
    send_text(other, "\r\n*2\r\n$6\r\nSTRLEN\r\n$1\r\nk\r\n");
    expect_text(fd, "+PONG\r\n$6\r\ninline\r\n");
    ck_assert_int_ge(now_ms() - begin, 290);
    expect_text(other, "+OK\r\n:40000\r\n");
    ck_assert_int_eq(info_number(c, "blocked_clients"), 0);
    close(fd);
    close(other);
    redisFree(c);
}
END_TEST

/* Everything that may write, in one connection each; then reads, which do not wait. */
START_TEST(writers_wait_for_the_end)
{
    static const char *const writers[][2] = {
        {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", "+OK\r\n"},
        {"incr b\r\n", ":1\r\n"},
        {"PUBLISH channel text\r\n", ":0\r\n"},
        {"*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 7\r\n$1\r\n0\r\n", ":7\r\n"},
        {"EXEC\r\n", "*1\r\n+OK\r\n"},
    };
    enum { WRITERS = sizeof writers / sizeof writers[0] };
    int fd[WRITERS];
    redisContext *c = instance_connect(&served);
    for (int i = 0; i < WRITERS; i++)
        fd[i] = instance_socket(&served);
    send_text(fd[WRITERS - 1], "MULTI\r\nSET c 1\r\n");
    expect_text(fd[WRITERS - 1], "+OK\r\n+QUEUED\r\n");
    ck_assert(asks(c, "OK", "CLIENT PAUSE 100000 WRITE"));
    for (int i = 0; i < WRITERS; i++)
        send_text(fd[i], writers[i][0]);
    ck_assert(await_info(c, "blocked_clients", WRITERS, true));
    ck_assert_int_eq(ask_integer(c, "EXISTS a"), 0);
    ck_assert(asks(c, "yes", "EVAL_RO %s 0", "return 'yes'"));
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, "QUEUED", "GET a"));
    freeReplyObject(ask(c, "EXEC"));
    for (int i = 0; i < WRITERS; i++)
        ck_assert(is_silent(fd[i], 0));
    ck_assert(asks(c, "OK", "CLIENT UNPAUSE"));
    for (int i = 0; i < WRITERS; i++)
        expect_text(fd[i], writers[i][1]);
    ck_assert(asks(c, "1", "GET c"));
    ck_assert(await_info(c, "blocked_clients", 0, false));
    for (int i = 0; i < WRITERS; i++)
        close(fd[i]);
    redisFree(c);
}
END_TEST

/* A shorter pause does not end a longer one, and one of writes does not let others go on. */
START_TEST(the_stricter_holds)
{
    redisContext *c = instance_connect(&served);
    int fd = instance_socket(&served);
    ck_assert(asks(c, "OK", "CLIENT PAUSE 100000 WRITE"));
    ck_assert(asks(c, "OK", "CLIENT PAUSE 1 WRITE"));
    send_text(fd, "SET k v\r\n");
    ck_assert(is_silent(fd, 50));
    ck_assert(asks(c, "OK", "CLIENT UNPAUSE"));
    expect_text(fd, "+OK\r\n");
    /* The server ends though somebody waits. */
    ck_assert(asks(c, "OK", "CLIENT PAUSE 100000"));
    send_text(fd, "PING\r\n");
    ck_assert(is_silent(fd, 50));
    close(fd);
    redisFree(c);
}
END_TEST

int main(void)
{
    TCase *c = server_case("pause", 60);
    tcase_add_test(c, arguments);
    tcase_add_test(c, all_wait_for_the_time);
    tcase_add_test(c, writers_wait_for_the_end);
    tcase_add_test(c, the_stricter_holds);
    return server_case_run(c);
}
