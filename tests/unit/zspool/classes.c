/* The table of size classes, and fullness groups. */
#include "pool_test.h"

#define HEADER 4u

static struct zs_pool *pool_with_chain(unsigned pages)
{
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){.chain_pages = pages});
    ck_assert_ptr_nonnull(pool);
    return pool;
}

/* Bytes of pages an object when it takes `size` bytes, at best: every chain is tried. */
static double naive_cost(size_t size, unsigned chain_pages)
{
    double best = (double)((size - HEADER + ZS_PAGE_SIZE - 1) / ZS_PAGE_SIZE * ZS_PAGE_SIZE);
    for (unsigned pages = 1; pages <= chain_pages; pages++) {
        size_t objects = pages * ZS_PAGE_SIZE / size;
        if (objects >= 2 && (double)(pages * ZS_PAGE_SIZE) / (double)objects < best)
            best = (double)(pages * ZS_PAGE_SIZE) / (double)objects;
    }
    return best;
}

/* The class that sizes from `first` on go to, against the naive best. */
static void expect_class(struct zs_pool *pool, unsigned index, size_t first, unsigned chain_pages)
{
    struct zs_class_stats c;
    zs_class_stats(pool, index, &c);
    ck_assert_uint_eq(c.index, index);
    ck_assert_uint_le(c.pages_per_zspage, c.objs_per_zspage == 1 ? 17 : chain_pages);
    ck_assert_uint_le(c.size * c.objs_per_zspage, c.pages_per_zspage * ZS_PAGE_SIZE);
    ck_assert_uint_gt((c.size + 2) * (c.objs_per_zspage + 1), c.pages_per_zspage * ZS_PAGE_SIZE);
    /* The best for its first size, but for what is tolerated so that there are not too many. */
    double cost = (double)(c.pages_per_zspage * ZS_PAGE_SIZE) / c.objs_per_zspage;
    size_t least = first < ZS_MIN_ALLOC_SIZE ? ZS_MIN_ALLOC_SIZE : first;
    size_t size = (least + HEADER + 1) / 2 * 2;
    double best = naive_cost(size, chain_pages) * 1.003;
    double tolerated = (double)(size + (size < 128    ? 0
                                        : size < 256  ? 4
                                        : size < 1024 ? 16
                                                      : size / 33));
    ck_assert_double_le(cost, best > tolerated ? best : tolerated);
}

START_TEST(test_table_against_naive_generator)
{
    unsigned chain_pages = (unsigned)_i;
    struct zs_pool *pool = pool_with_chain(chain_pages);
    int before = -1;
    for (size_t size = 1; size <= ZS_MAX_ALLOC_SIZE; size++) {
        int index = zs_lookup_class_index(pool, size);
        if (index == before)
            continue;
        ck_assert_int_eq(index, before + 1);
        expect_class(pool, (unsigned)index, size, chain_pages);
        before = index;
    }
    ck_assert_int_eq(before + 1, (int)zs_class_count(pool));
    destroy_empty(pool);
}
END_TEST

/* Sizes of one class come in steps of a few percent: what is asked for is about what is taken. */
START_TEST(test_rounding_is_small)
{
    struct zs_pool *pool = new_pool();
    size_t wasteful = 0;
    for (size_t size = ZS_MIN_ALLOC_SIZE; size < 16384; size++) {
        double cost = (double)zs_size_cost16(pool, size) / 16 - 4; /* the handle is in it */
        double most = size < 1024 ? (double)size * 1.02 + 18 : (double)size * 1.08;
        wasteful += cost > most + HEADER;
    }
    ck_assert_uint_eq(wasteful, 0);
    ck_assert_int_eq(zs_lookup_class_index(pool, 0), -1);
    ck_assert_int_eq(zs_lookup_class_index(pool, ZS_MAX_ALLOC_SIZE + 1), -1);
    ck_assert_uint_eq(zs_size_cost16(pool, ZS_MAX_ALLOC_SIZE + 1), 0);
    destroy_empty(pool);
}
END_TEST

