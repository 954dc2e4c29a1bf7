/* Several workers, several clients that change the same keys at the same time, and an administrator
 * who flushes, lists, kills and reconfigures meanwhile: what is read was once written whole.
 *
 *   ZSC_OPS  rounds of each client (default 3000)       ZSC_SEED  the seed (default 1) */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness.h"

#define CLIENTS   4
#define KEYS      500
#define LONGEST   200000
#define PIPELINE  16
#define RESTARTED 3 /* in so many rounds the administrator kills a client */

struct player {
    const struct instance *server;
    uint64_t random;
    unsigned rounds;
    unsigned long checked, broken, reconnects;
    char value[LONGEST];
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static unsigned number_of(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

/* All bytes follow from the first: text that compresses, with the key's number in it. */
static size_t make_value(struct player *p)
{
    size_t len = next_random(&p->random) % 20 == 0 ? next_random(&p->random) % LONGEST
                                                   : next_random(&p->random) % 2000;
    if (len < 16)
        len = 16;
    unsigned char first = (unsigned char)next_random(&p->random);
    for (size_t i = 0; i < len; i++)
        p->value[i] = (char)(first + i % 37);
    return len;
}

static bool is_whole(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] != (char)((unsigned char)value[0] + i % 37))
            return false;
    return len >= 16;
}

static redisContext *reconnect(struct player *p, redisContext *c)
{
    if (c != NULL) {
        redisFree(c);
        p->reconnects++;
    }
    c = redisConnect("127.0.0.1", p->server->port);
    if (c != NULL && c->err == 0)
        redisSetTimeout(c, (struct timeval){.tv_sec = 30});
    return c;
}

static void append_one(struct player *p, redisContext *c)
{
    unsigned key = (unsigned)(next_random(&p->random) % KEYS);
    switch (next_random(&p->random) % 10) {
    case 0:
    case 1:
    case 2:
        redisAppendCommand(c, "SET k%u %b", key, p->value, make_value(p));
        break;
    case 3:
        redisAppendCommand(c, "SET k%u %b PX 50", key, p->value, make_value(p));
        break;
    case 4:
        redisAppendCommand(c, "DEL k%u k%u", key, (key + 7) % KEYS);
        break;
    case 5:
        redisAppendCommand(c, "MGET k%u k%u k%u", key, (key + 1) % KEYS, (key + 2) % KEYS);
        break;
    case 6:
        redisAppendCommand(c, "RENAME k%u k%u", key, (key + 3) % KEYS);
        break;
    case 7:
        redisAppendCommand(c, "INCR counter%u", key % 4);
        break;
    default:
        redisAppendCommand(c, "GET k%u", key);
    }
}

static void check_text(struct player *p, const redisReply *r)
{
    if (r->type != REDIS_REPLY_STRING)
        return;
    p->checked++;
    p->broken += !is_whole(r->str, r->len);
}

/* False when the connection was killed. */
static bool check_next(struct player *p, redisContext *c)
{
    redisReply *r;
    if (redisGetReply(c, (void **)&r) != REDIS_OK)
        return false;
    check_text(p, r);
    for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements; i++)
        check_text(p, r->element[i]);
    freeReplyObject(r);
    return true;
}

static void *play(void *arg)
{
    struct player *p = arg;
    redisContext *c = reconnect(p, NULL);
    for (unsigned round = 0; round < p->rounds && c != NULL && c->err == 0; round++) {
        unsigned n = 1 + (unsigned)(next_random(&p->random) % PIPELINE);
        bool alive = true;
        for (unsigned i = 0; i < n; i++)
            append_one(p, c);
        for (unsigned i = 0; i < n && alive; i++)
            alive = check_next(p, c);
        if (!alive)
            c = reconnect(p, c);
    }
    p->broken += c == NULL || c->err != 0;
    if (c != NULL)
        redisFree(c);
    return NULL;
}

static void kill_one(redisContext *c, uint64_t *random)
{
    long long own = ask_integer(c, "CLIENT ID");
    redisReply *r = ask(c, "CLIENT LIST TYPE normal");
    const char *at = r->str;
    for (uint64_t skip = next_random(random) % CLIENTS; skip > 0 && at != NULL; skip--)
        at = strstr(at + 1, "\nid=");
    long long id = at == NULL ? 0 : strtoll(strstr(at, "id=") + 3, NULL, 10);
    freeReplyObject(r);
    if (id > 0 && id != own)
        freeReplyObject(ask(c, "CLIENT KILL ID %lld", id));
}

static void administrate(redisContext *c, uint64_t *random, unsigned rounds)
{
    static const char *const policies[] = {"allkeys-s3fifo", "allkeys-lru", "allkeys-lfu",
                                           "volatile-ttl"};
    for (unsigned i = 0; i < rounds; i++) {
        freeReplyObject(ask(c, "INFO everything"));
        freeReplyObject(ask(c, "SCAN 0 COUNT 100"));
        if (i % RESTARTED == 0)
            kill_one(c, random);
        if (i % 5 == 0)
            ck_assert(asks(c, "OK", "CONFIG SET maxmemory-policy %s maxmemory %dmb",
                           policies[i / 5 % 4], 64 - (int)(i % 3) * 8));
        if (i % 7 == 0)
            ck_assert(asks(c, "OK", i % 2 ? "FLUSHALL SYNC" : "FLUSHALL"));
        freeReplyObject(ask(c, "KEYS *1*"));
    }
}

START_TEST(all_at_once)
{
    struct instance s;
    struct player *players = calloc(CLIENTS, sizeof *players);
    pthread_t threads[CLIENTS];
    uint64_t random = number_of("ZSC_SEED", 1);
    unsigned rounds = number_of("ZSC_OPS", 3000);
    printf("seed %llu\n", (unsigned long long)random);
    ck_assert_ptr_nonnull(players);
    instance_start(&s, (const char *const[]){"--threads", "3", "--maxmemory", "64mb", NULL});
    redisContext *c = instance_connect(&s);
    for (unsigned i = 0; i < CLIENTS; i++) {
        players[i].server = &s;
        players[i].random = random + i;
        players[i].rounds = rounds;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, play, &players[i]), 0);
    }
    administrate(c, &random, rounds / 6);
    for (unsigned i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        printf("%lu values, %lu reconnects\n", players[i].checked, players[i].reconnects);
        ck_assert_uint_eq(players[i].broken, 0);
    }
    free(players);
    ck_assert(await_info(c, "connected_clients", 1, false));
    ck_assert_int_eq(info_number(c, "damaged_items"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

/* Clients that do not wait for replies expect of two connections what Redis does with them. */
START_TEST(few_are_served_in_order)
{
    struct instance s;
    instance_start(&s,
                   (const char *const[]){"--threads", "3", "--connections-in-order", "2", NULL});
    int listener = instance_socket(&s), speaker = instance_socket(&s);
    for (int i = 0; i < 1000; i++) {
        send_text(listener, "SUBSCRIBE c\r\n");
        send_text(speaker, "PUBLISH c hi\r\n");
        expect_text(speaker, ":1\r\n");
        send_text(listener, "UNSUBSCRIBE c\r\n");
        expect_text(listener, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
                              "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
                              "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n");
    }
    close(listener);
    close(speaker);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("threads");
    tcase_set_timeout(t, 250);
    tcase_add_test(t, all_at_once);
    tcase_add_test(t, few_are_served_in_order);
    Suite *s = suite_create("server_threads");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
