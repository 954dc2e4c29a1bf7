/* What the server tells about how long commands take: SLOWLOG, LATENCY, INFO. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define TRIES 2000

static redisContext *start(struct instance *s, const char *const *options)
{
    instance_start(s, options);
    return instance_connect(s);
}

static void stop(struct instance *s, redisContext *c)
{
    redisFree(c);
    ck_assert_int_eq(instance_stop(s), 0);
}

/* Whether argument i of an entry of the slow log is this. */
static bool has_argument(const redisReply *entry, size_t i, const char *text)
{
    const redisReply *args = entry->element[3];
    return i < args->elements && strcmp(args->element[i]->str, text) == 0;
}

START_TEST(slow_commands_are_kept)
{
    struct instance s;
    redisContext *c = start(&s, (const char *const[]){"--slowlog-max-len", "5", NULL});
    ck_assert_int_eq(ask_integer(c, "SLOWLOG LEN"), 0);
    ck_assert(asks(c, "OK", "CLIENT SETNAME tester"));
    ck_assert(asks(c, "OK", "CONFIG SET slowlog-log-slower-than 0"));
    ck_assert(asks(c, "OK", "SET k v"));
    redisReply *r = ask(c, "SLOWLOG GET 1");
    ck_assert_uint_eq(r->elements, 1);
    const redisReply *e = r->element[0];
    ck_assert_uint_eq(e->elements, 6);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(e->element[i]->type, REDIS_REPLY_INTEGER);
    ck_assert(has_argument(e, 0, "SET") && has_argument(e, 1, "k") && has_argument(e, 2, "v"));
    ck_assert(strncmp(e->element[4]->str, "127.0.0.1:", 10) == 0);
    ck_assert_str_eq(e->element[5]->str, "tester");
    int64_t id = e->element[0]->integer;
    freeReplyObject(r);

    for (int i = 0; i < 20; i++)
        ck_assert(asks(c, "v", "GET k"));
    ck_assert_int_eq(ask_integer(c, "SLOWLOG LEN"), 5);
    r = ask(c, "SLOWLOG GET -1");
    ck_assert_uint_eq(r->elements, 5);
    ck_assert_int_gt(r->element[0]->element[0]->integer, id + 20);
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "CONFIG SET slowlog-log-slower-than 9223372036854775807"));
    ck_assert(asks(c, "OK", "SLOWLOG RESET"));
    ck_assert(asks(c, "PONG", "PING"));
    ck_assert_int_eq(ask_integer(c, "SLOWLOG LEN"), 0);
    ck_assert(asks(c, "OK", "CONFIG SET slowlog-log-slower-than -1"));
    ck_assert(asks(c, "OK", "SLOWLOG RESET"));
    ck_assert_int_eq(ask_integer(c, "SLOWLOG LEN"), 0);
    ck_assert(asks(c, "ERR count should be greater than or equal to -1", "SLOWLOG GET -2"));
    ck_assert(asks(c, "ERR count should be greater than or equal to -1", "SLOWLOG GET x"));
    stop(&s, c);
}
END_TEST

START_TEST(long_commands_are_cut)
{
    struct instance s;
    char value[1000], wanted[160];
    redisContext *c = start(&s, (const char *const[]){"--slowlog-log-slower-than", "0", NULL});
    memset(value, 'x', sizeof value);
    ck_assert(asks(c, "OK", "SET k %b", value, sizeof value));
    redisReply *r = ask(c, "SLOWLOG GET 1");
    snprintf(wanted, sizeof wanted, "%.128s... (872 more bytes)", value);
    ck_assert(has_argument(r->element[0], 2, wanted));
    freeReplyObject(r);

    const char *argv[41] = {"DEL"};
    for (int i = 1; i < 41; i++)
        argv[i] = "k";
    freeReplyObject(redisCommandArgv(c, 41, argv, NULL));
    r = ask(c, "SLOWLOG GET 1");
    ck_assert_uint_eq(r->element[0]->element[3]->elements, 32);
    ck_assert(has_argument(r->element[0], 30, "k"));
    ck_assert(has_argument(r->element[0], 31, "... (10 more arguments)"));
    freeReplyObject(r);

    char *longer = calloc(1, 100000);
    ck_assert_ptr_nonnull(longer);
    ck_assert(asks(c, "OK", "SET k %b", longer, (size_t)100000));
    r = ask(c, "SLOWLOG GET 1");
    ck_assert(has_argument(r->element[0], 2, "... (100000 more bytes)"));
    freeReplyObject(r);
    free(longer);
    stop(&s, c);
}
END_TEST

