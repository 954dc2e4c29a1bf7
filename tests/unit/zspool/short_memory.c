/* Memory that runs out: every step of growth fails once, and the page limit holds. */
#include "pool_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Fails the nth step from now on. */
struct failing {
    unsigned left; /* 0 = never */
    unsigned failed;
};

static bool fail_nth(void *arg)
{
    struct failing *f = arg;
    if (f->left == 0 || --f->left > 0)
        return false;
    f->failed++;
    return true;
}

struct snapshot {
    struct zs_pool_stats pool;
    struct zs_class_stats class[256];
};

static void take_snapshot(struct zs_pool *pool, struct snapshot *s)
{
    memset(s, 0, sizeof *s);
    zs_pool_stats(pool, &s->pool);
    s->pool.table_bytes = 0; /* tables may grow and stay */
    s->pool.pages_peak = 0;
    for (unsigned i = 0; i < zs_class_count(pool); i++)
        zs_class_stats(pool, i, &s->class[i]);
}

#define SIZES 14
static const size_t sizes[SIZES] = {20,   100,  333,   1000,  1500,  2500,  4096,
                                    5000, 9000, 16000, 24000, 33000, 50000, ZS_MAX_ALLOC_SIZE};

/* Allocates each size a few times; returns how many allocations failed. */
static unsigned allocate_all(struct zs_pool *pool, struct failing *f, unsigned nth)
{
    static struct snapshot before, after;
    zs_handle handle[SIZES * 4];
    unsigned failures = 0;
    f->left = nth;
    for (unsigned i = 0; i < SIZES * 4; i++) {
        take_snapshot(pool, &before);
        handle[i] = 0;
        if (zs_malloc(pool, sizes[i % SIZES], &handle[i]) == ZS_OK) {
            fill(pool, handle[i], sizes[i % SIZES], i);
            continue;
        }
        failures++;
        ck_assert_uint_eq(handle[i], 0);
        take_snapshot(pool, &after);
        ck_assert_mem_eq(&before, &after, sizeof before);
        expect_sound(pool);
    }
    f->left = 0;
    for (unsigned i = 0; i < SIZES * 4; i++) {
        if (handle[i] != 0)
            expect_filled(pool, handle[i], sizes[i % SIZES], i);
        zs_free(pool, handle[i]);
    }
    return failures;
}

START_TEST(test_nth_growth_fails)
{
    struct failing f = {0, 0};
    unsigned n = 1;
    for (;; n++) {
        struct zs_pool *pool =
            zs_create_pool(&(struct zs_pool_opts){.fail = fail_nth, .fail_arg = &f});
        ck_assert_ptr_nonnull(pool);
        f.failed = 0;
        unsigned failures = allocate_all(pool, &f, n);
        ck_assert_uint_le(failures, f.failed);
        destroy_empty(pool);
        if (f.failed == 0)
            break;
    }
    ck_assert_uint_ge(n, 3 * SIZES); /* pages, a descriptor and a table for most of them */
}
END_TEST

/* Movers that get no page leave everything as it was. */
START_TEST(test_moving_without_memory)
{
    struct failing f = {0, 0};
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){.fail = fail_nth, .fail_arg = &f});
    static zs_handle handle[3000];
    for (unsigned i = 0; i < 3000; i++) {
        handle[i] = get(pool, 700 + i);
        fill(pool, handle[i], 700 + i, i);
    }
    for (unsigned i = 0; i < 3000; i++) {
        if (i % 8 == 0)
            continue;
        zs_free(pool, handle[i]);
        handle[i] = 0;
    }
    for (unsigned n = 1; n < 200; n++) {
        f.left = n;
        zs_migrate(pool, (struct zs_budget){.max_moves = 50});
        zs_compact(pool, (struct zs_budget){.max_moves = 5});
        f.left = 0;
        if (n % 10 == 0)
            expect_sound(pool);
    }
    for (unsigned i = 0; i < 3000; i += 8) {
        expect_filled(pool, handle[i], 700 + i, i);
        zs_free(pool, handle[i]);
    }
    destroy_empty(pool);
}
END_TEST

static size_t resident_pages(const struct zs_pool *pool)
{
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    return stats.pages_used + stats.pages_cached;
}

