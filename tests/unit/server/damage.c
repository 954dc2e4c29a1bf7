/* Values that have been damaged in memory, as clients meet them: a server in this process, whose
 * cache the test damages. */
#include <check.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options/option.h"
#include "rank.h"
#include "server.h"

#define SHORT  4000
#define HASHES 1500
#define LONG   60
#define LEN    ((size_t)300 << 10)

static struct server *server;
static char path[64];
static redisContext *c;

static void begin(void)
{
    char *arguments[] = {"zscache-server", "--port",    "0", "--unixsocket", path, "--compression",
                         "on-write",       "--threads", "1"};
    snprintf(path, sizeof path, "/tmp/zscache-damage-%ld", (long)getpid());
    server = calloc(1, sizeof *server);
    ck_assert_ptr_nonnull(server);
    ck_assert(options_preset(&server->settings));
    lock_init(&server->settings.lock, RANK_SETTINGS);
    ck_assert(options_read(&server->settings, 9, arguments));
    ck_assert(server_start(server));
    c = redisConnectUnix(path);
    ck_assert(c != NULL && c->err == 0);
}

static void end(void)
{
    redisFree(c);
    server_stop(server);
    while (!server_has_stopped(server))
        usleep(1000);
    server_destroy(server);
    free(server);
    (void)unlink(path);
}

