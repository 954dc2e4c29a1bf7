/* Client-side caching: who is told of which change, and that nobody keeps what has changed.
 *
 *   ZSC_OPS  operations of each client that writes (default 3000) */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define INVALID(key_length, key) ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" key_length "\r\n" key "\r\n"
#define ALL_INVALID              ">2\r\n$10\r\ninvalidate\r\n_\r\n"

static int tracker(const char *options)
{
    int fd = instance_resp3(&served);
    char line[128];
    snprintf(line, sizeof line, "CLIENT TRACKING ON %s\r\n", options);
    send_text(fd, line);
    expect_text(fd, "+OK\r\n");
    return fd;
}

START_TEST(readers_are_told_once)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker(""), other = tracker("");
    ck_assert(asks(c, "OK", "MSET a 1 b 2 c 3"));
    send_text(fd, "GET a\r\nMGET b nope a\r\n");
    expect_text(fd, "$1\r\n1\r\n*3\r\n$1\r\n2\r\n_\r\n$1\r\n1\r\n");
    send_text(other, "GET a\r\n");
    expect_text(other, "$1\r\n1\r\n");
    ck_assert_int_eq(info_number(c, "tracking_clients"), 2);
    ck_assert_int_eq(info_number(c, "tracking_total_keys"), 3);
    ck_assert_int_eq(info_number(c, "tracking_total_items"), 4);
    ck_assert(asks(c, "OK", "SET a 2"));
    ck_assert(asks(c, "OK", "SET a 3"));
    expect_text(fd, INVALID("1", "a"));
    expect_text(other, INVALID("1", "a"));
    ck_assert(asks(c, "OK", "SET nope 1"));
    expect_text(fd, INVALID("4", "nope"));
    ck_assert_int_eq(ask_integer(c, "EXPIRE b 100"), 1);
    expect_text(fd, INVALID("1", "b"));
    /* The same name in another database is another key. */
    send_text(fd, "GET c\r\n");
    expect_text(fd, "$1\r\n3\r\n");
    ck_assert(asks(c, "OK", "SELECT 1"));
    ck_assert(asks(c, "OK", "SET c 1"));
    ck_assert(asks(c, "OK", "FLUSHALL"));
    expect_text(fd, ALL_INVALID);
    expect_text(other, ALL_INVALID);
    close(fd);
    close(other);
    ck_assert(await_info(c, "tracking_clients", 0, false));
    ck_assert_int_eq(info_number(c, "tracking_total_keys"), 0);
    redisFree(c);
}
END_TEST

START_TEST(own_changes_expiry_and_transactions)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker("");
    send_text(fd, "SET a 1\r\nGET a\r\nSET a 2\r\n");
    expect_text(fd, "+OK\r\n$1\r\n1\r\n+OK\r\n" INVALID("1", "a"));
    send_text(fd, "SET short 1 PX 30\r\nGET short\r\n");
    expect_text(fd, "+OK\r\n$1\r\n1\r\n" INVALID("5", "short"));
    send_text(fd, "MULTI\r\nGET a\r\nEXEC\r\n");
    expect_text(fd, "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n2\r\n");
    ck_assert_int_eq(ask_integer(c, "DEL a"), 1);
    expect_text(fd, INVALID("1", "a"));
    send_text(fd, "EVAL \"return redis.call('get', KEYS[1])\" 1 a\r\n");
    expect_text(fd, "_\r\n");
    ck_assert(asks(c, "OK", "SET a 1"));
    expect_text(fd, INVALID("1", "a"));
    send_text(fd, "CLIENT TRACKING OFF\r\nCLIENT TRACKING ON NOLOOP\r\nSET a 1\r\nGET a\r\n"
                  "SET a 2\r\nGET a\r\nPING\r\n");
    expect_text(fd, "+OK\r\n+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n$1\r\n2\r\n+PONG\r\n");
    ck_assert(asks(c, "OK", "SET a 3"));
    expect_text(fd, INVALID("1", "a"));
    send_text(fd, "GET a\r\nRESET\r\nPING\r\n");
    expect_text(fd, "$1\r\n3\r\n+RESET\r\n+PONG\r\n");
    ck_assert_int_eq(info_number(c, "tracking_clients"), 0);
    close(fd);
    redisFree(c);
}
END_TEST