START_TEST(passwords_are_not_kept)
{
    struct instance s;
    redisContext *c = start(&s, (const char *const[]){"--slowlog-log-slower-than", "0", NULL});
    ck_assert(asks(c, "OK", "CONFIG SET timeout 0 requirepass secret"));
    ck_assert(asks(c, "OK", "AUTH secret"));
    freeReplyObject(ask(c, "HELLO 2 AUTH default secret SETNAME x"));
    redisReply *r = ask(c, "SLOWLOG GET 3");
    ck_assert(has_argument(r->element[0], 2, "AUTH"));
    ck_assert(has_argument(r->element[0], 3, "(redacted)"));
    ck_assert(has_argument(r->element[0], 4, "(redacted)"));
    ck_assert(has_argument(r->element[0], 5, "SETNAME"));
    ck_assert(has_argument(r->element[1], 1, "(redacted)"));
    ck_assert(has_argument(r->element[2], 3, "0"));
    ck_assert(has_argument(r->element[2], 4, "requirepass"));
    ck_assert(has_argument(r->element[2], 5, "(redacted)"));
    freeReplyObject(r);
    stop(&s, c);
}
END_TEST

/* Commands of constant time that come together: the entry has the longest of them. */
START_TEST(batches_are_told_under_their_longest_command)
{
    enum { COMMANDS = 32, LENGTH = 30000 };
    struct instance s;
    redisContext *c = start(&s, (const char *const[]){"--slowlog-log-slower-than", "1000",
                                                      "--compression", "on-write", NULL});
    char *value = malloc(LENGTH);
    ck_assert_ptr_nonnull(value);
    for (int i = 0; i < LENGTH; i++)
        value[i] = (char)('a' + rand() % 8);
    for (int tries = 0; ask_integer(c, "SLOWLOG LEN") == 0 && tries < TRIES; tries++) {
        for (int i = 0; i < COMMANDS; i++)
            redisAppendCommand(c, "SET k%d %b", i, value, (size_t)(i == 20 ? LENGTH : LENGTH - 1));
        for (int i = 0; i < COMMANDS; i++) {
            void *reply;
            ck_assert_int_eq(redisGetReply(c, &reply), REDIS_OK);
            freeReplyObject(reply);
        }
    }
    redisReply *r = ask(c, "SLOWLOG GET");
    ck_assert_uint_ge(r->elements, 1);
    ck_assert_int_ge(r->element[0]->element[2]->integer, 1000);
    ck_assert(has_argument(r->element[0], 0, "SET"));
    freeReplyObject(r);
    free(value);
    stop(&s, c);
}
END_TEST

