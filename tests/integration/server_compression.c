/* Compression as clients see it: values get smaller, the option is changed at run time, and what
 * ZINFO, OBJECT, MEMORY and ZDICT tell. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"

#define ITEMS 20000

static struct instance server;
static redisContext *c;

static int value(unsigned i, char *out, size_t cap)
{
    return snprintf(out, cap,
                    "{\"id\":%u,\"name\":\"customer-%u\",\"mail\":\"c%u@mail.invalid\",\"active\":"
                    "true,\"role\":\"member\",\"visits\":%u}",
                    i, i * 7919 % 100003, i * 31 % 50021, i * i % 1009);
}

static void load(void)
{
    char text[256];
    for (unsigned i = 0; i < ITEMS; i++) {
        int len = value(i, text, sizeof text);
        ck_assert_int_eq(redisAppendCommand(c, "SET user:%u %b", i, text, (size_t)len), REDIS_OK);
    }
    for (unsigned i = 0; i < ITEMS; i++) {
        redisReply *r = NULL;
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        ck_assert_str_eq(r->str, "OK");
        freeReplyObject(r);
    }
}

static void verify(void)
{
    char text[256];
    for (unsigned i = 0; i < ITEMS; i++)
        ck_assert_int_eq(redisAppendCommand(c, "GET user:%u", i), REDIS_OK);
    for (unsigned i = 0; i < ITEMS; i++) {
        redisReply *r = NULL;
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        ck_assert_int_eq(r->type, REDIS_REPLY_STRING);
        value(i, text, sizeof text);
        ck_assert_str_eq(r->str, text);
        freeReplyObject(r);
    }
}

/* The value of a field in a reply of pairs; -1 = a text. */
static int64_t field(const redisReply *r, const char *name)
{
    for (size_t i = 0; i + 1 < r->elements; i += 2)
        if (strcmp(r->element[i]->str, name) == 0)
            return r->element[i + 1]->type == REDIS_REPLY_INTEGER ? r->element[i + 1]->integer : -1;
    ck_abort_msg("no field %s", name);
    return -1;
}

static void check_zinfo(bool coded)
{
    redisReply *r = ask(c, "ZINFO user:7");
    int64_t raw = field(r, "raw-length"), stored = field(r, "stored-length");
    ck_assert_int_eq(raw, ask_integer(c, "STRLEN user:7"));
    ck_assert(coded ? stored * 2 < raw : stored == raw);
    ck_assert_int_eq(field(r, "dictionary") > 0, coded);
    ck_assert_int_ge(field(r, "class-size"), stored);
    ck_assert_int_eq(field(r, "memory"), ask_integer(c, "MEMORY USAGE user:7"));
    ck_assert(field(r, "place") == -1 && field(r, "idle-ms") >= 0);
    freeReplyObject(r);
    ck_assert_int_eq(asks(c, "raw", "OBJECT ENCODING user:7"), !coded);
}

START_TEST(values_get_smaller_and_the_option_changes)
{
    const char *const options[] = {"--compression", "on-write", NULL, NULL};
    instance_start(&server, options);
    c = instance_connect(&server);
    load();
    /* The first were written before there was a dictionary. */
    ck_assert(await_info(c, "items_raw", 100, false));
    ck_assert_int_gt(info_number(c, "dictionaries"), 0);
    check_zinfo(true);
    verify();

    redisReply *r = ask(c, "ZDICT LIST");
    ck_assert(r->type == REDIS_REPLY_ARRAY && r->elements >= 1);
    const redisReply *d = r->element[0];
    ck_assert_str_eq(d->element[1]->str, "user:#");
    ck_assert(field(d, "generation") == 1 && field(d, "size") > 0 && field(d, "age-ms") > 0);
    ck_assert_int_gt(field(d, "items"), ITEMS / 2);
    freeReplyObject(r);
    ck_assert(asks(c, "ERR no such family of keys", "ZDICT TRAIN nobody"));
    ck_assert(asks(c, "OK", "ZDICT TRAIN user:#"));

    ck_assert(asks(c, "OK", "CONFIG SET compression off"));
    ck_assert(await_info(c, "items_lz4", 0, false));
    check_zinfo(false);
    verify();
    r = ask(c, "MEMORY DOCTOR");
    ck_assert_ptr_nonnull(strstr(r->str, "Compression is off"));
    freeReplyObject(r);

    ck_assert(asks(c, "OK", "CONFIG SET compression adaptive"));
    ck_assert(await_info(c, "items_raw", 100, false));
    ck_assert(asks(c, "OK", "ZDICT DROP"));
    ck_assert(await_info(c, "dictionaries", 0, false));
    verify();
    ck_assert(asks(c, "OK", "CONFIG SET memory-pressure no"));
    ck_assert_int_eq(info_number(c, "memory_pressure"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&server), 0);
}
END_TEST

/* Asks ten times a second whether the server is there, as health checks do. */
static bool await_rss(uint64_t most)
{
    for (int i = 0; i < 2000 && instance_rss(&server) > most; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (i % 10 == 0)
            ck_assert(asks(c, "PONG", "PING"));
    }
    return instance_rss(&server) <= most;
}

/* When hardly anybody asks for anything, what is not needed to hold the items goes; it is there
 * again when it is. */
START_TEST(a_server_rests)
{
    if (!memory_is_telling())
        return;
    instance_start(&server, NULL);
    c = instance_connect(&server);
    ck_assert(asks(c, "PONG", "PING"));
    uint64_t start = instance_rss(&server);
    ck_assert(await_rss(start - start / 4));
    load();
    ck_assert_uint_gt(instance_rss(&server), start + start / 4);
    ck_assert(await_rss(start + start / 4)); /* with 2.5 MB of values and keys */
    verify();
    ck_assert(asks(c, "2", "EVAL %s 0", "return tostring(math.floor(2.5))"));
    load();
    verify();
    redisFree(c);
    ck_assert_int_eq(instance_stop(&server), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("compression");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, values_get_smaller_and_the_option_changes);
    tcase_add_test(t, a_server_rests);
    return server_case_run(t);
}
