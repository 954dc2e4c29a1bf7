/* Scripts: what they see, what ends them, and that they are one step for everybody else. That their
 * values are converted as by Redis is compared in scripts_differential.c.
 *
 *   ZSC_OPS  rounds of each thread (default 300) */
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
    instance_start(&server, (const char *const[]){"--threads", "2", "--lua-memory-limit", "8mb",
                                                  "--script-cache-limit", "64kb", NULL});
    one = instance_connect(&server);
    other = instance_connect(&server);
}

static void end(void)
{
    redisFree(one);
    redisFree(other);
    ck_assert_int_eq(instance_stop(&server), 0);
}

/* The text of the reply of a script without keys. */
static void expect(const char *script, const char *wanted)
{
    redisReply *r = ask(one, "EVAL %s 0", script);
    size_t len = strlen(wanted);
    bool fits = r->str != NULL && strncmp(r->str, wanted, len) == 0;
    ck_assert_msg(fits, "%s: %s", script, r->str == NULL ? "no text" : r->str);
    freeReplyObject(r);
}

START_TEST(nothing_dangerous_is_seen)
{
    static const char *const missing[] = {
        "io",         "debug",   "package", "require",  "dofile", "loadfile",       "load",
        "loadstring", "getfenv", "setfenv", "newproxy", "print",  "collectgarbage", "coroutine",
        "module",     "gcinfo",
    };
    char script[200], wanted[200];
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        snprintf(script, sizeof script, "return type(%s)", missing[i]);
        snprintf(wanted, sizeof wanted,
                 "ERR user_script:1: Script attempted to access nonexistent global variable '%s'",
                 missing[i]);
        expect(script, wanted);
    }
    expect("return tostring(string.dump)", "nil");
    expect("return tostring(os.execute or os.getenv or os.exit)", "nil");
    expect("return type(os.clock())", "number");
    /* compiled code is not text */
    expect("\033Lua",
           "ERR Error compiling script (new function): user_script:1: unexpected symbol");
    expect("return string.match('a', string.rep('a?', 100000))", "ERR user_script:1: bad argument");
    expect("return tostring(string.find(string.rep('a', 9000), string.rep('a', 8000), 1, true))",
           "1");
}
END_TEST

START_TEST(nothing_stays_behind)
{
    static const char *const changes[] = {
        "x = 1",
        "_G.x = 1",
        "rawset(_G, 'x', 1)",
        "string.rep = nil",
        "rawset(string, 'rep', nil)",
        "redis.call = nil",
        "setmetatable(_G, {})",
        "setmetatable(string, nil)",
        "getmetatable('').__index = nil",
        "KEYS = nil",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        redisReply *r = ask(one, "EVAL %s 0", changes[i]);
        ck_assert_msg(r->type == REDIS_REPLY_ERROR, "%s", changes[i]);
        freeReplyObject(r);
    }
    expect("return type(rawget(_G, 'x')) .. type(string.rep) .. type(redis.call) .. ('a'):rep(2)",
           "nilfunctionfunctionaa");
}
END_TEST

/* What the libraries gather is the script's memory, and their settings end with it. */
START_TEST(libraries_keep_to_the_limits)
{
    static const char *const greedy[] = {
        "return #cjson.encode(string.rep('\\1', 3000000))",
        "return #cjson.decode('\"' .. string.rep('\\\\n', 3000000) .. '\"')",
        "return cjson.decode('[' .. string.rep('[],', 1000000) .. '1]')",
        "local t = {} for i = 1, 100000 do t[i] = string.rep('x', 20) end "
        "return #cmsgpack.pack(t, t, t, t, t, t)",
        "return struct.pack('c0', string.rep('x', 5000000)) .. struct.pack('c0', string.rep('x', "
        "5000000))",
    };
    for (size_t i = 0; i < sizeof greedy / sizeof greedy[0]; i++) {
        redisReply *r = ask(one, "EVAL %s 0", greedy[i]);
        ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
        ck_assert_msg(strstr(r->str, "not enough memory") != NULL, "%s: %s", greedy[i], r->str);
        freeReplyObject(r);
        expect("return cjson.encode({1})", "[1]");
    }
    expect("cjson.encode_number_precision(3) return cjson.encode(1/3)", "0.333");
    expect("return cjson.encode(1/3)", "0.33333333333333");
    expect("cjson.encode_max_depth(5000)",
           "ERR user_script:1: expected integer between 1 and 1000");
    expect("return cmsgpack.unpack(string.rep('\\145', 2000))",
           "ERR user_script:1: too many nested tables");
    expect("cjson.x = 1", "ERR user_script:1: Attempt to modify a readonly table");
}
END_TEST

