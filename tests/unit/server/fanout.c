/* Topics and subscriptions, and what they charge. */
#include "pubsub/fanout.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/cache.h"
#include "clients/client.h"
#include "net/worker.h"

#define WORKERS 3
#define CLIENTS 30

struct world {
    struct cache *cache;
    struct fanout fanout;
    struct worker workers[WORKERS];
    struct client clients[CLIENTS]; /* client i is with worker i % WORKERS */
};

static uint64_t charged(const struct world *w)
{
    struct cache_stats s;
    cache_stats(w->cache, &s);
    return s.charged_bytes;
}

static void open_world(struct world *w, uint64_t maxmemory)
{
    struct cache_opts opts = {.maxmemory = maxmemory};
    memset(w, 0, sizeof *w);
    w->cache = cache_create(&opts);
    ck_assert_ptr_nonnull(w->cache);
    ck_assert(fanout_init(&w->fanout, w->cache, WORKERS));
    for (unsigned i = 0; i < WORKERS; i++)
        w->workers[i].index = i;
    for (unsigned i = 0; i < CLIENTS; i++) {
        w->clients[i].id = i;
        w->clients[i].worker = &w->workers[i % WORKERS];
    }
}

static void close_world(struct world *w)
{
    fanout_free(&w->fanout);
    cache_destroy(w->cache);
}

static enum fanout_status add(struct world *w, unsigned client, enum topic_kind kind,
                              const char *name)
{
    return fanout_add(&w->fanout, &w->clients[client], kind, name, strlen(name));
}

static bool drop(struct world *w, unsigned client, enum topic_kind kind, const char *name)
{
    return fanout_remove(&w->fanout, &w->clients[client], kind, name, strlen(name));
}

static size_t reach(struct world *w, enum topic_kind kind, const char *name, worker_set *to)
{
    return fanout_reach(&w->fanout, kind, name, strlen(name), to);
}

START_TEST(messages_meet_channels_and_patterns)
{
    struct world w;
    worker_set to;
    open_world(&w, 0);
    ck_assert_uint_eq(reach(&w, TOPIC_CHANNEL, "news", &to), 0);
    ck_assert_uint_eq(to, 0);
    ck_assert_int_eq(add(&w, 0, TOPIC_CHANNEL, "news"), FANOUT_OK);
    ck_assert_int_eq(add(&w, 0, TOPIC_CHANNEL, "news"), FANOUT_ALREADY);
    ck_assert_int_eq(add(&w, 3, TOPIC_CHANNEL, "news"), FANOUT_OK);
    ck_assert_int_eq(add(&w, 2, TOPIC_PATTERN, "n?ws"), FANOUT_OK);
    ck_assert_int_eq(add(&w, 1, TOPIC_PATTERN, "old*"), FANOUT_OK);
    ck_assert_int_eq(add(&w, 1, TOPIC_SHARD, "news"), FANOUT_OK);
    ck_assert_uint_eq(reach(&w, TOPIC_CHANNEL, "news", &to), 3);
    ck_assert_uint_eq(to, 1 | 4);
    ck_assert_uint_eq(reach(&w, TOPIC_SHARD, "news", &to), 1);
    ck_assert_uint_eq(to, 2);
    ck_assert_uint_eq(fanout_subscribers(&w.fanout, TOPIC_CHANNEL, "news", 4), 2);
    ck_assert_uint_eq(fanout_topics(&w.fanout, TOPIC_PATTERN), 2);

    struct topic *t = fanout_next(&w.fanout, 0, TOPIC_CHANNEL, "news", 4, NULL);
    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_eq(t->first[0]->client, &w.clients[3]);
    ck_assert_ptr_null(fanout_next(&w.fanout, 0, TOPIC_CHANNEL, "news", 4, t));
    t = fanout_next(&w.fanout, 2, TOPIC_CHANNEL, "news", 4, NULL);
    ck_assert_int_eq(t->kind, TOPIC_PATTERN);
    ck_assert_ptr_null(fanout_next(&w.fanout, 1, TOPIC_CHANNEL, "news", 4, NULL));

    ck_assert(!drop(&w, 1, TOPIC_CHANNEL, "news"));
    ck_assert(drop(&w, 0, TOPIC_CHANNEL, "news"));
    ck_assert(drop(&w, 3, TOPIC_CHANNEL, "news"));
    ck_assert_uint_eq(fanout_topics(&w.fanout, TOPIC_CHANNEL), 0);
    for (unsigned i = 1; i <= 2; i++)
        for (int kind = 0; kind < TOPIC_KINDS; kind++)
            fanout_remove_all(&w.fanout, &w.clients[i], (enum topic_kind)kind);
    ck_assert_uint_eq(charged(&w), 0);
    close_world(&w);
}
END_TEST