START_TEST(spikes_are_sampled)
{
    struct instance s;
    redisContext *c = start(&s, (const char *const[]){"--latency-monitor-threshold", "1", NULL});
    ck_assert(asks(c, "ERR No samples available for event 'command'", "LATENCY GRAPH command"));
    redisReply *r = ask(c, "LATENCY HISTORY command");
    ck_assert_uint_eq(r->elements, 0);
    freeReplyObject(r);
    for (int i = 0; i < 20000; i++)
        redisAppendCommand(c, "SET key:%d v", i);
    for (int i = 0; i < 20000; i++) {
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        freeReplyObject(r);
    }
    freeReplyObject(ask(c, "LATENCY RESET"));
    r = ask(c, "LATENCY LATEST");
    for (int tries = 0; r->elements == 0 && tries < TRIES; tries++) {
        freeReplyObject(r);
        freeReplyObject(ask(c, "KEYS *:1?3*"));
        r = ask(c, "LATENCY LATEST");
    }
    ck_assert_uint_ge(r->elements, 1);
    const redisReply *e = r->element[0];
    ck_assert_uint_eq(e->elements, 4);
    ck_assert_str_eq(e->element[0]->str, "command");
    ck_assert_int_ge(e->element[2]->integer, 1);
    ck_assert_int_ge(e->element[3]->integer, e->element[2]->integer);
    freeReplyObject(r);
    r = ask(c, "LATENCY HISTORY command");
    ck_assert_uint_ge(r->elements, 1);
    ck_assert_uint_eq(r->element[0]->elements, 2);
    freeReplyObject(r);
    r = ask(c, "LATENCY GRAPH command");
    ck_assert_ptr_nonnull(strstr(r->str, "command - high "));
    freeReplyObject(r);
    r = ask(c, "LATENCY DOCTOR");
    ck_assert_ptr_nonnull(strstr(r->str, "command: "));
    freeReplyObject(r);
    ck_assert_int_eq(ask_integer(c, "LATENCY RESET command nosuch"), 1);
    stop(&s, c);
}
END_TEST

/* The last bucket of a histogram counts all calls. */
static int64_t calls_in_histogram(redisContext *c, const char *command)
{
    redisReply *r = ask(c, "LATENCY HISTOGRAM %s nosuch", command);
    int64_t calls = 0;
    if (r->elements == 2) {
        const redisReply *fields = r->element[1], *buckets = fields->element[3];
        ck_assert_str_eq(r->element[0]->str, command);
        ck_assert_str_eq(fields->element[0]->str, "calls");
        ck_assert_str_eq(fields->element[2]->str, "histogram_usec");
        calls = buckets->element[buckets->elements - 1]->integer;
        ck_assert_int_eq(fields->element[1]->integer, calls);
    }
    freeReplyObject(r);
    return calls;
}

START_TEST(times_are_counted)
{
    struct instance s;
    redisContext *c = start(&s, NULL);
    for (int i = 0; i < 100; i++)
        redisAppendCommand(c, i % 2 ? "GET k" : "GET k k");
    for (int i = 0; i < 100; i++) {
        void *reply;
        ck_assert_int_eq(redisGetReply(c, &reply), REDIS_OK);
        freeReplyObject(reply);
    }
    freeReplyObject(ask(c, "CONFIG GET maxmemory"));
    freeReplyObject(ask(c, "CONFIG NOSUCH"));
    /* Those that were refused have no time. */
    ck_assert_int_eq(calls_in_histogram(c, "get"), 50);
    ck_assert_int_eq(calls_in_histogram(c, "config|get"), 1);
    ck_assert_int_eq(calls_in_histogram(c, "set"), 0);
    redisReply *r = ask(c, "INFO commandstats latencystats");
    ck_assert_ptr_nonnull(strstr(r->str, "cmdstat_get:calls=50,usec="));
    ck_assert_ptr_nonnull(strstr(r->str, ",rejected_calls=50,failed_calls=0"));
    ck_assert_ptr_nonnull(strstr(r->str, "cmdstat_config|get:calls=1,usec="));
    ck_assert_ptr_null(strstr(r->str, "cmdstat_config:"));
    ck_assert_ptr_nonnull(strstr(r->str, "# Latencystats\r\n"));
    ck_assert_ptr_nonnull(strstr(r->str, "latency_percentiles_usec_get:p50="));
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "CONFIG SET latency-tracking no"));
    ck_assert(asks(c, "OK", "CONFIG RESETSTAT"));
    freeReplyObject(ask(c, "GET k"));
    ck_assert_int_eq(calls_in_histogram(c, "get"), 0);
    stop(&s, c);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("timing");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, slow_commands_are_kept);
    tcase_add_test(t, long_commands_are_cut);
    tcase_add_test(t, passwords_are_not_kept);
    tcase_add_test(t, batches_are_told_under_their_longest_command);
    tcase_add_test(t, spikes_are_sampled);
    tcase_add_test(t, times_are_counted);
    Suite *s = suite_create("server_timing");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
