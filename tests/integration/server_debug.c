/* DEBUG, and options of Redis that are kept without an effect. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static struct instance server;
static redisContext *c;

static void begin(void)
{
    instance_start(&server, (const char *const[]){"--threads", "2", NULL});
    c = instance_connect(&server);
}

static void end(void)
{
    redisFree(c);
    ck_assert_int_eq(instance_stop(&server), 0);
}

START_TEST(what_has_expired_can_be_left)
{
    ck_assert(asks(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 0"));
    for (int i = 0; i < 3; i++)
        ck_assert(asks(c, "OK", "PSETEX gone:%d 1 x", i));
    /* The sweep would come by several times. */
    ck_assert(asks(c, "OK", "DEBUG SLEEP 0.8"));
    ck_assert_int_eq(ask_integer(c, "DBSIZE"), 3);
    ck_assert_int_eq(ask_integer(c, "EXISTS gone:0"), 0);
    ck_assert_int_lt(ask_integer(c, "DBSIZE"), 3);
    ck_assert(asks(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 1"));
    ck_assert(await_info(c, "expired_keys", 3, true));
    ck_assert_int_eq(ask_integer(c, "DBSIZE"), 0);
}
END_TEST

START_TEST(keys_are_made)
{
    char zeros[10] = "value:7";
    ck_assert(asks(c, "OK", "SET key:5 mine"));
    ck_assert(asks(c, "OK", "DEBUG POPULATE 1000"));
    ck_assert_int_eq(ask_integer(c, "DBSIZE"), 1000);
    ck_assert(asks(c, "value:999", "GET key:999"));
    ck_assert(asks(c, "mine", "GET key:5"));
    ck_assert(asks(c, "OK", "DEBUG POPULATE 10 %s 10", "a b"));
    redisReply *r = ask(c, "GET %s", "a b:7");
    ck_assert_uint_eq(r->len, 10);
    ck_assert_mem_eq(r->str, zeros, 10);
    freeReplyObject(r);
    ck_assert(asks(c, "ERR value is out of range, must be positive", "DEBUG POPULATE -1"));
    ck_assert(
        asks(c, "ERR value is out of range, must be positive", "DEBUG POPULATE 1 k 99999999"));
    r = ask(c, "DEBUG OBJECT key:7");
    ck_assert_ptr_nonnull(strstr(r->str, "encoding:raw serializedlength:8 "));
    freeReplyObject(r);
    ck_assert(asks(c, "ERR no such key", "DEBUG OBJECT none"));
}
END_TEST

START_TEST(sleeping_is_slow)
{
    ck_assert(asks(c, "OK", "CONFIG SET slowlog-log-slower-than 100000"));
    ck_assert(asks(c, "OK", "DEBUG SLEEP 0"));
    ck_assert(asks(c, "OK", "DEBUG SLEEP 0.2"));
    ck_assert_int_eq(ask_integer(c, "SLOWLOG LEN"), 1);
    ck_assert(asks(c, "ERR value is not a valid float", "DEBUG SLEEP x"));
    ck_assert(asks(c, "ERR value is not a valid float", "DEBUG SLEEP -1"));
    /* One that sleeps for longer than a stop may take. */
    redisAppendCommand(c, "DEBUG SLEEP 1000");
    int done = 0;
    ck_assert_int_eq(redisBufferWrite(c, &done), REDIS_OK);
    ck_assert_int_eq(done, 1);
}
END_TEST

START_TEST(it_can_be_forbidden)
{
    struct instance other;
    instance_start(&other, (const char *const[]){"--enable-debug-command", "no", NULL});
    redisContext *d = instance_connect(&other);
    redisReply *r = ask(d, "DEBUG HELP");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    ck_assert_ptr_nonnull(strstr(r->str, "ERR DEBUG command not allowed."));
    freeReplyObject(r);
    r = ask(d, "CONFIG SET enable-debug-command yes");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    redisFree(d);
    ck_assert_int_eq(instance_stop(&other), 0);
}
END_TEST

static bool is_set(const char *name, const char *value)
{
    redisReply *r = ask(c, "CONFIG GET %s", name);
    bool is = r->elements == 2 && strcmp(r->element[1]->str, value) == 0;
    freeReplyObject(r);
    return is;
}

START_TEST(options_without_effect_are_kept)
{
    static const char failed[] = "ERR CONFIG SET failed (possibly related to argument '%s') - %s";
    char text[300];
    ck_assert(is_set("hz", "10"));
    ck_assert(asks(c, "OK", "CONFIG SET hz 20 dbfilename other.rdb activerehashing NO"));
    ck_assert(is_set("hz", "20"));
    ck_assert(is_set("dbfilename", "other.rdb"));
    ck_assert(asks(c, "OK", "CONFIG SET list-max-listpack-size -1 repl-backlog-size 2mb"));
    ck_assert(is_set("list-max-listpack-size", "-1"));
    /* All or none. */
    snprintf(text, sizeof text, failed, "activerehashing", "argument must be 'yes' or 'no'");
    ck_assert(asks(c, text, "CONFIG SET hz 30 activerehashing maybe"));
    ck_assert(is_set("hz", "20"));
    snprintf(text, sizeof text, failed, "hz", "argument couldn't be parsed into an integer");
    ck_assert(asks(c, text, "CONFIG SET hz fast"));
    /* Those that would promise something are not. */
    ck_assert(asks(c, "OK", "CONFIG SET appendonly no"));
    snprintf(text, sizeof text, failed, "appendonly",
             "this server does not have what the parameter is about");
    ck_assert(asks(c, text, "CONFIG SET appendonly yes"));
    ck_assert(is_set("appendonly", "no"));
}
END_TEST

/* A cap that is smaller than the least that the pool keeps. */
START_TEST(no_room_at_all)
{
    static const char oom[] = "OOM command not allowed when used memory > 'maxmemory'.";
    ck_assert(asks(c, "OK", "SET a 1"));
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 1"));
    ck_assert(asks(c, oom, "SET a 2"));
    ck_assert(asks(c, oom, "INCR a"));
    ck_assert(asks(c, oom, "SETBIT a 1 1"));
    ck_assert_int_eq(ask_integer(c, "EXISTS none"), 0);
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, oom, "SET a 2"));
    ck_assert(asks(c, "OK", "DISCARD"));
    redisReply *r = ask(c, "INFO commandstats");
    ck_assert_ptr_nonnull(
        strstr(r->str, "cmdstat_incr:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1"));
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 64mb"));
    ck_assert(asks(c, "OK", "SET a 2"));
    ck_assert(asks(c, "2", "GET a"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("debug");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_has_expired_can_be_left);
    tcase_add_test(t, keys_are_made);
    tcase_add_test(t, sleeping_is_slow);
    tcase_add_test(t, it_can_be_forbidden);
    tcase_add_test(t, options_without_effect_are_kept);
    tcase_add_test(t, no_room_at_all);
    return server_case_run(t);
}
