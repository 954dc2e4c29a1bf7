/* Compaction, migration, the shrinker, trimming: what moves keeps its bytes, and what is told to be
 * freed is freed. */
#include "pool_test.h"

#include <string.h>

#define MOST 60000

struct herd {
    struct zs_pool *pool;
    struct random random;
    zs_handle handle[MOST];
    uint32_t size[MOST];
    unsigned n;
};

static void grow(struct herd *h, unsigned n, size_t least, size_t most)
{
    for (unsigned i = 0; i < n; i++, h->n++) {
        ck_assert_uint_lt(h->n, MOST);
        h->size[h->n] = (uint32_t)(least + random_below(&h->random, (uint32_t)(most - least + 1)));
        h->handle[h->n] = get(h->pool, h->size[h->n]);
        fill(h->pool, h->handle[h->n], h->size[h->n], h->n);
    }
}

/* Frees each with a probability of percent. */
static void thin(struct herd *h, unsigned percent)
{
    for (unsigned i = 0; i < h->n; i++) {
        if (h->handle[i] == 0 || random_below(&h->random, 100) >= percent)
            continue;
        zs_free(h->pool, h->handle[i]);
        h->handle[i] = 0;
    }
}

static void expect_all_filled(struct herd *h)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->handle[i] != 0)
            expect_filled(h->pool, h->handle[i], h->size[i], i);
}

static struct herd *new_herd(void)
{
    static struct herd h;
    memset(&h, 0, sizeof h);
    h.pool = new_pool();
    h.random.state = 11;
    return &h;
}

static void end_herd(struct herd *h)
{
    thin(h, 100);
    destroy_empty(h->pool);
}

START_TEST(test_compaction_leaves_one_partial_zspage)
{
    struct herd *h = new_herd();
    grow(h, 30000, 1, 600);
    grow(h, 800, 600, 30000);
    thin(h, 60);
    size_t before = zs_get_total_pages(h->pool);
    size_t told = zs_shrinker_count(h->pool);
    struct zs_compact_result r = zs_compact(h->pool, (struct zs_budget){0});
    ck_assert(!r.more);
    ck_assert_uint_eq(r.pinned, 0);
    ck_assert_uint_eq(before - zs_get_total_pages(h->pool), r.pages_freed);
    ck_assert_uint_eq(told, r.pages_freed); /* the estimate is exact when nobody maps */
    ck_assert_uint_eq(zs_shrinker_count(h->pool), 0);
    /* One, or two that are cut to what they hold, so that one would take as many pages. */
    size_t partial = 0;
    for (unsigned i = 0; i < zs_class_count(h->pool); i++) {
        ck_assert_uint_le(partial_zspages(h->pool, i), 2);
        partial += partial_zspages(h->pool, i);
    }
    ck_assert_uint_le(partial, zs_class_count(h->pool));
    struct zs_pool_stats stats;
    zs_pool_stats(h->pool, &stats);
    ck_assert_uint_eq(stats.pages_compacted, r.pages_freed);
    ck_assert_uint_eq(stats.objects_moved, r.objects_moved);
    expect_sound(h->pool);
    expect_all_filled(h);
    r = zs_compact(h->pool, (struct zs_budget){0});
    ck_assert_uint_eq(r.pages_freed + r.objects_moved, 0);
    end_herd(h);
}
END_TEST

/* Small budgets one after the other come to the same end, and none is passed by more than one
 * object. */
START_TEST(test_budget)
{
    struct herd *h = new_herd();
    grow(h, 20000, 1, 2000);
    thin(h, 50);
    size_t told = zs_shrinker_count(h->pool);
    size_t freed = 0;
    struct zs_compact_result r = {.more = true};
    for (unsigned i = 0; r.more; i++) {
        struct zs_budget budget = {0};
        if (i % 2 == 0)
            budget.max_moves = 10;
        else
            budget.max_bytes = 5000;
        r = zs_compact(h->pool, budget);
        ck_assert(budget.max_moves == 0 || r.objects_moved <= budget.max_moves);
        ck_assert(budget.max_bytes == 0 || r.bytes_moved <= budget.max_bytes + 2048);
        freed += r.pages_freed;
        ck_assert_uint_lt(i, 20000);
    }
    ck_assert_uint_eq(zs_shrinker_count(h->pool), 0);
    ck_assert_uint_ge(freed, told);
    ck_assert_uint_le(freed, told + told / 100);
    expect_sound(h->pool);
    expect_all_filled(h);
    end_herd(h);
}
END_TEST

/* 1 to N mapped objects: none of their bytes moves, and others are compacted all the same. */
START_TEST(test_pinned_are_passed_over)
{
    enum { PINS = 64 };
    struct herd *h = new_herd();
    grow(h, 20000, 150, 150);
    thin(h, 70);
    static struct zs_map map[PINS];
    static uint8_t buf[PINS][200];
    const void *ptr[PINS];
    unsigned pinned[PINS];
    unsigned n = 0;
    for (unsigned i = 0; n < (unsigned)_i; i += 97)
        if (h->handle[i] != 0)
            pinned[n++] = i;
    for (unsigned i = 0; i < n; i++)
        ptr[i] = zs_obj_read_begin(h->pool, h->handle[pinned[i]], 150, buf[i], &map[i]);
    struct zs_compact_result r = zs_compact(h->pool, (struct zs_budget){0});
    ck_assert_uint_gt(r.pages_freed, 0);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = ptr[i];
        size_t wrong = 0;
        for (size_t k = 0; k < 150; k++)
            wrong += p[k] != byte_of(pinned[i], k);
        ck_assert_uint_eq(wrong, 0);
    }
    unsigned index = (unsigned)zs_lookup_class_index(h->pool, 150);
    ck_assert_uint_le(partial_zspages(h->pool, index), n + 1);
    for (unsigned i = 0; i < n; i++)
        zs_obj_read_end(h->pool, &map[i]);
    zs_compact(h->pool, (struct zs_budget){0});
    ck_assert_uint_le(partial_zspages(h->pool, index), 2);
    expect_all_filled(h);
    end_herd(h);
}
END_TEST