START_TEST(prefixes_meet_keys)
{
    struct world w;
    worker_set to;
    open_world(&w, 0);
    add(&w, 0, TOPIC_PREFIX, "user:");
    add(&w, 1, TOPIC_PREFIX, "");
    ck_assert_uint_eq(reach(&w, TOPIC_PREFIX, "user:1", &to), 2);
    ck_assert_uint_eq(reach(&w, TOPIC_PREFIX, "user", &to), 1);
    ck_assert_uint_eq(to, 2);
    fanout_remove_all(&w.fanout, &w.clients[0], TOPIC_PREFIX);
    fanout_remove_all(&w.fanout, &w.clients[1], TOPIC_PREFIX);
    close_world(&w);
}
END_TEST

/* Adds and removes at random, beside a plain table of who has subscribed to what. */
START_TEST(many_topics)
{
    static bool has[CLIENTS][500];
    struct world w;
    uint64_t random = 1;
    char name[32];
    worker_set to;
    open_world(&w, 0);
    for (unsigned n = 0; n < 60000; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned client = (unsigned)(random >> 33) % CLIENTS,
                 topic = (unsigned)(random >> 40) % 500;
        snprintf(name, sizeof name, "topic:%u", topic);
        if ((random >> 20) % 5 < 2) {
            ck_assert_int_eq(drop(&w, client, TOPIC_CHANNEL, name), has[client][topic]);
            has[client][topic] = false;
        } else {
            ck_assert_int_eq(add(&w, client, TOPIC_CHANNEL, name),
                             has[client][topic] ? FANOUT_ALREADY : FANOUT_OK);
            has[client][topic] = true;
        }
    }
    for (unsigned topic = 0; topic < 500; topic++) {
        size_t wanted = 0;
        snprintf(name, sizeof name, "topic:%u", topic);
        for (unsigned i = 0; i < CLIENTS; i++)
            wanted += has[i][topic];
        ck_assert_uint_eq(reach(&w, TOPIC_CHANNEL, name, &to), wanted);
    }
    ck_assert_uint_gt(charged(&w), 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        fanout_remove_all(&w.fanout, &w.clients[i], TOPIC_CHANNEL);
    ck_assert_uint_eq(fanout_topics(&w.fanout, TOPIC_CHANNEL), 0);
    ck_assert_uint_lt(charged(&w), 16384); /* of the chains, which do not shrink */
    close_world(&w);
}
END_TEST

START_TEST(refused_over_the_cap)
{
    struct world w;
    char name[1000];
    unsigned n = 0;
    open_world(&w, 4 << 20);
    enum fanout_status status;
    do {
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        snprintf(name, 12, "%010u", n);
        name[10] = 'x';
        status = add(&w, 0, TOPIC_CHANNEL, name);
    } while (status == FANOUT_OK && ++n < 100000);
    ck_assert_int_eq(status, FANOUT_NOMEM);
    ck_assert_uint_lt(n, 8000);
    fanout_remove_all(&w.fanout, &w.clients[0], TOPIC_CHANNEL);
    close_world(&w);
}
END_TEST

struct churn {
    struct world *world;
    unsigned client;
    bool failed;
};

/* The thread of one worker, with one client. */
static void *come_and_go(void *arg)
{
    struct churn *c = arg;
    struct world *w = c->world;
    worker_set to;
    for (unsigned n = 0; n < 5000; n++) {
        c->failed |= add(w, c->client, TOPIC_CHANNEL, "shared") != FANOUT_OK;
        c->failed |= add(w, c->client, TOPIC_PATTERN, "s*") != FANOUT_OK;
        c->failed |= reach(w, TOPIC_CHANNEL, "shared", &to) < 2;
        unsigned met = 0;
        for (struct topic *t = NULL;
             (t = fanout_next(&w->fanout, c->client, TOPIC_CHANNEL, "shared", 6, t)) != NULL;)
            for (struct subscription *s = t->first[c->client]; s != NULL; s = s->next)
                met += s->client == &w->clients[c->client];
        c->failed |= met != 2;
        fanout_remove_all(&w->fanout, &w->clients[c->client], TOPIC_PATTERN);
        c->failed |= !drop(w, c->client, TOPIC_CHANNEL, "shared");
    }
    return NULL;
}

START_TEST(workers_at_the_same_time)
{
    struct world w;
    pthread_t threads[WORKERS];
    struct churn churns[WORKERS];
    open_world(&w, 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        churns[i] = (struct churn){.world = &w, .client = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &churns[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!churns[i].failed);
    }
    ck_assert_uint_eq(fanout_topics(&w.fanout, TOPIC_CHANNEL), 0);
    ck_assert_uint_eq(charged(&w), 0);
    close_world(&w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fanout");
    TCase *c = tcase_create("fanout");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, messages_meet_channels_and_patterns);
    tcase_add_test(c, prefixes_meet_keys);
    tcase_add_test(c, many_topics);
    tcase_add_test(c, refused_over_the_cap);
    tcase_add_test(c, workers_at_the_same_time);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
