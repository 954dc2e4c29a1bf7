/* Many threads on one cache, with a keeper beside them. Each value tells which key it belongs to
 * and is of one pattern, so that a torn or foreign value shows. Made for TSan.
 *
 * ZSC_OPS = operations of each thread. */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "cache/cache.h"

#define THREADS 4
#define KEYS    3000
#define LONGEST ((size_t)100 << 10)

struct stress {
    struct cache_opts opts;
    struct cache *cache;
    atomic_bool stop;
    unsigned long ops;
};

struct worker {
    struct stress *stress;
    struct cache_thread *t;
    struct random random;
    uint8_t value[LONGEST];
    uint8_t got[LONGEST + CACHE_SEGMENT];
};

static size_t make_value(struct worker *w, unsigned n)
{
    size_t len = 8 + (random_below(&w->random, 20) == 0 ? random_below(&w->random, LONGEST - 8)
                                                        : random_below(&w->random, 300));
    uint32_t pattern = (uint32_t)random_next(&w->random);
    memcpy(w->value, &n, 4);
    memcpy(w->value + 4, &pattern, 4);
    for (size_t i = 8; i < len; i++)
        w->value[i] = (uint8_t)(pattern + (i - 8) / 5 * n);
    return len;
}

static void verify(const uint8_t *p, size_t len, unsigned n)
{
    uint32_t pattern, whose;
    bool same = true;
    ck_assert_uint_ge(len, 8);
    memcpy(&whose, p, 4);
    memcpy(&pattern, p + 4, 4);
    ck_assert_uint_eq(whose, n);
    for (size_t i = 8; i < len; i++)
        same = same && p[i] == (uint8_t)(pattern + (i - 8) / 5 * n);
    ck_assert(same);
}

static void key_of(struct worker *w, unsigned n, char text[32], struct cache_key *k)
{
    int len = snprintf(text, 32, "k%u:%u", n % 4, n);
    ck_assert(cache_key_init(w->t, k, n % 2, text, (size_t)len));
}

static void get(struct worker *w, const struct cache_key *k, unsigned n)
{
    struct cache_view v;
    if (cache_get(w->t, k, CACHE_GET_TOUCH, &v) != CACHE_OK)
        return;
    size_t len = v.raw_len;
    ck_assert_int_eq(cache_view_read(w->t, &v, 0, len, w->got), CACHE_OK);
    cache_view_end(w->t, &v);
    verify(w->got, len, n);
}

static void stream(struct worker *w, const struct cache_key *k, unsigned n)
{
    struct cache_view v;
    if (cache_get(w->t, k, 0, &v) != CACHE_OK)
        return;
    if (!v.segmented) {
        cache_view_end(w->t, &v);
        return;
    }
    struct cache_stream *s = cache_stream_open(w->t, &v);
    size_t at = 0, len;
    ck_assert_ptr_nonnull(s);
    while (cache_stream_left(s) > 0) {
        ck_assert_int_eq(cache_stream_next(w->t, s, w->got + at, &len), CACHE_OK);
        at += len;
        int64_t now = cache_now(w->t);
        cache_exit(w->t);
        cache_enter(w->t, now);
    }
    cache_stream_close(w->t, s);
    verify(w->got, at, n);
}

static void update(struct worker *w, const struct cache_key *k, unsigned n)
{
    struct cache_update u;
    size_t len = make_value(w, n), new_len;
    struct cache_source src = {.flat = w->value, .total = len};
    cache_update_begin(w->t, k, &u);
    switch (random_below(&w->random, 5)) {
    case 0:
        cache_update_store(w->t, &u, CACHE_STRING, &src, CACHE_NO_EXPIRY);
        break;
    case 1:
        cache_update_delete(w->t, &u);
        break;
    case 2:
        if (u.found) /* the same bytes again, into segments */
            ck_assert_int_eq(cache_view_read(w->t, &u.view, 0, 8, w->value), CACHE_OK);
        src.total = 4;
        if (u.found)
            cache_update_patch(w->t, &u, 0, &src, &new_len);
        break;
    default:
        if (u.found)
            cache_update_expire(w->t, &u, cache_now(w->t) + random_below(&w->random, 500));
    }
    cache_update_end(w->t, &u);
}

static void two(struct worker *w, const struct cache_key *k, unsigned n)
{
    char text[32];
    struct cache_key keys[2] = {*k};
    struct cache_view v;
    unsigned m = random_below(&w->random, KEYS);
    key_of(w, m, text, &keys[1]);
    ck_assert_int_eq(cache_lock_keys(w->t, keys, 2), CACHE_OK);
    if (cache_get(w->t, &keys[0], 0, &v) == CACHE_OK) {
        cache_delete(w->t, &keys[0]);
        ck_assert_int_eq(cache_view_read(w->t, &v, 0, v.raw_len, w->got), CACHE_OK);
        verify(w->got, v.raw_len, n);
        cache_view_end(w->t, &v);
    }
    size_t len = make_value(w, m);
    struct cache_source src = {.flat = w->value, .total = len};
    cache_set(w->t, &keys[1], CACHE_STRING, &src, CACHE_NO_EXPIRY, 0);
    cache_unlock_keys(w->t);
}

