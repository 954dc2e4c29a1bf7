/* MULTI, EXEC and WATCH: what they answer, and that they are one step for everybody else.
 *
 *   ZSC_OPS  rounds of each thread (default 400) */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "harness.h"

#define PLAYERS 4

static struct instance server;
static redisContext *one, *other;

static void begin(void)
{
    instance_start(&server, (const char *const[]){"--threads", "2", "--client-query-buffer-limit",
                                                  "2mb", NULL});
    one = instance_connect(&server);
    other = instance_connect(&server);
}

static void end(void)
{
    redisFree(one);
    redisFree(other);
    ck_assert_int_eq(instance_stop(&server), 0);
}

static void ok(redisContext *c, const char *command)
{
    ck_assert_msg(asks(c, "OK", command), "%s", command);
}

static void queue(redisContext *c, const char *command)
{
    ck_assert_msg(asks(c, "QUEUED", command), "%s", command);
}

/* EXEC's reply is nil: somebody changed what was watched. */
static bool is_refused(redisContext *c)
{
    redisReply *r = ask(c, "EXEC");
    bool refused = r->type == REDIS_REPLY_NIL;
    freeReplyObject(r);
    return refused;
}

START_TEST(errors_abort)
{
    ck_assert(asks(one, "ERR EXEC without MULTI", "EXEC"));
    ck_assert(asks(one, "ERR DISCARD without MULTI", "DISCARD"));
    ok(one, "MULTI");
    ck_assert(asks(one, "ERR MULTI calls can not be nested", "MULTI"));
    ck_assert(asks(one, "ERR WATCH inside MULTI is not allowed", "WATCH a"));
    queue(one, "SET a 1");
    redisReply *r = ask(one, "EXEC"); /* those two do not abort */
    ck_assert_int_eq(r->type, REDIS_REPLY_ARRAY);
    ck_assert_uint_eq(r->elements, 1);
    freeReplyObject(r);

    static const char aborted[] = "EXECABORT Transaction discarded because of previous errors.";
    static const char *const faults[] = {"SET a", "NOSUCH a", "CLIENT NOSUCH", "SHUTDOWN"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        ok(one, "MULTI");
        queue(one, "SET a 2");
        r = ask(one, faults[i]);
        ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
        freeReplyObject(r);
        queue(one, "SET a 3");
        ck_assert(asks(one, aborted, "EXEC"));
    }
    ok(one, "MULTI");
    ck_assert(asks(one,
                   "EXECABORT Transaction discarded because of: wrong number of arguments for "
                   "'exec' command",
                   "EXEC now"));
    ck_assert(asks(one, "ERR EXEC without MULTI", "EXEC"));
    ck_assert(asks(one, "1", "GET a"));
}
END_TEST

START_TEST(failing_commands_do_not_abort)
{
    ok(one, "MULTI");
    queue(one, "SET a x");
    queue(one, "INCR a");
    queue(one, "HGET a f");
    queue(one, "GET none");
    queue(one, "SELECT 3");
    queue(one, "SET a there");
    redisReply *r = ask(one, "EXEC");
    ck_assert_uint_eq(r->elements, 6);
    ck_assert_int_eq(r->element[1]->type, REDIS_REPLY_ERROR);
    ck_assert_int_eq(r->element[2]->type, REDIS_REPLY_ERROR);
    ck_assert_int_eq(r->element[3]->type, REDIS_REPLY_NIL);
    freeReplyObject(r);
    ck_assert(asks(other, "x", "GET a"));
    ok(other, "SELECT 3");
    ck_assert(asks(other, "there", "GET a"));
    ok(one, "MULTI");
    queue(one, "SET a never");
    ck_assert(asks(one, "RESET", "RESET"));
    ck_assert(asks(one, "ERR EXEC without MULTI", "EXEC"));
    ck_assert(asks(one, "x", "GET a"));
    ok(one, "MULTI");
    queue(one, "SET a never");
    ok(one, "DISCARD");
    ck_assert(asks(one, "x", "GET a"));
}
END_TEST

/* What the other client does between WATCH and EXEC, and whether that refuses EXEC. */
static const struct change {
    const char *before, *meanwhile;
    bool refuses;
} changes[] = {
    {"SET k 1", "SET k 2", true},      {"SET k 1", "SET k 1", true},
    {"SET k 1", "SET other 2", false}, {"SET k 1", "SETNX k 2", false},
    {"SET k 1", "DEL k", true},        {"SET k 1", "GETDEL k", true},
    {"SET k 1", "EXPIRE k 100", true}, {"SET k 1", "APPEND k 1", true},
    {"SET k 1", "INCR k", true},       {"SET k 1", "GET k", false},
    {"SET k 1", "MSET a 1 k 2", true}, {"SET k 1", "RENAME k z", true},
    {"SET z 1", "RENAME z k", true},   {"SET z 1", "COPY z k", true},
    {"SET k 1", "FLUSHDB", true},      {"SET k 1", "FLUSHALL", true},
    {"DEL k", "FLUSHALL", false},      {"DEL k", "DEL k", false},
    {"DEL k", "SET k 1", true},        {"DEL k", "HSET k f 1", true},
    {"HSET k f 1", "HDEL k f", true},  {"HSET k f 1", "HSET k g 1", true},
    {"HSET k f 1", "HDEL k g", false},
};

