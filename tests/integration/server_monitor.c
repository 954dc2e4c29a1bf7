/* MONITOR: what it shows, and when it ends. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static FILE *monitor(void)
{
    int fd = instance_socket(&served);
    send_text(fd, "MONITOR\r\n");
    expect_text(fd, "+OK\r\n");
    FILE *in = fdopen(fd, "r");
    ck_assert_ptr_nonnull(in);
    return in;
}

/* "+1339518083.107412 [0 127.0.0.1:60866] " and then the text. */
static void expect_line(FILE *in, unsigned db, const char *text)
{
    char line[4096];
    unsigned got_db, port;
    long long seconds, micros;
    int at = 0;
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_msg(sscanf(line, "+%lld.%6lld [%u 127.0.0.1:%u] %n", &seconds, &micros, &got_db,
                         &port, &at) == 4,
                  "%s", line);
    ck_assert_int_gt(seconds, 1000000000);
    ck_assert_uint_eq(got_db, db);
    line[strcspn(line, "\r")] = '\0';
    ck_assert_str_eq(line + at, text);
}

START_TEST(commands_are_shown)
{
    FILE *one = monitor(), *two = monitor();
    redisContext *c = instance_connect(&served);
    freeReplyObject(ask(c, "SET k %b", "x\r\n\0\377\"q\\", (size_t)8));
    freeReplyObject(ask(c, "get"));                  /* refused */
    freeReplyObject(ask(c, "FOO x"));                /* unknown */
    freeReplyObject(ask(c, "CONFIG GET maxmemory")); /* for administrators */
    freeReplyObject(ask(c, "AUTH secret"));
    freeReplyObject(ask(c, "SELECT 3"));
    freeReplyObject(ask(c, "get k"));
    freeReplyObject(ask(c, "MULTI"));
    freeReplyObject(ask(c, "INCR n"));
    freeReplyObject(ask(c, "EXEC"));
    for (FILE *in = one; in != NULL; in = in == one ? two : NULL) {
        expect_line(in, 0, "\"SET\" \"k\" \"x\\r\\n\\x00\\xff\\\"q\\\\\"");
        expect_line(in, 0, "\"AUTH\" \"(redacted)\"");
        expect_line(in, 0, "\"SELECT\" \"3\"");
        expect_line(in, 3, "\"get\" \"k\"");
        expect_line(in, 3, "\"MULTI\"");
        expect_line(in, 3, "\"INCR\" \"n\"");
        expect_line(in, 3, "\"EXEC\"");
    }
    redisReply *r = ask(c, "CLIENT LIST");
    ck_assert_ptr_nonnull(strstr(r->str, "flags=O "));
    freeReplyObject(r);
    (void)fclose(one);
    (void)fclose(two);
    redisFree(c);
}
END_TEST

START_TEST(scripts_are_shown)
{
    FILE *in = monitor();
    redisContext *c = instance_connect(&served);
    char line[256];
    freeReplyObject(ask(c, "EVAL %s 1 k", "return redis.call('get', KEYS[1])"));
    expect_line(in, 0, "\"EVAL\" \"return redis.call('get', KEYS[1])\" \"1\" \"k\"");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_ptr_nonnull(strstr(line, " [0 lua] \"get\" \"k\"\r\n"));
    (void)fclose(in);
    redisFree(c);
}
END_TEST

START_TEST(long_arguments_are_cut)
{
    static char value[100000], line[60000];
    FILE *in = monitor();
    redisContext *c = instance_connect(&served);
    memset(value, 'v', sizeof value);
    freeReplyObject(ask(c, "SET k %b", value, sizeof value));
    ck_assert_int_eq(ask_integer(c, "STRLEN k"), sizeof value);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_ptr_nonnull(strstr(line, "vvv... (83616 more bytes)\"\r\n"));
    expect_line(in, 0, "\"STRLEN\" \"k\"");
    (void)fclose(in);
    redisFree(c);
}
END_TEST

START_TEST(ends_with_reset)
{
    FILE *in = monitor();
    int fd = fileno(in);
    redisContext *c = instance_connect(&served);
    send_text(fd, "RESET\r\n");
    char line[64];
    ck_assert_str_eq(fgets(line, sizeof line, in), "+RESET\r\n");
    freeReplyObject(ask(c, "PING"));
    send_text(fd, "ECHO end\r\n");
    ck_assert_str_eq(fgets(line, sizeof line, in), "$3\r\n");
    (void)fclose(in);
    redisFree(c);
}
END_TEST

/* One that does not read is closed in the end, and its memory given back. */
START_TEST(slow_monitors_are_closed)
{
    static char value[15000];
    int fd = instance_socket(&served);
    redisContext *c = instance_connect(&served);
    ck_assert(asks(c, "OK", "CONFIG SET client-output-buffer-limit %s", "normal 1mb 0 0"));
    send_text(fd, "MONITOR\r\n");
    expect_text(fd, "+OK\r\n");
    memset(value, 'v', sizeof value);
    unsigned n = 0;
    for (; n < 5000 && info_number(c, "client_output_buffer_limit_disconnections") == 0; n++)
        freeReplyObject(ask(c, "ECHO %b", value, sizeof value));
    ck_assert_uint_lt(n, 5000);
    ck_assert(await_info(c, "connected_clients", 1, false));
    close(fd);
    redisFree(c);
}
END_TEST

int main(void)
{
    TCase *c = server_case("monitor", 60);
    tcase_add_test(c, commands_are_shown);
    tcase_add_test(c, scripts_are_shown);
    tcase_add_test(c, long_arguments_are_cut);
    tcase_add_test(c, ends_with_reset);
    tcase_add_test(c, slow_monitors_are_closed);
    return server_case_run(c);
}