START_TEST(scripts_are_kept_by_id)
{
    static const char id[] = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"; /* of "return 1" */
    static const char none[] = "NOSCRIPT No matching script. Please use EVAL.";
    ck_assert(asks(one, none, "EVALSHA %s 0", id));
    ck_assert(asks(one, id, "SCRIPT LOAD %s", "return 1"));
    ck_assert_int_eq(ask_integer(other, "EVALSHA %s 0", id), 1);
    ck_assert_int_eq(info_number(other, "number_of_cached_scripts"), 1);
    ck_assert(asks(one, "OK", "SCRIPT FLUSH"));
    ck_assert(asks(other, none, "EVALSHA %s 0", id));
    ck_assert_int_eq(info_number(other, "number_of_cached_scripts"), 0);
    /* one that does not compile is not kept */
    redisReply *r = ask(one, "EVAL %s 0", "return 1 +");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    ck_assert_int_eq(info_number(other, "number_of_cached_scripts"), 0);
    /* the cache has a limit, and forgets what was used longest ago */
    ck_assert_int_eq(ask_integer(one, "EVAL %s 0", "return 1"), 1);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(ask_integer(one, "EVAL %s%d 0", "return ", i), i);
        if (i % 50 == 0)
            ck_assert_int_eq(ask_integer(other, "EVALSHA %s 0", id), 1);
    }
    ck_assert_int_le(info_number(other, "used_memory_scripts"), 64 << 10);
    ck_assert_int_lt(info_number(other, "number_of_cached_scripts"), 800);
    /* a script longer than the cache */
    char *text = malloc(100001);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', 100000);
    text[100000] = '\0';
    r = ask(one, "EVAL %s 0", text);
    ck_assert_str_eq(r->str, "ERR the script is longer than script-cache-limit");
    freeReplyObject(r);
    free(text);
}
END_TEST

START_TEST(limits_end_a_script)
{
    expect("local t = {} for i = 1, 1e9 do t[i] = tostring(i) end", "ERR ");
    expect("return string.rep('x', 1e8)", "ERR ");
    expect("local t = {} t[1] = t return 'works ' .. #t", "works 1");
    ck_assert(asks(one, "OK", "CONFIG SET script-time-max 50"));
    expect("while true do end", "ERR Script ran for longer than script-time-max.");
    expect("while true do pcall(function() while true do end end) end",
           "ERR Script ran for longer than script-time-max.");
    expect("while true do pcall(redis.call, 'ping') end",
           "ERR Script ran for longer than script-time-max.");
    expect("return xpcall(function() while true do end end, function(e) return e end)",
           "ERR Script ran for longer than script-time-max.");
    ck_assert(asks(one, "PONG", "PING"));
    /* A table that is a million times the same text in the reply is cut by the client's limit. */
    ck_assert(asks(one, "OK", "CONFIG SET client-output-buffer-limit %s", "normal 4mb 0 0"));
    redisReply *r = redisCommand(one, "EVAL %s 0",
                                 "local t, s = {}, string.rep('x', 100000) "
                                 "for i = 1, 100000 do t[i] = s end return t");
    ck_assert_ptr_null(r);
    ck_assert(await_info(other, "client_output_buffer_limit_disconnections", 1, true));
}
END_TEST

START_TEST(keys_that_are_not_declared)
{
    static const char get[] = "return redis.call('get', ARGV[1] or KEYS[1])";
    static const char copy[] =
        "redis.call('set', KEYS[1], 1) if ARGV[1] then redis.call('set', ARGV[1], 2) end return 1";
    ck_assert(asks(one, "OK", "SET elsewhere there"));
    ck_assert(asks(one, "OK", "SET key here"));
    ck_assert(asks(one, "here", "EVAL %s 1 key", get));
    ck_assert(asks(one, "there", "EVAL %s 1 key elsewhere", get)); /* begun again */
    ck_assert(asks(one, "there", "EVAL %s 0 elsewhere", get));
    expect("return '' .. #redis.call('keys', '*')", "2");
    ck_assert_int_eq(ask_integer(one, "EVAL %s 0", "return redis.call('dbsize')"), 2);
    /* After a write it fails once, and from then on locks all. */
    ck_assert_int_eq(ask_integer(one, "EVAL %s 1 key", copy), 1);
    redisReply *r = ask(one, "EVAL %s 1 key elsewhere", copy);
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    ck_assert_ptr_nonnull(strstr(r->str, "not in KEYS"));
    freeReplyObject(r);
    ck_assert(asks(one, "there", "GET elsewhere"));
    ck_assert_int_eq(ask_integer(one, "EVAL %s 1 key elsewhere", copy), 1);
    ck_assert(asks(one, "2", "GET elsewhere"));
    /* SELECT is the script's alone. */
    ck_assert(
        asks(one, "OK", "EVAL %s 0", "redis.call('select', 5) return redis.call('set', 'k', 5)"));
    ck_assert_int_eq(ask_integer(one, "EXISTS k"), 0);
}
END_TEST