START_TEST(watch_sees_changes)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const struct change *c = &changes[i];
        ok(other, "FLUSHALL");
        freeReplyObject(ask(other, c->before));
        ok(one, "WATCH x k k");
        freeReplyObject(ask(other, c->meanwhile));
        ok(one, "MULTI");
        queue(one, "SET mark 1");
        ck_assert_msg(is_refused(one) == c->refuses, "%s", c->meanwhile);
        /* That watch has ended. */
        freeReplyObject(ask(other, "SET k 7"));
        ok(one, "MULTI");
        queue(one, "SET mark 1");
        ck_assert(!is_refused(one));
    }
    ok(one, "WATCH k x");
    ck_assert_int_eq(info_number(other, "watching_clients"), 1);
    ck_assert_int_eq(info_number(other, "total_watched_keys"), 2);
    ok(one, "UNWATCH");
    ck_assert_int_eq(info_number(other, "watching_clients"), 0);
    ck_assert_int_eq(info_number(other, "total_watched_keys"), 0);
    ok(one, "WATCH k");
    ok(one, "SET k mine");
    ok(one, "MULTI");
    ck_assert(is_refused(one)); /* its own change counts */
    ok(one, "WATCH k");
    ok(other, "SET k 1");
    ok(one, "UNWATCH");
    ok(one, "MULTI");
    ck_assert(!is_refused(one));
    ok(one, "WATCH k");
    ok(other, "SELECT 1");
    ok(other, "SET k 1");
    ok(one, "MULTI");
    ck_assert(!is_refused(one)); /* another database's */
}
END_TEST

START_TEST(watch_sees_expiry_and_eviction)
{
    ok(other, "SET k 1 PX 40");
    ok(one, "WATCH k");
    while (ask_integer(other, "EXISTS k") == 1)
        ;
    ok(one, "MULTI");
    ck_assert(is_refused(one));
    ok(one, "WATCH k"); /* gone before: nothing changes */
    ok(one, "MULTI");
    ck_assert(!is_refused(one));

    ok(one, "CONFIG SET maxmemory-policy allkeys-lru");
    ok(one, "SET k 1");
    ok(one, "WATCH k");
    char value[4000];
    memset(value, 'x', sizeof value);
    ck_assert(asks(other, "OK", "CONFIG SET maxmemory 64mb compression off"));
    for (int i = 0; i < 50000; i++) {
        for (size_t j = 0; j < sizeof value; j++)
            value[j] = (char)(i * 31 + (int)j * (i | 1));
        freeReplyObject(ask(other, "SET fill%d %b", i, value, sizeof value));
        if (i % 100 == 0 && ask_integer(other, "EXISTS k") == 0)
            break;
    }
    ck_assert_int_eq(ask_integer(other, "EXISTS k"), 0);
    ok(one, "MULTI");
    ck_assert(is_refused(one));
}
END_TEST

START_TEST(long_values_pass)
{
    size_t len = 600000;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i * i % 23);
    ok(one, "MULTI");
    ck_assert(asks(one, "QUEUED", "SET big %b", text, len));
    queue(one, "GET big");
    queue(one, "STRLEN big");
    queue(one, "GETRANGE big 5 300000");
    queue(one, "PING");
    redisReply *r = ask(one, "EXEC");
    ck_assert_uint_eq(r->elements, 5);
    ck_assert_uint_eq(r->element[1]->len, len);
    ck_assert_mem_eq(r->element[1]->str, text, len);
    ck_assert_int_eq(r->element[2]->integer, (long long)len);
    ck_assert_uint_eq(r->element[3]->len, 300000 - 4);
    ck_assert_mem_eq(r->element[3]->str, text + 5, 300000 - 4);
    ck_assert_str_eq(r->element[4]->str, "PONG");
    freeReplyObject(r);

    /* More than client-query-buffer-limit. */
    ok(one, "MULTI");
    unsigned queued = 0;
    for (; queued < 10; queued++) {
        r = redisCommand(one, "SET big %b", text, len);
        if (r == NULL)
            break;
        freeReplyObject(r);
    }
    ck_assert_uint_eq(queued, 3);
    ck_assert(await_info(other, "connected_clients", 1, false));
    ck_assert_int_eq(info_number(other, "client_query_buffer_limit_disconnections"), 1);
    free(text);
}
END_TEST

