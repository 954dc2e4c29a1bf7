/* Keyspace events: which commands cause which, and those of expiry and eviction. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static redisContext *subscriber(const char *pattern)
{
    redisContext *c = instance_connect(&served);
    freeReplyObject(ask(c, "PSUBSCRIBE %s", pattern));
    return c;
}

/* The next message is `text` on `channel`. */
static void expect_event(redisContext *c, const char *channel, const char *text)
{
    redisReply *r;
    ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
    ck_assert_uint_eq(r->elements, 4);
    ck_assert_str_eq(r->element[2]->str, channel);
    ck_assert_str_eq(r->element[3]->str, text);
    freeReplyObject(r);
}

START_TEST(commands_cause_events)
{
    /* A command, then what it causes: the kinds of key k unless another is named. */
    static const struct {
        const char *command, *events;
    } cases[] = {
        {"SET k 1", "new k,set k"},
        {"SET k 2 EX 100", "set k,expire k"},
        {"GET k", ""},
        {"GET nope", "keymiss nope"},
        {"INCR k", "incrby k"},
        {"DECRBY c 2", "new c,incrby c"},
        {"INCRBYFLOAT c 1.5", "incrbyfloat c"},
        {"APPEND k x", "append k"},
        {"SETRANGE k 2 yy", "setrange k"},
        {"PERSIST k", "persist k"},
        {"SETNX k 1", ""},
        {"GETSET k 2", "set k"},
        {"GETEX k EX 5", "expire k"},
        {"GETDEL k", "del k"},
        {"MSET m 1 c 2", "new m,set m,set c"},
        {"RENAME m m2", "rename_from m,new m2,rename_to m2"},
        {"COPY m2 m3", "new m3,copy_to m3"},
        {"EXPIRE m3 100", "expire m3"},
        {"EXPIRE m3 -1", "del m3"},
        {"HSET h f v g w", "new h,hset h"},
        {"HINCRBY h n 1", "hincrby h"},
        {"HDEL h f", "hdel h"},
        {"HDEL h g n", "hdel h,del h"},
        {"MGET m2 m4", "keymiss m4"},
        {"EXISTS m4", "keymiss m4"},
        {"TTL m4", "keymiss m4"},
        {"HGET m4 f", "keymiss m4"},
        {"DEL m2 nope c", "del m2,del c"},
        {"FLUSHALL", ""},
        {"SET last 1", "new last,set last"},
    };
    redisContext *c = instance_connect(&served), *sub = subscriber("__keyevent@0__:*");
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events EAmn"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char events[128], *rest = NULL;
        freeReplyObject(ask(c, cases[i].command));
        snprintf(events, sizeof events, "%s", cases[i].events);
        for (char *one = strtok_r(events, ",", &rest); one != NULL;
             one = strtok_r(NULL, ",", &rest)) {
            char channel[128], event[32], key[32];
            ck_assert_int_eq(sscanf(one, "%31s %31s", event, key), 2);
            snprintf(channel, sizeof channel, "__keyevent@0__:%s", event);
            expect_event(sub, channel, key);
        }
    }
    redisFree(sub);
    redisFree(c);
}
END_TEST

START_TEST(channels_and_classes)
{
    redisContext *c = instance_connect(&served), *sub = subscriber("__key*__:*");
    ck_assert(asks(c, "OK", "SET before 1"));
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events KE$"));
    ck_assert(asks(c, "OK", "SELECT 3"));
    ck_assert(asks(c, "OK", "SET k 1 EX 100"));
    expect_event(sub, "__keyspace@3__:k", "set");
    expect_event(sub, "__keyevent@3__:set", "k");
    ck_assert_int_eq(ask_integer(c, "SETBIT bits 7 1"), 0);
    expect_event(sub, "__keyspace@3__:bits", "setbit");
    expect_event(sub, "__keyevent@3__:setbit", "bits");
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events gK"));
    ck_assert_int_eq(ask_integer(c, "SETBIT bits 7 0"), 1);
    ck_assert(asks(c, "OK", "SET k 1 EX 100"));
    expect_event(sub, "__keyspace@3__:k", "expire");
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events %s", ""));
    ck_assert(asks(c, "OK", "SET k 1"));
    ck_assert_int_eq(ask_integer(c, "PUBLISH __keyend__: x"), 1);
    expect_event(sub, "__keyend__:", "x");
    redisFree(sub);
    redisFree(c);
}
END_TEST