/* The reply, of one of the wanted types (characters: i b n e s a); freed by the caller. */
static redisReply *ask(const char *types, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static redisReply *ask(const char *types, const char *format, ...)
{
    static const char letters[] = {
        [REDIS_REPLY_STRING] = 'b', [REDIS_REPLY_ARRAY] = 'a',  [REDIS_REPLY_INTEGER] = 'i',
        [REDIS_REPLY_NIL] = 'n',    [REDIS_REPLY_STATUS] = 's', [REDIS_REPLY_ERROR] = 'e'};
    va_list args;
    va_start(args, format);
    redisReply *r = redisvCommand(c, format, args);
    va_end(args);
    ck_assert_msg(r != NULL, "%s: %s", format, c->errstr);
    ck_assert_msg(strchr(types, letters[r->type]) != NULL, "%s: type %d %s", format, r->type,
                  r->str == NULL ? "" : r->str);
    return r;
}

static void put(const char *types, const char *format, unsigned i)
{
    freeReplyObject(ask(types, format, i));
}

static char *text(unsigned i)
{
    static char value[LEN + 256];
    for (size_t at = 0; at < LEN;)
        at += (size_t)snprintf(value + at, 200, "{\"page\":%u,\"offset\":%zu,\"kind\":\"text\"}", i,
                               at);
    value[LEN] = '\0';
    return value;
}

static void fill(void)
{
    for (unsigned i = 0; i < SHORT; i++)
        freeReplyObject(ask("s",
                            "SET user:%u {\"id\":%u,\"name\":\"user-%u\",\"mail\":\"u%u@mail."
                            "invalid\",\"active\":true,\"active\":true,\"active\":true}",
                            i, i, i, i * 7));
    for (unsigned i = 0; i < HASHES; i++)
        freeReplyObject(ask("i",
                            "HSET hash:%u name user-%u mail user%u@mail.invalid a aaaaaaaaaaaa b "
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa n 5",
                            i, i, i));
    for (unsigned i = 0; i < LONG; i++)
        freeReplyObject(ask("s", "SET page:%u %s", i, text(i)));
}

static size_t damage(size_t n, uint64_t seed)
{
    struct cache_thread *t = cache_thread_create(server->cache);
    ck_assert_ptr_nonnull(t);
    cache_enter(t, 1700000000000);
    size_t hit = cache_damage(t, n, seed);
    cache_exit(t);
    cache_thread_destroy(t);
    return hit;
}

static const char *check(void)
{
    struct cache_thread *t = cache_thread_create(server->cache);
    cache_enter(t, 1700000000000);
    const char *wrong = cache_check(t);
    cache_exit(t);
    cache_thread_destroy(t);
    return wrong == NULL ? "good" : wrong;
}

struct op {
    const char *types, *command; /* with the number of the key up to two times */
};

static const struct op string_ops[] = {
    {"bn", "GET user:%u"},
    {"b", "GETRANGE user:%u 5 30"},
    {"i", "APPEND user:%u tail"},
    {"i", "SETRANGE user:%u 20 middle"},
    {"ie", "INCR user:%u"},
    {"be", "INCRBYFLOAT user:%u 1.5"},
    {"i", "COPY user:%u new:%u"},
    {"se", "RENAME user:%u new:%u"},
    {"bn", "GETDEL user:%u"},
    {"bn", "GETEX user:%u EX 100"},
    {"bn", "SET user:%u x GET"},
    {"bn", "DIGEST user:%u"},
    {"sn", "SET user:%u x IFEQ y"},
    {"i", "STRLEN user:%u"},
    {"bn", "DUMP user:%u"},
    {"i", "GETBIT user:%u 77"},
    {"i", "SETBIT user:%u 78 1"},
    {"i", "BITCOUNT user:%u"},
    {"i", "BITPOS user:%u 1 3"},
    {"i", "BITOP NOT user:%u user:%u"},
    {"i", "BITOP XOR new:%u user:%u user:1"},
    {"a", "BITFIELD user:%u GET u8 #4 SET i13 100 5 INCRBY u8 #9 3"},
    {"bn", "OBJECT ENCODING user:%u"},
    {"a", "MGET user:%u user:1 user:%u"},
};

static const struct op hash_ops[] = {
    {"bn", "HGET hash:%u name"},   {"i", "HSET hash:%u z 1"},    {"a", "HGETALL hash:%u"},
    {"ie", "HINCRBY hash:%u n 1"}, {"i", "HDEL hash:%u a"},      {"i", "HEXISTS hash:%u b"},
    {"i", "HLEN hash:%u"},         {"a", "HMGET hash:%u a b c"}, {"a", "HSCAN hash:%u 0"},
    {"i", "COPY hash:%u new:h%u"}, {"a", "HKEYS hash:%u"},
};

static void operate(const struct op *ops, unsigned n, unsigned keys)
{
    for (unsigned i = 0; i < keys; i++)
        freeReplyObject(ask(ops[i % n].types, ops[i % n].command, i, i));
}

/* The reply has begun and cannot be completed: the connection closes, and the value is gone. */
static unsigned get_long(unsigned i, const char *command)
{
    redisReply *r = redisCommand(c, command, i);
    if (r != NULL) {
        if (r->type == REDIS_REPLY_STRING)
            ck_assert_uint_ge(r->len, LEN - 1000);
        freeReplyObject(r);
        return 0;
    }
    ck_assert_int_eq(c->err, REDIS_ERR_EOF);
    redisFree(c);
    c = redisConnectUnix(path);
    ck_assert(c != NULL && c->err == 0);
    freeReplyObject(ask("n", "GET page:%u", i));
    return 1;
}

START_TEST(clients_meet_damage)
{
    unsigned closed = 0;
    begin();
    fill();
    ck_assert_uint_eq(damage(20000, 3), 20000);
    operate(string_ops, sizeof string_ops / sizeof string_ops[0], SHORT);
    operate(hash_ops, sizeof hash_ops / sizeof hash_ops[0], HASHES);
    /* What is found is whole: a form that is broken does not stay. */
    for (unsigned i = 0; i < HASHES; i++) {
        redisReply *r = ask("a", "HGETALL hash:%u", i);
        redisReply *n = ask("i", "EXISTS hash:%u", i);
        ck_assert(r->elements % 2 == 0 && (r->elements > 0) == n->integer);
        freeReplyObject(r);
        freeReplyObject(n);
    }
    for (unsigned i = 0; i < LONG / 2; i++)
        closed += get_long(i, i % 2 == 0 ? "GET page:%u" : "GETRANGE page:%u 10 -5");
    ck_assert_uint_gt(closed, LONG / 4);
    /* What is short enough to be replied whole is a miss, and a patch makes it anew. */
    for (unsigned i = LONG / 2; i < LONG; i++) {
        put("bs", "GETRANGE page:%u 1000 90000", i);
        put("i", "APPEND page:%u tail", i);
        put("i", "SETRANGE page:%u 100000 middle", i);
        put("i", "COPY page:%u copy", i);
    }
    freeReplyObject(ask("s", "PING"));
    ck_assert_str_eq(check(), "good");
    struct cache_stats s;
    cache_stats(server->cache, &s);
    ck_assert_uint_gt(s.damaged, 1000);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("damage");
    TCase *t = tcase_create("damage");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, clients_meet_damage);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