START_TEST(client_list_shows_it)
{
    ok(one, "WATCH a b");
    redisReply *r = ask(one, "CLIENT INFO");
    ck_assert_ptr_nonnull(strstr(r->str, " multi=-1 watch=2 "));
    freeReplyObject(r);
    long long id = ask_integer(one, "CLIENT ID");
    ok(other, "SET a 1");
    ok(one, "MULTI");
    queue(one, "SET a 1");
    r = ask(other, "CLIENT LIST ID %lld", id);
    /* What will be refused is not kept. */
    ck_assert_ptr_nonnull(strstr(r->str, " flags=xd "));
    ck_assert_ptr_nonnull(strstr(r->str, " multi=0 watch=2 "));
    freeReplyObject(r);
    ok(one, "DISCARD");
    ok(one, "MULTI");
    queue(one, "SET a 1");
    queue(one, "SET a 2");
    r = ask(other, "CLIENT LIST ID %lld", id);
    ck_assert_ptr_nonnull(strstr(r->str, " flags=x "));
    ck_assert_ptr_nonnull(strstr(r->str, " multi=2 watch=0 "));
    freeReplyObject(r);
    /* One that goes away while it watches leaves nothing behind. */
    redisFree(one);
    ok(other, "SET a 3");
    one = instance_connect(&server);
}
END_TEST

/* ---- many at once ---- */

struct player {
    pthread_t thread;
    unsigned rounds, index;
    unsigned long refused, torn;
};

static redisContext *connect_player(void)
{
    redisContext *c = redisConnect("127.0.0.1", server.port);
    if (c != NULL && c->err == 0)
        redisSetTimeout(c, (struct timeval){.tv_sec = 60});
    return c;
}

/* Adds one by compare and set: reads, and writes only if nobody has written meanwhile. */
static void add_one(redisContext *c, struct player *p)
{
    for (;;) {
        freeReplyObject(ask(c, "WATCH sum"));
        redisReply *r = ask(c, "GET sum");
        long n = r->type == REDIS_REPLY_STRING ? strtol(r->str, NULL, 10) : 0;
        freeReplyObject(r);
        redisAppendCommand(c, "MULTI");
        redisAppendCommand(c, "SET sum %ld", n + 1);
        redisAppendCommand(c, "EXEC");
        bool done = false;
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
            done = r->type == REDIS_REPLY_ARRAY;
            freeReplyObject(r);
        }
        if (done)
            return;
        p->refused++;
    }
}

/* Two counters in different shards, which change together. */
static void add_both(redisContext *c, struct player *p)
{
    static const char *const commands[] = {"MULTI", "INCR left", "INCR right", "EXEC",
                                           "MGET left right"};
    redisReply *r = NULL;
    for (size_t i = 0; i < 5; i++)
        redisAppendCommand(c, commands[i]);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        if (i == 3 && r->element[0]->integer != r->element[1]->integer)
            p->torn++;
        freeReplyObject(r);
    }
    /* A reader sees both or none: in one transaction. */
    redisAppendCommand(c, "MULTI");
    redisAppendCommand(c, "GET left");
    redisAppendCommand(c, "DBSIZE");
    redisAppendCommand(c, "GET right");
    redisAppendCommand(c, "EXEC");
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        if (i == 4 && strcmp(r->element[0]->str, r->element[2]->str) != 0)
            p->torn++;
        freeReplyObject(r);
    }
}

static void *play(void *arg)
{
    struct player *p = arg;
    redisContext *c = connect_player();
    for (unsigned i = 0; i < p->rounds; i++) {
        add_one(c, p);
        add_both(c, p);
    }
    redisFree(c);
    return NULL;
}

START_TEST(sums_are_exact)
{
    struct player players[PLAYERS] = {0};
    const char *text = getenv("ZSC_OPS");
    unsigned rounds = text == NULL ? 400 : (unsigned)strtoul(text, NULL, 10);
    unsigned long refused = 0;
    for (unsigned i = 0; i < PLAYERS; i++) {
        players[i].rounds = rounds;
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
    for (unsigned i = 0; i < PLAYERS; i++) {
        ck_assert_int_eq(pthread_join(players[i].thread, NULL), 0);
        ck_assert_uint_eq(players[i].torn, 0);
        refused += players[i].refused;
    }
    printf("%lu transactions were refused and tried again\n", refused);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%u", PLAYERS * rounds);
    ck_assert(asks(one, wanted, "GET sum"));
    ck_assert(asks(one, wanted, "GET left"));
    ck_assert(asks(one, wanted, "GET right"));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("transactions");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, errors_abort);
    tcase_add_test(t, failing_commands_do_not_abort);
    tcase_add_test(t, watch_sees_changes);
    tcase_add_test(t, watch_sees_expiry_and_eviction);
    tcase_add_test(t, long_values_pass);
    tcase_add_test(t, client_list_shows_it);
    tcase_add_test(t, sums_are_exact);
    return server_case_run(t);
}