static void on_scan(void *arg, const void *key, size_t len, enum cache_type type)
{
    (void)arg;
    (void)type;
    ck_assert(len > 2 && memcmp(key, "k", 1) == 0);
}

/* Makes the keeper walk over all items, coding or decoding them. */
static void change_options(struct worker *w)
{
    struct cache_opts opts = w->stress->opts;
    opts.compression = (enum cache_compression)random_below(&w->random, 3);
    opts.psi = random_below(&w->random, 2) == 0;
    cache_configure(w->stress->cache, &opts);
}

static void rare(struct worker *w)
{
    uint64_t cursor = 0;
    switch (random_below(&w->random, 20)) {
    case 0:
        cache_flush(w->t, (int)random_below(&w->random, 2), false);
        break;
    case 1:
        cache_world_lock(w->t);
        ck_assert_uint_le(cache_count(w->stress->cache, 0), KEYS);
        cache_world_unlock(w->t);
        break;
    case 2:
        cache_dict_drop(w->stress->cache, NULL, 0);
        break;
    case 3:
        cache_dict_train(w->stress->cache, NULL, 0);
        break;
    case 4:
    case 5:
        change_options(w);
        break;
    default:
        for (int i = 0; i < 10; i++)
            cursor = cache_scan(w->t, 0, cursor, 50, on_scan, NULL);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (unsigned long i = 0; i < w->stress->ops; i++) {
        char text[32];
        struct cache_key k;
        unsigned n = random_below(&w->random, KEYS);
        key_of(w, n, text, &k);
        if (i % 16 == 0) {
            if (i != 0)
                cache_exit(w->t);
            cache_enter(w->t, clock_wall_ms());
        }
        unsigned op = random_below(&w->random, 400);
        if (op == 0)
            rare(w);
        else if (op < 60)
            stream(w, &k, n);
        else if (op < 100)
            two(w, &k, n);
        else if (op < 160)
            update(w, &k, n);
        else if (op < 180)
            cache_delete(w->t, &k);
        else if (op < 260) {
            size_t len = make_value(w, n);
            struct cache_source src = {.flat = w->value, .total = len};
            cache_set(w->t, &k, CACHE_STRING, &src,
                      op % 3 == 0 ? cache_now(w->t) + 300 : CACHE_NO_EXPIRY, 0);
        } else
            get(w, &k, n);
    }
    cache_exit(w->t);
    return NULL;
}

static void *keep(void *arg)
{
    struct worker *w = arg;
    while (!atomic_load(&w->stress->stop)) {
        cache_tick(w->t, clock_wall_ms(), 2000, false);
        struct cache_stats stats;
        cache_stats(w->stress->cache, &stats);
    }
    return NULL;
}

static void run(struct cache_opts opts)
{
    static struct worker w[THREADS + 1];
    pthread_t thread[THREADS + 1];
    const char *text = getenv("ZSC_OPS");
    struct stress s = {.ops = text == NULL ? 12000 : strtoul(text, NULL, 10)};
    memcpy(opts.hash_seed, "stress", 6);
    s.opts = opts;
    s.cache = cache_create(&opts);
    ck_assert_ptr_nonnull(s.cache);
    for (unsigned i = 0; i <= THREADS; i++) {
        w[i].stress = &s;
        w[i].random.state = i + 1;
        w[i].t = cache_thread_create(s.cache);
        ck_assert_ptr_nonnull(w[i].t);
        ck_assert_int_eq(pthread_create(&thread[i], NULL, i == THREADS ? keep : work, &w[i]), 0);
    }
    for (unsigned i = 0; i <= THREADS; i++) {
        pthread_join(thread[i], NULL);
        if (i == THREADS - 1)
            atomic_store(&s.stop, true);
    }
    cache_enter(w[0].t, clock_wall_ms());
    const char *wrong = cache_check(w[0].t);
    ck_assert_str_eq(wrong == NULL ? "good" : wrong, "good");
    cache_exit(w[0].t);
    for (unsigned i = 0; i <= THREADS; i++)
        cache_thread_destroy(w[i].t);
    cache_destroy(s.cache);
}

START_TEST(without_cap)
{
    run((struct cache_opts){.databases = 2});
}
END_TEST

START_TEST(under_a_cap)
{
    run((struct cache_opts){.databases = 2, .maxmemory = (uint64_t)24 << 20});
}
END_TEST

START_TEST(sampled)
{
    run((struct cache_opts){.databases = 2,
                            .maxmemory = (uint64_t)24 << 20,
                            .policy = CACHE_ALLKEYS_LFU,
                            .compression = CACHE_ON_WRITE});
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache threads");
    TCase *c = tcase_create("threads");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, without_cap);
    tcase_add_test(c, under_a_cap);
    tcase_add_test(c, sampled);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