/* Waits until a PING is answered like this. */
static void await_ping(redisContext *c, const char *wanted)
{
    for (;;) {
        redisReply *r = ask(c, "PING");
        bool is = strncmp(r->str, wanted, strlen(wanted)) == 0;
        freeReplyObject(r);
        if (is)
            return;
    }
}

/* Sends a script that does not end by itself, and does not wait for it. */
static void start(redisContext *c, const char *script)
{
    int done = 0;
    redisAppendCommand(c, "EVAL %s 1 key", script);
    while (!done)
        ck_assert_int_eq(redisBufferWrite(c, &done), REDIS_OK);
}

static void expect_next(redisContext *c, const char *wanted)
{
    redisReply *r;
    ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
    ck_assert_msg(strncmp(r->str, wanted, strlen(wanted)) == 0, "%s", r->str);
    freeReplyObject(r);
}

START_TEST(others_are_told_and_can_end_it)
{
    static const char loop[] = "while true do end";
    static const char writer[] = "redis.call('set', KEYS[1], 1) while true do end";
    ck_assert(asks(one, "NOTBUSY No scripts in execution right now.", "SCRIPT KILL"));
    ck_assert(asks(one, "OK", "CONFIG SET lua-time-limit 50"));
    for (int i = 0; i < 2; i++) { /* at first with all locked, then with the key alone */
        start(one, loop);
        await_ping(other, "BUSY Redis is busy running a script.");
        redisReply *r = ask(other, "GET key");
        ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
        freeReplyObject(r);
        ck_assert(asks(other, "OK", "MULTI"));
        ck_assert(asks(other, "OK", "DISCARD"));
        ck_assert(asks(other, "OK", "SCRIPT KILL"));
        expect_next(one, "ERR Script killed by user with SCRIPT KILL.");
        await_ping(other, "PONG");
    }
    ck_assert(asks(one, "OK", "CONFIG SET script-time-max 400"));
    start(one, writer);
    await_ping(other, "BUSY");
    redisReply *r = ask(other, "SCRIPT KILL");
    ck_assert_int_eq(strncmp(r->str, "UNKILLABLE Sorry the script already", 35), 0);
    freeReplyObject(r);
    expect_next(one, "ERR Script ran for longer than script-time-max.");
    await_ping(other, "PONG");
    ck_assert(asks(other, "1", "GET key"));
}
END_TEST

START_TEST(a_stop_ends_it)
{
    ck_assert(asks(one, "OK", "CONFIG SET lua-time-limit 50"));
    start(one, "redis.call('set', KEYS[1], 1) while true do end");
    await_ping(other, "BUSY");
    ck_assert_int_eq(instance_stop(&server), 0);
    expect_next(one, "ERR Script ended because the server stops.");
    instance_start(&server, (const char *const[]){NULL}); /* for the end of the test */
}
END_TEST

START_TEST(long_values)
{
    size_t len = 300000;
    char *text = malloc(len);
    ck_assert_ptr_nonnull(text);
    memset(text, 'v', len);
    ck_assert(asks(one, "OK", "EVAL %s 1 big %b", "return redis.call('set', KEYS[1], ARGV[1])",
                   text, len));
    redisReply *r = ask(one, "EVAL %s 1 big", "return {redis.call('get', KEYS[1]), 7}");
    ck_assert_uint_eq(r->element[0]->len, len);
    ck_assert_mem_eq(r->element[0]->str, text, len);
    ck_assert_int_eq(r->element[1]->integer, 7);
    freeReplyObject(r);
    free(text);
    /* More than a script may hold. */
    ck_assert_int_eq(ask_integer(one, "SETRANGE huge 20000000 x"), 20000001);
    r = ask(one, "EVAL %s 1 huge", "return #redis.call('get', KEYS[1])");
    ck_assert_int_eq(r->type, REDIS_REPLY_ERROR);
    freeReplyObject(r);
    ck_assert(asks(one, "PONG", "PING"));
}
END_TEST

