#include "pool_test.h"

#include <string.h>

struct zs_pool *new_pool(void)
{
    struct zs_pool *pool = zs_create_pool(&(struct zs_pool_opts){0});
    ck_assert_ptr_nonnull(pool);
    return pool;
}

zs_handle get(struct zs_pool *pool, size_t size)
{
    zs_handle handle = 0;
    /* Not by ck_assert_*(): that writes where it is to a file each time. */
    if (zs_malloc(pool, size, &handle) != ZS_OK || handle == 0 || handle > ZS_HANDLE_MAX)
        ck_abort_msg("no object");
    return handle;
}

uint8_t byte_of(uint32_t mark, size_t at)
{
    return (uint8_t)(mark * 31u + at * 7u + (at >> 8));
}

void fill(struct zs_pool *pool, zs_handle handle, size_t len, uint32_t mark)
{
    static uint8_t bytes[ZS_MAX_ALLOC_SIZE];
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(mark, i);
    zs_obj_write(pool, handle, 0, bytes, len);
}

void expect_filled(struct zs_pool *pool, zs_handle handle, size_t len, uint32_t mark)
{
    static uint8_t buf[ZS_MAX_ALLOC_SIZE];
    struct zs_map map;
    const uint8_t *p = zs_obj_read_begin(pool, handle, len, buf, &map);
    if (p == NULL)
        ck_abort_msg("the handle is not live");
    size_t wrong = 0;
    for (size_t i = 0; i < len; i++)
        wrong += p[i] != byte_of(mark, i);
    zs_obj_read_end(pool, &map);
    if (wrong > 0)
        ck_abort_msg("%zu bytes are wrong", wrong);
}

void expect_sound(struct zs_pool *pool)
{
    ck_assert_pstr_eq(zs_check(pool), NULL);
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    size_t pages = 0;
    size_t objects = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < zs_class_count(pool); i++) {
        struct zs_class_stats c;
        zs_class_stats(pool, i, &c);
        size_t zspages = 0;
        for (int group = 0; group < ZS_FULLNESS_GROUPS; group++)
            zspages += c.zspages[group];
        ck_assert_uint_eq(zspages * c.objs_per_zspage, c.obj_allocated);
        ck_assert_uint_le(c.obj_used, c.obj_allocated);
        ck_assert_uint_le(c.pages_used, zspages * c.pages_per_zspage);
        ck_assert_uint_le(c.freeable, c.pages_used);
        pages += c.pages_used;
        objects += c.obj_used;
        bytes += c.obj_used * c.size;
    }
    ck_assert_uint_eq(pages, stats.pages_used);
    ck_assert_uint_eq(pages, zs_get_total_pages(pool));
    ck_assert_uint_eq(objects, stats.objects);
    ck_assert_uint_eq(bytes, stats.objects_bytes);
    ck_assert_uint_le(stats.huge_objects, stats.objects);
    ck_assert_uint_eq(zs_resident_bytes(pool),
                      (stats.pages_used + stats.pages_cached) * ZS_PAGE_SIZE + stats.table_bytes);
}

void destroy_empty(struct zs_pool *pool)
{
    expect_sound(pool);
    ck_assert_uint_eq(zs_get_total_pages(pool), 0);
    ck_assert_uint_eq(zs_destroy_pool(pool, stderr), 0);
}

size_t partial_zspages(struct zs_pool *pool, unsigned class_index)
{
    struct zs_class_stats c;
    size_t n = 0;
    zs_class_stats(pool, class_index, &c);
    for (int group = 1; group < ZS_FULLNESS_GROUPS - 1; group++)
        n += c.zspages[group];
    return n;
}

int run_suite(const char *name, add_tests add)
{
    Suite *suite = suite_create(name);
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 200);
    add(c);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