START_TEST(letters_of_the_option)
{
    static const char *const cases[][2] = {
        {"KEA", "AKE"},        {"KEg$lshzxetdmn", "AKEm"},
        {"Elg", "glE"},        {"KEn", "nKE"},
        {"Kg$lshzxetd", "AK"}, {"m", "m"},
        {"AKEn", "AKE"},       {"xE", "xE"},
    };
    redisContext *c = instance_connect(&served);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events %s", cases[i][0]));
        redisReply *r = ask(c, "CONFIG GET notify-keyspace-events");
        ck_assert_str_eq(r->element[1]->str, cases[i][1]);
        freeReplyObject(r);
    }
    ck_assert(asks(c,
                   "ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') "
                   "- Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
                   "CONFIG SET notify-keyspace-events Kx?"));
    redisFree(c);
}
END_TEST

/* By the keeper, without anybody asking for the key. */
START_TEST(expired)
{
    redisContext *c = instance_connect(&served), *sub = subscriber("__keyevent@0__:*");
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events Ex"));
    ck_assert(asks(c, "OK", "SET short 1 PX 20"));
    expect_event(sub, "__keyevent@0__:expired", "short");
    redisFree(sub);
    redisFree(c);
}
END_TEST

/* Values that no codec makes shorter, a hundred at a time. */
static void fill(redisContext *c, unsigned rounds)
{
    static char value[1024];
    uint64_t random = 1;
    redisReply *r;
    for (unsigned n = 0; n < rounds * 100; n++) {
        for (size_t i = 0; i < sizeof value; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            value[i] = (char)(random >> 40);
        }
        redisAppendCommand(c, "SET key:%u %b", n, value, sizeof value);
        for (unsigned i = 0; n % 100 == 99 && i < 100; i++) {
            ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
            freeReplyObject(r);
        }
    }
}

START_TEST(evicted)
{
    redisContext *c = instance_connect(&served), *sub = subscriber("__keyevent@0__:*");
    redisReply *r;
    if (!memory_is_telling()) {
        redisFree(sub);
        redisFree(c);
        return; /* a sanitizer's memory leaves no room for values */
    }
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events Ee"));
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 32mb"));
    fill(c, 500);
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
    ck_assert_str_eq(r->element[2]->str, "__keyevent@0__:evicted");
    ck_assert(strncmp(r->element[3]->str, "key:", 4) == 0);
    freeReplyObject(r);
    redisFree(sub);
    redisFree(c);
}
END_TEST

/* A cap below what the server itself takes: what goes is told all the same. */
START_TEST(evicted_to_the_last)
{
    redisContext *c = instance_connect(&served);
    ck_assert(asks(c, "OK", "CONFIG SET notify-keyspace-events Ee maxmemory-policy allkeys-lru"));
    redisContext *listener = subscriber("*");
    ck_assert(asks(c, "OK", "SET foo bar"));
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory 1"));
    expect_event(listener, "__keyevent@0__:evicted", "foo");
    redisFree(listener);
    redisFree(c);
}
END_TEST

int main(void)
{
    TCase *c = server_case("events", 120);
    tcase_add_test(c, commands_cause_events);
    tcase_add_test(c, channels_and_classes);
    tcase_add_test(c, letters_of_the_option);
    tcase_add_test(c, expired);
    tcase_add_test(c, evicted);
    tcase_add_test(c, evicted_to_the_last);
    return server_case_run(c);
}
