/* Handles that are not live, and bytes written where they do not belong: told, not followed. */
#include "pool_test.h"

#include <string.h>

START_TEST(test_stale_handles_are_refused)
{
    enum { LIVE = 1000, TRIES = UNDER_SANITIZER ? 50000 : 1000000 };
    struct zs_pool *pool = new_pool();
    static zs_handle handle[2 * LIVE];
    for (unsigned i = 0; i < 2 * LIVE; i++)
        handle[i] = get(pool, 100);
    for (unsigned i = 0; i < 2 * LIVE; i += 2)
        zs_free(pool, handle[i]);
    struct random random = {2};
    uint8_t buf[100];
    struct zs_map map;
    struct zs_segment seg[ZS_SG_MAX];
    for (unsigned i = 0; i < TRIES; i++) {
        zs_handle stale = handle[2 * random_below(&random, LIVE)];
        switch (i % 4) {
        case 0:
            ck_assert_ptr_null(zs_map_object(pool, stale, ZS_MM_RW, 100, buf, &map));
            break;
        case 1:
            ck_assert_uint_eq(zs_obj_read_sg_begin(pool, stale, 100, seg, &map), 0);
            break;
        case 2:
            zs_free(pool, stale);
            break;
        default:
            ck_assert_uint_eq(zs_usable_size(pool, stale), 0);
            zs_obj_write(pool, stale, 0, buf, 100);
            zs_prefetch(pool, stale);
        }
    }
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.stale_handles, TRIES + TRIES / 4);
    for (unsigned i = 1; i < 2 * LIVE; i += 2)
        zs_free(pool, handle[i]);
    destroy_empty(pool);
}
END_TEST

enum { OBJECTS = 5000, SIZE = 108 };

/* Where the header of an object of a class without waste is: in front of its bytes. */
static void overwrite_header(struct zs_pool *pool, zs_handle handle, uint32_t header)
{
    struct zs_map map;
    uint8_t buf[SIZE];
    uint8_t *p = zs_map_object(pool, handle, ZS_MM_RW, SIZE, buf, &map);
    if (!map.copied)
        memcpy(p - 4, &header, 4);
    zs_unmap_object(pool, &map);
}

static uint8_t *header_of(struct zs_pool *pool, zs_handle handle)
{
    struct zs_map map;
    uint8_t buf[SIZE];
    uint8_t *p = zs_map_object(pool, handle, ZS_MM_RW, SIZE, buf, &map);
    ck_assert(!map.copied);
    zs_unmap_object(pool, &map);
    return p - 4;
}

/* A write to a freed object hits the link to the next free one. */
START_TEST(test_overwritten_link_is_not_followed)
{
    static const uint32_t garbage[] = {0x41414141, 0xdeadbeef, 0xfffffff0, 0x12345678, 0x7ffc};
    struct zs_pool *pool = new_pool();
    static zs_handle handle[OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++) {
        handle[i] = get(pool, SIZE);
        fill(pool, handle[i], SIZE, i);
    }
    for (unsigned i = 100; i < OBJECTS; i += 5) {
        uint8_t *header = header_of(pool, handle[i]);
        zs_free(pool, handle[i]);
        handle[i] = 0;
        if (i % 25 == 0)
            memcpy(header, &garbage[i / 25 % 5], 4);
    }
    zs_handle again[OBJECTS / 5];
    unsigned n = 0;
    for (; n < OBJECTS / 5; n++) {
        again[n] = get(pool, SIZE);
        fill(pool, again[n], SIZE, OBJECTS + n);
    }
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_gt(stats.links_mended, 0);
    zs_compact(pool, (struct zs_budget){0});
    ck_assert_pstr_eq(zs_check(pool), NULL);
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (handle[i] != 0)
            expect_filled(pool, handle[i], SIZE, i);
        zs_free(pool, handle[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        expect_filled(pool, again[i], SIZE, OBJECTS + i);
        zs_free(pool, again[i]);
    }
    destroy_empty(pool);
}
END_TEST

/* A write over the end of an object hits the header of a live one: whoever comes upon it
 * restores it before believing it. */
START_TEST(test_overwritten_header_is_restored)
{
    struct zs_pool *pool = new_pool();
    static zs_handle handle[OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++) {
        handle[i] = get(pool, SIZE);
        fill(pool, handle[i], SIZE, i);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (i % 10 == 0)
            continue;
        zs_free(pool, handle[i]);
        handle[i] = 0;
    }
    for (unsigned i = 0; i < OBJECTS; i += 500)
        overwrite_header(pool, handle[i], 0x41414141);
    ck_assert_pstr_ne(zs_check(pool), NULL);
    zs_compact(pool, (struct zs_budget){0});
    for (unsigned i = 0; i < OBJECTS; i += 10) {
        expect_filled(pool, handle[i], SIZE, i);
        zs_free(pool, handle[i]);
    }
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.links_mended, OBJECTS / 500);
    destroy_empty(pool);
}
END_TEST

/* The second free of a mapped object is as stale as that of one that is free. */
START_TEST(test_double_free_while_mapped)
{
    struct zs_pool *pool = new_pool();
    zs_handle handle = get(pool, SIZE);
    struct zs_map map;
    uint8_t buf[SIZE];
    zs_map_object(pool, handle, ZS_MM_RO, SIZE, buf, &map);
    zs_free(pool, handle);
    zs_free(pool, handle);
    zs_unmap_object(pool, &map);
    zs_free(pool, handle);
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.stale_handles, 2);
    ck_assert_uint_eq(stats.deferred_frees, 1);
    destroy_empty(pool);
}
END_TEST

static void add(TCase *c)
{
    tcase_add_test(c, test_stale_handles_are_refused);
    tcase_add_test(c, test_overwritten_link_is_not_followed);
    tcase_add_test(c, test_overwritten_header_is_restored);
    tcase_add_test(c, test_double_free_while_mapped);
}

int main(void)
{
    return run_suite("zspool misuse", add);
}