START_TEST(opting_in_and_out)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker("OPTIN"), out = tracker("OPTOUT");
    ck_assert(asks(c, "OK", "MSET a 1 b 2 c 3 d 4"));
    send_text(fd, "GET a\r\nCLIENT CACHING YES\r\nGET b\r\nGET c\r\n");
    expect_text(fd, "$1\r\n1\r\n+OK\r\n$1\r\n2\r\n$1\r\n3\r\n");
    send_text(fd, "CLIENT CACHING YES\r\nMULTI\r\nGET c\r\nGET d\r\nEXEC\r\nGET a\r\n");
    expect_text(fd, "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n1\r\n");
    send_text(out, "GET a\r\nCLIENT CACHING NO\r\nGET b\r\nGET c\r\n");
    expect_text(out, "$1\r\n1\r\n+OK\r\n$1\r\n2\r\n$1\r\n3\r\n");
    ck_assert(asks(c, "OK", "SET a 1"));
    ck_assert(asks(c, "OK", "SET b 1"));
    expect_text(fd, INVALID("1", "b"));
    expect_text(out, INVALID("1", "a"));
    ck_assert(asks(c, "OK", "SET c 1"));
    ck_assert(asks(c, "OK", "SET d 1"));
    expect_text(fd, INVALID("1", "c") INVALID("1", "d"));
    expect_text(out, INVALID("1", "c"));
    close(fd);
    close(out);
    redisFree(c);
}
END_TEST

START_TEST(broadcast_by_prefix)
{
    redisContext *c = instance_connect(&served);
    int some = tracker("BCAST PREFIX user: PREFIX img:"), all = tracker("BCAST NOLOOP");
    ck_assert_int_eq(info_number(c, "tracking_total_prefixes"), 3);
    ck_assert(asks(c, "OK", "SET user:1 x"));
    expect_text(some, INVALID("6", "user:1"));
    expect_text(all, INVALID("6", "user:1"));
    send_text(all, "SET user:2 x\r\nPING\r\n");
    expect_text(all, "+OK\r\n+PONG\r\n");
    expect_text(some, INVALID("6", "user:2"));
    ck_assert(asks(c, "OK", "SET other x"));
    ck_assert(asks(c, "OK", "SET img:9 x"));
    expect_text(some, INVALID("5", "img:9"));
    expect_text(all, INVALID("5", "other") INVALID("5", "img:9"));
    ck_assert(asks(c, "OK", "FLUSHDB"));
    expect_text(some, ALL_INVALID);
    expect_text(all, ALL_INVALID);
    close(some);
    close(all);
    ck_assert(await_info(c, "tracking_total_prefixes", 0, false));
    redisFree(c);
}
END_TEST

#define TWO_INVALID(key, other)                                                                    \
    ">2\r\n$10\r\ninvalidate\r\n*2\r\n$3\r\n" key "\r\n$3\r\n" other "\r\n"

/* What one command, transaction or pipeline changes is one message for each prefix. */
START_TEST(broadcasts_are_gathered)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker("BCAST PREFIX a: PREFIX b:");
    ck_assert(asks(c, "OK", "MSET a:1 1 x 1 a:2 2 b:1 3"));
    expect_text(fd, TWO_INVALID("a:1", "a:2") INVALID("3", "b:1"));
    ck_assert(asks(c, "OK", "MULTI"));
    ck_assert(asks(c, "QUEUED", "INCR b:1"));
    ck_assert(asks(c, "QUEUED", "INCR a:1"));
    ck_assert(asks(c, "QUEUED", "INCR b:2"));
    freeReplyObject(ask(c, "EXEC"));
    expect_text(fd, TWO_INVALID("b:1", "b:2") INVALID("3", "a:1"));
    send_text(fd, "SET a:1 1\r\nPING\r\nDEL a:1 a:2\r\n");
    expect_text(fd, "+OK\r\n+PONG\r\n:2\r\n>2\r\n$10\r\ninvalidate\r\n*3\r\n");
    /* There is a limit. */
    ck_assert(asks(c, "70", "EVAL %s 0",
                   "for i = 1, 70 do redis.call('set', 'b:' .. i, i) end return '70'"));
    char line[64] = "";
    for (int n = 0; strcmp(line, ">2") != 0 && n < 200; n++) {
        size_t at = 0;
        do
            read_bytes(fd, line + at, 1);
        while (line[at++] != '\n');
        line[at - 2] = '\0';
    }
    expect_text(fd, "$10\r\ninvalidate\r\n*64\r\n");
    close(fd);
    redisFree(c);
}
END_TEST

