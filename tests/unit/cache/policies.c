/* What each policy evicts: which of the items that were there survive a flood of others. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "cache/cache.h"

#define NOW   1700000000000
#define OLD   8000
#define VALUE 1000
#define ROOM  ((uint64_t)14 << 20)
/* Old items: even ones are asked for again and again; of both, half expire, some sooner. */
enum kind { HOT = 1, EXPIRES = 2, SOON = 4, KINDS = 8 };

struct flood {
    struct cache *cache;
    struct cache_thread *t;
    struct random random;
    int64_t now;
    unsigned refused;
    double alive[KINDS]; /* share of each kind that is there at the end */
};

static unsigned kind_of(unsigned i)
{
    return (i % 2 == 0 ? HOT : 0) | (i % 4 < 2 ? EXPIRES : 0) | (i % 8 < 2 ? SOON : 0);
}

static struct cache_key key(struct flood *f, char *name, const char *prefix, unsigned i)
{
    struct cache_key k;
    int len = snprintf(name, 32, "%s:%u", prefix, i);
    ck_assert(cache_key_init(f->t, &k, 0, name, (size_t)len));
    return k;
}

static enum cache_status put(struct flood *f, const char *prefix, unsigned i, int64_t expire_ms)
{
    char name[32];
    uint64_t value[VALUE / 8];
    for (unsigned n = 0; n < VALUE / 8; n++)
        value[n] = random_next(&f->random);
    struct cache_key k = key(f, name, prefix, i);
    struct cache_source src = {.flat = value, .total = VALUE};
    return cache_set(f->t, &k, CACHE_STRING, &src, expire_ms, 0);
}

static bool is_there(struct flood *f, unsigned i, unsigned flags)
{
    char name[32];
    struct cache_view v;
    struct cache_key k = key(f, name, "old", i);
    if (cache_get(f->t, &k, flags, &v) != CACHE_OK)
        return false;
    cache_view_end(f->t, &v);
    return true;
}

static void wait_ms(struct flood *f, int64_t ms)
{
    f->now += ms;
    cache_exit(f->t);
    while (cache_tick(f->t, f->now, 100000, false) == 0)
        continue;
    cache_enter(f->t, f->now);
}

static void ask_for_hot(struct flood *f)
{
    for (unsigned i = 0; i < OLD; i += 2)
        is_there(f, i, CACHE_GET_TOUCH);
}

static void fill(struct flood *f)
{
    for (unsigned i = 0; i < OLD; i++) {
        int64_t ttl = (kind_of(i) & SOON) != 0 ? 100000 : 10000000;
        int64_t expire_ms = (kind_of(i) & EXPIRES) != 0 ? f->now + ttl + i : CACHE_NO_EXPIRY;
        ck_assert_int_eq(put(f, "old", i, expire_ms), CACHE_OK);
    }
    for (unsigned round = 0; round < 12; round++) {
        wait_ms(f, 1000);
        ask_for_hot(f);
    }
}

/* Newcomers that expire, when only such may be evicted, later than all others. */
static void pour(struct flood *f, enum cache_policy policy, unsigned n)
{
    bool expires = policy >= CACHE_VOLATILE_LRU && policy <= CACHE_VOLATILE_TTL;
    for (unsigned i = 0; i < n; i++) {
        f->refused += put(f, "new", i, expires ? f->now + 100000000 : CACHE_NO_EXPIRY) == CACHE_OOM;
        if (i % 100 == 0)
            wait_ms(f, 100);
        if (i % 500 == 0)
            ask_for_hot(f);
    }
}

static void look(struct flood *f)
{
    unsigned all[KINDS] = {0}, alive[KINDS] = {0};
    for (unsigned i = 0; i < OLD; i++) {
        all[kind_of(i)]++;
        alive[kind_of(i)] += is_there(f, i, 0);
    }
    for (unsigned k = 0; k < KINDS; k++)
        f->alive[k] = all[k] == 0 ? 1 : (double)alive[k] / all[k];
}

static void begin(struct flood *f, enum cache_policy policy, enum cache_compression compression)
{
    struct cache_opts opts = {
        .policy = policy, .compression = compression, .hash_seed = "policies"};
    *f = (struct flood){.random = {.state = 3}, .now = NOW};
    f->cache = cache_create(&opts);
    ck_assert_ptr_nonnull(f->cache);
    opts.maxmemory = cache_used_memory(f->cache) + ROOM;
    cache_configure(f->cache, &opts);
    f->t = cache_thread_create(f->cache);
    ck_assert_ptr_nonnull(f->t);
    cache_enter(f->t, f->now);
}

static void end(struct flood *f)
{
    ck_assert_ptr_null(cache_check(f->t));
    cache_exit(f->t);
    cache_thread_destroy(f->t);
    cache_destroy(f->cache);
}