START_TEST(test_huge_starts_where_told)
{
    struct zs_pool *pool = pool_with_chain((unsigned)_i);
    size_t huge = zs_huge_class_size(pool);
    struct zs_class_stats c;
    zs_class_stats(pool, (unsigned)zs_lookup_class_index(pool, huge), &c);
    ck_assert_uint_eq(c.objs_per_zspage, 1);
    zs_class_stats(pool, (unsigned)zs_lookup_class_index(pool, huge - 1), &c);
    ck_assert_uint_gt(c.objs_per_zspage, 1);
    zs_handle handle = get(pool, huge);
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.huge_objects, 1);
    zs_free(pool, handle);
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.huge_objects, 0);
    ck_assert_uint_eq(stats.huge_objects_since, 1);
    destroy_empty(pool);
}
END_TEST

/* One object in every class wastes at most 4 MiB. */
START_TEST(test_slack)
{
    struct zs_pool *pool = new_pool();
    size_t asked = 0;
    unsigned classes = 0;
    zs_handle handle[256];
    for (size_t size = 1; size <= ZS_MAX_ALLOC_SIZE; size++) {
        if (size < ZS_MAX_ALLOC_SIZE &&
            zs_lookup_class_index(pool, size) == zs_lookup_class_index(pool, size + 1))
            continue;
        handle[classes++] = get(pool, size);
        asked += size;
    }
    ck_assert_uint_eq(classes, zs_class_count(pool));
    ck_assert_uint_le(zs_get_total_pages(pool) * ZS_PAGE_SIZE - asked, (size_t)4 << 20);
    for (unsigned i = 0; i < classes; i++)
        zs_free(pool, handle[i]);
    destroy_empty(pool);
}
END_TEST

static unsigned expected_group(size_t inuse, size_t objects)
{
    if (inuse == 0)
        return 0;
    return inuse == objects ? 11 : (unsigned)(1 + 100 * inuse / objects / 10);
}

static void expect_only_group(struct zs_pool *pool, unsigned index, unsigned group)
{
    struct zs_class_stats c;
    zs_class_stats(pool, index, &c);
    size_t elsewhere = c.zspages[0]; /* empty ones are not kept */
    for (unsigned i = 1; i < ZS_FULLNESS_GROUPS; i++)
        elsewhere += i != group ? c.zspages[i] : 0;
    if (elsewhere != 0 || c.zspages[group] != (group != 0))
        ck_abort_msg("a zspage is in a wrong group");
}

/* Fills one zspage of the class object by object and empties it again. */
static size_t walk_groups(struct zs_pool *pool, unsigned index, size_t size)
{
    static zs_handle handle[4096];
    struct zs_class_stats c;
    zs_class_stats(pool, index, &c);
    size_t n = c.objs_per_zspage;
    for (size_t i = 0; i < n; i++) {
        handle[i] = get(pool, size);
        expect_only_group(pool, index, expected_group(i + 1, n));
    }
    for (size_t i = n; i-- > 0;) {
        zs_free(pool, handle[i]);
        expect_only_group(pool, index, expected_group(i, n));
    }
    return n;
}

/* All numbers of objects in use, of all numbers of objects that a class has. */
START_TEST(test_fullness_groups)
{
    struct zs_pool *pool = pool_with_chain((unsigned)_i);
    size_t pairs = 0;
    int before = -1;
    for (size_t size = 1; size <= ZS_MAX_ALLOC_SIZE; size++) {
        int index = zs_lookup_class_index(pool, size);
        if (index != before)
            pairs += walk_groups(pool, (unsigned)index, size);
        before = index;
    }
    ck_assert_uint_ge(pairs, 1000);
    destroy_empty(pool);
}
END_TEST

static void add(TCase *c)
{
    tcase_add_loop_test(c, test_table_against_naive_generator, 1, 17);
    tcase_add_test(c, test_rounding_is_small);
    tcase_add_loop_test(c, test_huge_starts_where_told, 1, 17);
    tcase_add_test(c, test_slack);
    tcase_add_loop_test(c, test_fullness_groups, UNDER_SANITIZER ? 12 : 1, 17);
}

int main(void)
{
    return run_suite("zspool classes", add);
}