/* A script reads what its commands read, not what it names. */
START_TEST(scripts_read_what_they_read)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker("");
    send_text(fd, "EVAL_RO \"return redis.call('get', KEYS[2])\" 2 a b\r\n");
    expect_text(fd, "_\r\n");
    ck_assert(asks(c, "OK", "SET a 1"));
    ck_assert(asks(c, "OK", "SET b 1"));
    expect_text(fd, INVALID("1", "b"));
    close(fd);
    redisFree(c);
}
END_TEST

START_TEST(redirected)
{
    redisContext *c = instance_connect(&served), *data = instance_connect(&served);
    redisContext *sub = instance_connect(&served), *late;
    redisReply *r;
    long long id = ask_integer(sub, "CLIENT ID");
    freeReplyObject(ask(sub, "SUBSCRIBE __redis__:invalidate"));
    ck_assert(asks(data, "OK", "CLIENT TRACKING ON REDIRECT %lld", id));
    ck_assert_int_eq(ask_integer(data, "CLIENT GETREDIR"), id);
    ck_assert(asks(c, "OK", "SET a 1"));
    ck_assert(asks(data, "1", "GET a"));
    ck_assert(asks(c, "OK", "SET a 2"));
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
    ck_assert_str_eq(r->element[1]->str, "__redis__:invalidate");
    ck_assert_str_eq(r->element[2]->element[0]->str, "a");
    freeReplyObject(r);
    ck_assert(asks(c, "OK", "FLUSHALL"));
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
    ck_assert_int_eq(r->element[2]->type, REDIS_REPLY_NIL);
    freeReplyObject(r);
    r = ask(data, "CLIENT INFO");
    char redir[32];
    snprintf(redir, sizeof redir, " redir=%lld ", id);
    ck_assert_ptr_nonnull(strstr(r->str, redir));
    ck_assert_ptr_nonnull(strstr(r->str, "flags=t "));
    freeReplyObject(r);
    /* Without the other client nobody is told, and the flags say so. */
    redisFree(sub);
    ck_assert(await_info(c, "pubsub_clients", 0, false));
    freeReplyObject(ask(data, "GET a"));
    ck_assert(asks(c, "OK", "SET a 3"));
    late = instance_connect(&served);
    bool broken = false;
    for (unsigned i = 0; i < 1000 && !broken; i++) {
        r = ask(late, "CLIENT LIST");
        broken = strstr(r->str, "flags=tR ") != NULL;
        freeReplyObject(r);
    }
    ck_assert(broken);
    redisFree(late);
    redisFree(data);
    redisFree(c);
}
END_TEST

START_TEST(the_table_has_a_limit)
{
    redisContext *c = instance_connect(&served);
    int fd = tracker("");
    ck_assert(asks(c, "OK", "CONFIG SET tracking-table-max-keys 20"));
    for (unsigned i = 0; i < 100; i++) {
        char line[32], got[64] = "";
        snprintf(line, sizeof line, "GET key:%03u\r\n", i);
        send_text(fd, line);
        expect_text(fd, "_\r\n");
        if (i < 20)
            continue;
        /* One comes, and one has to go: any of them. */
        read_bytes(fd, got, strlen(INVALID("7", "key:000")));
        ck_assert_msg(strncmp(got, INVALID("7", "key:000"), 28) == 0, "%s", got);
    }
    ck_assert_int_eq(info_number(c, "tracking_total_keys"), 20);
    close(fd);
    redisFree(c);
}
END_TEST

/* ---- clients with caches ---- */

#define CLIENTS 3
#define WRITERS 3
#define KEYS    50

struct keeper {
    pthread_t thread;
    int fd;
    FILE *in;
    int64_t value[KEYS]; /* -1 = not kept */
    unsigned pushes;
};

static _Atomic bool over;

static char *read_line(struct keeper *k, char *line, int cap)
{
    ck_assert_ptr_nonnull(fgets(line, cap, k->in));
    return line;
}