/* ---- many at once ---- */

struct player {
    pthread_t thread;
    unsigned rounds, index;
    unsigned long torn;
};

static const char both[] = "local a = redis.call('incr', KEYS[1]) "
                           "local b = redis.call('incr', KEYS[2]) return {a, b}";
static const char sum[] = "local n = 0 for _, k in ipairs(redis.call('keys', 'n*')) do "
                          "n = n + redis.call('get', k) end return n";
/* A lock as libraries take and free it. */
static const char unlock[] = "if redis.call('get', KEYS[1]) == ARGV[1] then "
                             "return redis.call('del', KEYS[1]) else return 0 end";
/* Moves one from a counter to another: the sum stays. */
static const char move[] = "redis.call('decr', KEYS[1]) redis.call('incr', KEYS[2])";

static void add_under_lock(redisContext *c, struct player *p)
{
    for (;;) {
        redisReply *r = ask(c, "SET lock %u NX PX 30000", p->index);
        bool taken = r->type == REDIS_REPLY_STATUS;
        freeReplyObject(r);
        if (taken)
            break;
    }
    redisReply *r = ask(c, "GET guarded");
    long n = r->type == REDIS_REPLY_STRING ? strtol(r->str, NULL, 10) : 0;
    freeReplyObject(r);
    freeReplyObject(ask(c, "SET guarded %ld", n + 1));
    p->torn += ask_integer(c, "EVAL %s 1 lock %u", unlock, p->index) != 1;
}

static void *play(void *arg)
{
    struct player *p = arg;
    redisContext *c = redisConnect("127.0.0.1", server.port);
    redisSetTimeout(c, (struct timeval){.tv_sec = 60});
    for (unsigned i = 0; i < p->rounds; i++) {
        redisReply *r = ask(c, "EVAL %s 2 left right", both);
        p->torn += r->type != REDIS_REPLY_ARRAY || r->element[0]->integer != r->element[1]->integer;
        freeReplyObject(r);
        freeReplyObject(ask(c, "EVAL %s 2 n%u n%u", move, i % 7, (i + p->index) % 5));
        if (i % 8 == 0)
            p->torn += ask_integer(c, "EVAL %s 0", sum) != 0;
        freeReplyObject(ask(c, "INCR plain"));
        freeReplyObject(ask(c, "EVAL %s 1 plain", "return redis.call('incr', KEYS[1])"));
        if (i % 8 == 0)
            add_under_lock(c, p);
        if (i % 50 == 0)
            freeReplyObject(ask(c, "SCRIPT FLUSH"));
    }
    redisFree(c);
    return NULL;
}

START_TEST(sums_are_exact)
{
    struct player players[PLAYERS] = {0};
    const char *text = getenv("ZSC_OPS");
    unsigned rounds = text == NULL ? 300 : (unsigned)strtoul(text, NULL, 10);
    for (unsigned i = 0; i < PLAYERS; i++) {
        players[i] = (struct player){.rounds = rounds, .index = i};
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
    for (unsigned i = 0; i < PLAYERS; i++) {
        ck_assert_int_eq(pthread_join(players[i].thread, NULL), 0);
        ck_assert_uint_eq(players[i].torn, 0);
    }
    ck_assert_int_eq(ask_integer(one, "INCRBY left 0"), PLAYERS * rounds);
    ck_assert_int_eq(ask_integer(one, "INCRBY right 0"), PLAYERS * rounds);
    ck_assert_int_eq(ask_integer(one, "INCRBY plain 0"), 2 * PLAYERS * rounds);
    ck_assert_int_eq(ask_integer(one, "INCRBY guarded 0"), PLAYERS * ((rounds + 7) / 8));
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("scripts");
    tcase_add_checked_fixture(t, begin, end);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, nothing_dangerous_is_seen);
    tcase_add_test(t, nothing_stays_behind);
    tcase_add_test(t, libraries_keep_to_the_limits);
    tcase_add_test(t, scripts_are_kept_by_id);
    tcase_add_test(t, limits_end_a_script);
    tcase_add_test(t, keys_that_are_not_declared);
    tcase_add_test(t, others_are_told_and_can_end_it);
    tcase_add_test(t, a_stop_ends_it);
    tcase_add_test(t, long_values);
    tcase_add_test(t, sums_are_exact);
    return server_case_run(t);
}