static void run(struct flood *f, enum cache_policy policy)
{
    struct cache_stats s;
    begin(f, policy, CACHE_UNCOMPRESSED);
    fill(f);
    pour(f, policy, 8000);
    look(f);
    cache_stats(f->cache, &s);
    if (policy == CACHE_NOEVICTION)
        ck_assert_uint_eq(s.evicted, 0);
    else
        ck_assert_uint_gt(s.evicted, 1000);
    end(f);
}

/* The mean over the kinds that have all of `with` and none of `without`. */
static double share(const struct flood *f, unsigned with, unsigned without)
{
    double sum = 0;
    unsigned n = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        bool exists = (k & SOON) == 0 || (k & EXPIRES) != 0;
        if (!exists || (k & with) != with || (k & without) != 0)
            continue;
        sum += f->alive[k];
        n++;
    }
    return sum / n;
}

START_TEST(what_is_used_survives)
{
    static const enum cache_policy policies[] = {CACHE_ALLKEYS_S3FIFO, CACHE_ALLKEYS_LRU,
                                                 CACHE_ALLKEYS_LFU};
    struct flood f;
    run(&f, policies[_i]);
    ck_assert_uint_eq(f.refused, 0);
    ck_assert_double_gt(share(&f, HOT, 0), 0.98);
    if (policies[_i] == CACHE_ALLKEYS_LRU)
        ck_assert_double_lt(share(&f, 0, HOT), 0.5);
}
END_TEST

START_TEST(random_spares_nobody)
{
    struct flood f;
    run(&f, CACHE_ALLKEYS_RANDOM);
    ck_assert_uint_eq(f.refused, 0);
    ck_assert_double_lt(share(&f, 0, 0), 0.95);
    ck_assert_double_gt(share(&f, 0, 0), 0.4);
    ck_assert_double_eq_tol(share(&f, HOT, 0), share(&f, 0, HOT), 0.05);
    ck_assert_double_eq_tol(share(&f, EXPIRES, 0), share(&f, 0, EXPIRES), 0.05);
}
END_TEST

START_TEST(volatile_spares_what_does_not_expire)
{
    struct flood f;
    enum cache_policy policy = (enum cache_policy)_i;
    run(&f, policy);
    ck_assert_uint_eq(f.refused, 0);
    ck_assert_double_eq(share(&f, 0, EXPIRES), 1);
    ck_assert_double_lt(share(&f, EXPIRES, HOT), 0.95);
    if (policy == CACHE_VOLATILE_RANDOM)
        ck_assert_double_eq_tol(share(&f, EXPIRES | HOT, 0), share(&f, EXPIRES, HOT), 0.05);
    else if (policy == CACHE_VOLATILE_TTL)
        ck_assert_double_lt(share(&f, SOON, 0) + 0.3, share(&f, EXPIRES, SOON));
    else
        ck_assert_double_gt(share(&f, EXPIRES | HOT, 0), 0.98);
}
END_TEST

START_TEST(noeviction_refuses)
{
    struct flood f;
    run(&f, CACHE_NOEVICTION);
    ck_assert_uint_gt(f.refused, 500);
    ck_assert_double_eq(share(&f, 0, 0), 1);
}
END_TEST

/* CPU time in us of a flood of items whose values are next to nothing. */
static int64_t flood_of_tiny(enum cache_compression compression)
{
    struct flood f;
    struct cache_stats s;
    begin(&f, CACHE_ALLKEYS_S3FIFO, compression);
    int64_t begun = clock_thread_cpu_us();
    for (unsigned i = 0; i < 1000000; i++) {
        char name[32];
        struct cache_key k = key(&f, name, "tiny", i);
        struct cache_source src = {.flat = "1", .total = 1};
        ck_assert_int_eq(cache_set(f.t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0), CACHE_OK);
    }
    int64_t us = clock_thread_cpu_us() - begun;
    cache_stats(f.cache, &s);
    ck_assert_uint_gt(s.evicted, 100000);
    ck_assert_uint_gt(s.items, 100000);
    end(&f);
    return us;
}

/* Though nearly all of them are in the nursery, which is for what coding may save. */
START_TEST(tiny_items_are_evicted_as_quickly)
{
    int64_t plain = flood_of_tiny(CACHE_UNCOMPRESSED);
    int64_t us = flood_of_tiny(CACHE_ADAPTIVE);
    ck_assert_msg(us < plain * 4 + 1000000, "%lld us, %lld us without a nursery", (long long)us,
                  (long long)plain);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("policies");
    TCase *c = tcase_create("policies");
    tcase_set_timeout(c, 0);
    tcase_add_loop_test(c, what_is_used_survives, 0, 3);
    tcase_add_test(c, random_spares_nobody);
    tcase_add_loop_test(c, volatile_spares_what_does_not_expire, CACHE_VOLATILE_LRU,
                        CACHE_NOEVICTION);
    tcase_add_test(c, noeviction_refuses);
    tcase_add_test(c, tiny_items_are_evicted_as_quickly);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