START_TEST(test_shrinker_frees_what_it_told)
{
    struct herd *h = new_herd();
    grow(h, 30000, 1, 500);
    thin(h, 50);
    size_t told = zs_shrinker_count(h->pool);
    size_t freed = zs_shrinker_scan(h->pool, 10);
    ck_assert_uint_ge(freed, 10);
    for (size_t n; (n = zs_shrinker_scan(h->pool, 1000)) > 0;)
        freed += n;
    ck_assert_uint_eq(freed, told);
    ck_assert_uint_eq(zs_shrinker_scan(h->pool, 1), 0);
    expect_all_filled(h);
    end_herd(h);
}
END_TEST

/* Sparse blocks are emptied and go back; the bytes come along. */
START_TEST(test_migration)
{
    struct herd *h = new_herd();
    grow(h, 4000, ZS_PAGE_SIZE, ZS_PAGE_SIZE);
    grow(h, 100, 9000, 60000);
    grow(h, 3000, 100, 3000);
    thin(h, 88);
    zs_trim(h->pool, 0);
    struct zs_pool_stats before, after;
    zs_pool_stats(h->pool, &before);
    struct zs_compact_result r = zs_migrate(h->pool, (struct zs_budget){.max_bytes = 64 << 10});
    ck_assert_uint_le(r.bytes_moved, 64 << 10);
    ck_assert(r.more);
    expect_sound(h->pool);
    r = zs_migrate(h->pool, (struct zs_budget){0});
    zs_trim(h->pool, 0);
    zs_pool_stats(h->pool, &after);
    ck_assert_uint_lt(after.blocks, before.blocks);
    ck_assert_uint_ge(after.blocks_returned, r.blocks_freed);
    ck_assert_uint_gt(r.blocks_freed, 0);
    ck_assert_uint_gt(after.pages_migrated, 0);
    ck_assert_uint_eq(after.pages_used, before.pages_used);
    expect_sound(h->pool);
    expect_all_filled(h);
    end_herd(h);
}
END_TEST

/* A mapped object keeps its block. */
START_TEST(test_migration_passes_pinned)
{
    struct herd *h = new_herd();
    grow(h, 3000, ZS_PAGE_SIZE, ZS_PAGE_SIZE);
    thin(h, 90);
    struct zs_map map[50];
    const uint8_t *ptr[50];
    static uint8_t buf[ZS_PAGE_SIZE];
    unsigned who[50];
    unsigned n = 0;
    for (unsigned i = 0; i < h->n && n < 50; i++)
        if (h->handle[i] != 0)
            who[n++] = i;
    for (unsigned i = 0; i < n; i++)
        ptr[i] = zs_obj_read_begin(h->pool, h->handle[who[i]], ZS_PAGE_SIZE, buf, &map[i]);
    zs_migrate(h->pool, (struct zs_budget){0});
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(ptr[i][100], byte_of(who[i], 100));
        zs_obj_read_end(h->pool, &map[i]);
    }
    expect_all_filled(h);
    end_herd(h);
}
END_TEST

START_TEST(test_trim)
{
    struct herd *h = new_herd();
    grow(h, 3000, ZS_PAGE_SIZE, ZS_PAGE_SIZE);
    thin(h, 100);
    struct zs_pool_stats stats;
    zs_pool_stats(h->pool, &stats);
    ck_assert_uint_le(stats.pages_cached, 3000 / 4); /* not all stay */
    ck_assert_uint_gt(stats.pages_cached, 100);
    size_t cached = stats.pages_cached;
    ck_assert_uint_eq(zs_trim(h->pool, 100), cached - 100);
    zs_pool_stats(h->pool, &stats);
    ck_assert_uint_eq(stats.pages_cached, 100);
    ck_assert_uint_eq(zs_trim(h->pool, 100), 0);
    ck_assert_uint_eq(zs_trim(h->pool, 0), 100);
    end_herd(h);
}
END_TEST

/* Two halves of a page are no reason to keep two: at most a page too much for each class. */
START_TEST(test_density_of_uniform_sizes)
{
    struct herd *h = new_herd();
    size_t asked = 0;
    grow(h, UNDER_SANITIZER ? 4000 : 16000, 64, 16384);
    thin(h, 30);
    for (unsigned i = 0; i < h->n; i++)
        asked += h->handle[i] != 0 ? h->size[i] : 0;
    zs_compact(h->pool, (struct zs_budget){0});
    double limit = UNDER_SANITIZER ? 1.07 : 1.05;
    ck_assert_double_le((double)(zs_get_total_pages(h->pool) * ZS_PAGE_SIZE) / (double)asked,
                        limit);
    end_herd(h);
}
END_TEST

static void add(TCase *c)
{
    tcase_add_test(c, test_compaction_leaves_one_partial_zspage);
    tcase_add_test(c, test_budget);
    tcase_add_loop_test(c, test_pinned_are_passed_over, 1, 16);
    tcase_add_test(c, test_shrinker_frees_what_it_told);
    tcase_add_test(c, test_migration);
    tcase_add_test(c, test_migration_passes_pinned);
    tcase_add_test(c, test_trim);
    tcase_add_test(c, test_density_of_uniform_sizes);
}

int main(void)
{
    return run_suite("zspool moving", add);
}