START_TEST(test_limit)
{
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){.max_pages = 1000});
    static zs_handle handle[100000];
    struct random random = {5};
    unsigned n = 0;
    enum zs_status status;
    while ((status = zs_malloc(pool, 1 + random_below(&random, 9000), &handle[n])) == ZS_OK) {
        ck_assert_uint_le(resident_pages(pool), 1000);
        n++;
    }
    ck_assert_int_eq(status, ZS_ELIMIT);
    expect_sound(pool);
    ck_assert_uint_ge(zs_get_total_pages(pool), 980);
    /* At the limit, what a free makes room for can be allocated again, and movers may work. */
    size_t told = zs_shrinker_count(pool);
    for (unsigned i = 0; i < n; i += 2) {
        zs_free(pool, handle[i]);
        handle[i] = 0;
    }
    ck_assert_uint_gt(zs_shrinker_count(pool), told);
    zs_compact(pool, (struct zs_budget){0});
    zs_migrate(pool, (struct zs_budget){0});
    ck_assert_uint_le(resident_pages(pool), 1000);
    ck_assert_uint_lt(zs_get_total_pages(pool), 600);
    /* Lowered, it frees nothing, but nothing grows either; without a limit all is well. */
    zs_set_page_limit(pool, 100);
    zs_handle more;
    ck_assert_int_eq(zs_malloc(pool, 60000, &more), ZS_ELIMIT);
    zs_set_page_limit(pool, 0);
    zs_free(pool, get(pool, 60000));
    for (unsigned i = 0; i < n; i++)
        zs_free(pool, handle[i]);
    destroy_empty(pool);
}
END_TEST

/* A reservation of two blocks, of which one serves: every page of it can be had. */
START_TEST(test_end_of_reservation)
{
    struct zs_pool *pool =
        zs_create_pool(&(struct zs_pool_opts){.reserve_bytes = 2 * ZS_BLOCK_SIZE});
    static zs_handle handle[4096];
    unsigned n = 0;
    while (n < 4096 && zs_malloc(pool, ZS_PAGE_SIZE, &handle[n]) == ZS_OK)
        n++;
    ck_assert_uint_ge(n, ZS_BLOCK_SIZE / ZS_PAGE_SIZE);
    ck_assert_uint_lt(n, 4096);
    expect_sound(pool);
    for (unsigned i = 0; i < n; i++)
        zs_free(pool, handle[i]);
    destroy_empty(pool);
}
END_TEST

/* ---- the limit and threads ---- */

#define THREADS 4
#define LIMIT   500

struct grower {
    struct zs_pool *pool;
    atomic_bool *stop;
    uint64_t seed;
};

static void *grow_and_free(void *arg)
{
    const struct grower *g = arg;
    struct random random = {g->seed};
    enum { KEPT = 300 };
    zs_handle handle[KEPT] = {0};
    for (int i = 0; i < (UNDER_SANITIZER ? 10000 : 100000); i++) {
        zs_handle *h = &handle[random_below(&random, KEPT)];
        zs_free(g->pool, *h);
        *h = 0;
        if (zs_malloc(g->pool, 1 + random_below(&random, 20000), h) != ZS_OK)
            *h = 0;
    }
    for (int i = 0; i < KEPT; i++)
        zs_free(g->pool, handle[i]);
    return NULL;
}

static void *watch(void *arg)
{
    const struct grower *g = arg;
    while (!atomic_load(g->stop)) {
        zs_compact(g->pool, (struct zs_budget){.max_moves = 100});
        ck_assert_uint_le(zs_get_total_pages(g->pool), LIMIT);
    }
    return NULL;
}

START_TEST(test_limit_with_threads)
{
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){.max_pages = LIMIT});
    atomic_bool stop = false;
    struct grower grower[THREADS + 1];
    pthread_t thread[THREADS + 1];
    for (unsigned i = 0; i <= THREADS; i++) {
        grower[i] = (struct grower){pool, &stop, i};
        ck_assert_int_eq(
            pthread_create(&thread[i], NULL, i < THREADS ? grow_and_free : watch, &grower[i]), 0);
    }
    for (unsigned i = 0; i <= THREADS; i++) {
        if (i == THREADS)
            atomic_store(&stop, true);
        pthread_join(thread[i], NULL);
    }
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_le(stats.pages_peak, LIMIT);
    ck_assert_uint_ge(stats.pages_peak, LIMIT - 20);
    destroy_empty(pool);
}
END_TEST

static void add(TCase *c)
{
    tcase_add_test(c, test_nth_growth_fails);
    tcase_add_test(c, test_moving_without_memory);
    tcase_add_test(c, test_limit);
    tcase_add_test(c, test_end_of_reservation);
    tcase_add_test(c, test_limit_with_threads);
}

int main(void)
{
    return run_suite("zspool short memory", add);
}