/* Behind its first line. */
static void read_push(struct keeper *k)
{
    char line[64];
    read_line(k, line, sizeof line);
    ck_assert_str_eq(read_line(k, line, sizeof line), "invalidate\r\n");
    k->pushes++;
    if (read_line(k, line, sizeof line)[0] == '_') {
        for (unsigned i = 0; i < KEYS; i++)
            k->value[i] = -1;
        return;
    }
    ck_assert_str_eq(line, "*1\r\n");
    read_line(k, line, sizeof line);
    read_line(k, line, sizeof line);
    k->value[strtoul(line + strlen("key:"), NULL, 10) % KEYS] = -1;
}

/* A number, 0 for none; heeds what is pushed before it. */
static int64_t ask_keeper(struct keeper *k, const char *command)
{
    char line[64];
    send_text(k->fd, command);
    while (read_line(k, line, sizeof line)[0] == '>')
        read_push(k);
    return line[0] == '$' ? strtoll(read_line(k, line, sizeof line), NULL, 10) : 0;
}

static void *keep(void *arg)
{
    struct keeper *k = arg;
    for (unsigned n = 0; !over || n < 1000; n++) {
        unsigned key = n * 7 % KEYS;
        char line[32];
        snprintf(line, sizeof line, "GET key:%u\r\n", key);
        if (k->value[key] < 0)
            k->value[key] = ask_keeper(k, line);
        else if (n % 16 == 0)
            (void)ask_keeper(k, "PING\r\n");
    }
    return NULL;
}

static void *change(void *arg)
{
    const char *text = getenv("ZSC_OPS");
    unsigned ops = text == NULL ? 3000 : (unsigned)strtoul(text, NULL, 10);
    unsigned seed = *(unsigned *)arg;
    redisContext *c = instance_connect(&served);
    for (unsigned i = 0; i < ops; i++) {
        unsigned key = (i * 13 + seed * 5) % KEYS;
        if (i % 50 == 49)
            freeReplyObject(ask(c, "DEL key:%u", key));
        else if (i % 1000 == 999)
            freeReplyObject(ask(c, "FLUSHALL"));
        else
            freeReplyObject(ask(c, "INCR key:%u", key));
    }
    redisFree(c);
    return NULL;
}

static void begin_to_keep(struct keeper *k)
{
    k->fd = tracker("");
    k->in = fdopen(k->fd, "r");
    ck_assert_ptr_nonnull(k->in);
    for (unsigned n = 0; n < KEYS; n++)
        k->value[n] = -1;
    ck_assert_int_eq(pthread_create(&k->thread, NULL, keep, k), 0);
}

static void check_kept(struct keeper *k, redisContext *c)
{
    /* The mail to its worker was there before the writers had their replies. */
    for (unsigned n = 0; n < 10; n++)
        (void)ask_keeper(k, "PING\r\n");
    for (unsigned n = 0; n < KEYS; n++) {
        redisReply *r = ask(c, "GET key:%u", n);
        int64_t now = r->str == NULL ? 0 : strtoll(r->str, NULL, 10);
        ck_assert_msg(k->value[n] < 0 || k->value[n] == now, "key:%u is %lld, kept as %lld", n,
                      (long long)now, (long long)k->value[n]);
        freeReplyObject(r);
    }
    ck_assert_uint_gt(k->pushes, 0);
}

/* When all is quiet, what is kept is what is there. */
START_TEST(nobody_keeps_what_has_changed)
{
    static struct keeper keepers[CLIENTS];
    pthread_t writers[WRITERS];
    unsigned seeds[WRITERS];
    redisContext *c = instance_connect(&served);
    for (unsigned i = 0; i < CLIENTS; i++)
        begin_to_keep(&keepers[i]);
    for (unsigned i = 0; i < WRITERS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&writers[i], NULL, change, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    over = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(keepers[i].thread, NULL);
        check_kept(&keepers[i], c);
        (void)fclose(keepers[i].in);
    }
    redisFree(c);
}
END_TEST

int main(void)
{
    TCase *c = server_case("tracking", 120);
    tcase_add_test(c, readers_are_told_once);
    tcase_add_test(c, own_changes_expiry_and_transactions);
    tcase_add_test(c, opting_in_and_out);
    tcase_add_test(c, broadcast_by_prefix);
    tcase_add_test(c, broadcasts_are_gathered);
    tcase_add_test(c, scripts_read_what_they_read);
    tcase_add_test(c, redirected);
    tcase_add_test(c, the_table_has_a_limit);
    tcase_add_test(c, nobody_keeps_what_has_changed);
    return server_case_run(c);
}
