/* Allocating, mapping, writing and freeing single objects. */
#include "pool_test.h"

#include <string.h>

static size_t size_step(size_t size)
{
    return size < 4200 ? UNDER_SANITIZER ? 13 : 1 : UNDER_SANITIZER ? 997 : 61;
}

/* Twice, so that the second time used memory is used again. */
START_TEST(test_every_size)
{
    struct zs_pool *pool = new_pool();
    for (int pass = 0; pass < 2; pass++) {
        for (size_t size = 1; size <= ZS_MAX_ALLOC_SIZE; size += size_step(size)) {
            zs_handle handle = get(pool, size);
            ck_assert_uint_ge(zs_usable_size(pool, handle), size);
            fill(pool, handle, size, (uint32_t)size);
            zs_handle beside = get(pool, size);
            fill(pool, beside, zs_usable_size(pool, beside), 1);
            expect_filled(pool, handle, size, (uint32_t)size);
            zs_free(pool, handle);
            zs_free(pool, beside);
        }
        expect_sound(pool);
    }
    destroy_empty(pool);
}
END_TEST

START_TEST(test_bounds_of_size)
{
    struct zs_pool *pool = new_pool();
    zs_handle handle = 77;
    ck_assert_int_eq(zs_malloc(pool, 0, &handle), ZS_EINVAL);
    ck_assert_int_eq(zs_malloc(pool, ZS_MAX_ALLOC_SIZE + 1, &handle), ZS_ETOOBIG);
    ck_assert_int_eq(zs_malloc(pool, SIZE_MAX, &handle), ZS_ETOOBIG);
    ck_assert_uint_eq(handle, 77);
    static const size_t edges[] = {1,
                                   31,
                                   32,
                                   33,
                                   4088,
                                   4089,
                                   4091,
                                   4092,
                                   4093,
                                   4094,
                                   4095,
                                   4096,
                                   4097,
                                   8191,
                                   8192,
                                   8193,
                                   ZS_MAX_ALLOC_SIZE - 1,
                                   ZS_MAX_ALLOC_SIZE};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        handle = get(pool, edges[i]);
        fill(pool, handle, edges[i], 5);
        expect_filled(pool, handle, edges[i], 5);
        zs_free(pool, handle);
    }
    zs_free(pool, 0);
    destroy_empty(pool);
}
END_TEST

/* ---- modes of mapping ---- */

#define PIECES 1000

/* A pool so small and full of holes that pages of a chain cannot be adjacent: a page is left free
 * between each two that are used. */
static struct zs_pool *pool_of_holes(zs_handle *kept)
{
    struct zs_pool *pool =
        zs_create_pool(&(struct zs_pool_opts){.reserve_bytes = 2 * ZS_BLOCK_SIZE});
    ck_assert_ptr_nonnull(pool);
    zs_handle handle[2 * PIECES];
    unsigned n = 0;
    while (n < 2 * PIECES && zs_malloc(pool, ZS_PAGE_SIZE, &handle[n]) == ZS_OK)
        n++;
    ck_assert_uint_ge(n, PIECES);
    for (unsigned i = 0; i < n; i++) {
        if (i % 2 == 0)
            zs_free(pool, handle[i]);
        else
            kept[i / 2] = handle[i];
    }
    return pool;
}

static void free_kept(struct zs_pool *pool, const zs_handle *kept)
{
    for (unsigned i = 0; i < PIECES; i++)
        zs_free(pool, kept[i]);
}

/* One object in each mode, with each length of mapping that could matter. */
static void map_in_modes(struct zs_pool *pool, zs_handle handle, size_t size, bool *copied)
{
    static uint8_t buf[ZS_MAX_ALLOC_SIZE];
    struct zs_map map;
    fill(pool, handle, size, 1);
    uint8_t *p = zs_map_object(pool, handle, ZS_MM_WO, size, buf, &map);
    ck_assert_uint_eq(map.len, size);
    for (size_t i = 0; i < size; i++)
        p[i] = byte_of(2, i);
    *copied = map.copied;
    zs_unmap_object(pool, &map);
    expect_filled(pool, handle, size, 2);

    p = zs_map_object(pool, handle, ZS_MM_RW, size, buf, &map);
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++) {
        wrong += p[i] != byte_of(2, i);
        p[i] = byte_of(3, i);
    }
    ck_assert_uint_eq(wrong, 0);
    zs_unmap_object(pool, &map);
    expect_filled(pool, handle, size, 3);

    p = zs_map_object(pool, handle, ZS_MM_RO, size, buf, &map);
    if (map.copied)
        p[0] ^= 0xff; /* its own copy: nothing is written back */
    zs_unmap_object(pool, &map);
    expect_filled(pool, handle, size, 3);
    zs_map_object(pool, handle, ZS_MM_RO, SIZE_MAX, buf, &map);
    ck_assert_uint_eq(map.len, zs_usable_size(pool, handle));
    zs_unmap_object(pool, &map);
}

static unsigned read_segments(struct zs_pool *pool, zs_handle handle, size_t size, uint32_t mark)
{
    struct zs_segment seg[ZS_SG_MAX];
    struct zs_map map;
    unsigned n = zs_obj_read_sg_begin(pool, handle, size, seg, &map);
    size_t at = 0;
    size_t wrong = 0;
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < seg[i].len; k++, at++)
            wrong += ((const uint8_t *)seg[i].ptr)[k] != byte_of(mark, at);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(at, size);
    zs_obj_read_end(pool, &map);
    return n;
}

static void write_pieces(struct zs_pool *pool, zs_handle handle, size_t size)
{
    static uint8_t bytes[ZS_MAX_ALLOC_SIZE];
    struct random random = {size};
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_of(9, i);
    for (size_t at = 0; at < size;) {
        size_t n = 1 + random_below(&random, 700);
        n = n < size - at ? n : size - at;
        zs_obj_write(pool, handle, at, bytes + at, n);
        at += n;
    }
    expect_filled(pool, handle, size, 9);
}

static const size_t mapped_sizes[] = {33,   100,  700,   1500,  3000,
                                      5000, 9000, 20000, 40000, ZS_MAX_ALLOC_SIZE};

START_TEST(test_modes_in_scattered_pages)
{
    static zs_handle kept[PIECES];
    memset(kept, 0, sizeof kept);
    struct zs_pool *pool = pool_of_holes(kept);
    unsigned copies = 0;
    unsigned most_segments = 0;
    for (size_t i = 0; i < sizeof mapped_sizes / sizeof *mapped_sizes; i++) {
        zs_handle handle[8];
        for (int k = 0; k < 8; k++) {
            bool copied;
            handle[k] = get(pool, mapped_sizes[i]);
            map_in_modes(pool, handle[k], mapped_sizes[i], &copied);
            unsigned n = read_segments(pool, handle[k], mapped_sizes[i], 3);
            most_segments = n > most_segments ? n : most_segments;
            copies += copied;
            write_pieces(pool, handle[k], mapped_sizes[i]);
        }
        for (int k = 0; k < 8; k++)
            zs_free(pool, handle[k]);
    }
    ck_assert_uint_ge(copies, 20);
    ck_assert_uint_eq(most_segments, 17);
    expect_sound(pool);
    free_kept(pool, kept);
    destroy_empty(pool);
}
END_TEST

/* With room, chains are adjacent and nothing is ever copied. */
START_TEST(test_modes_in_adjacent_pages)
{
    struct zs_pool *pool = new_pool();
    for (size_t i = 0; i < sizeof mapped_sizes / sizeof *mapped_sizes; i++) {
        zs_handle handle[40];
        for (int k = 0; k < 40; k++) {
            bool copied;
            handle[k] = get(pool, mapped_sizes[i]);
            map_in_modes(pool, handle[k], mapped_sizes[i], &copied);
            ck_assert(!copied);
            ck_assert_uint_eq(read_segments(pool, handle[k], mapped_sizes[i], 3), 1);
        }
        for (int k = 0; k < 40; k++)
            zs_free(pool, handle[k]);
    }
    destroy_empty(pool);
}
END_TEST

/* A free while it is mapped: the bytes stay, the place is not used again until the unmap. */
START_TEST(test_free_while_mapped)
{
    struct zs_pool *pool = new_pool();
    struct zs_map first, second;
    uint8_t buf[200];
    zs_handle handle = get(pool, 200);
    zs_handle other = get(pool, 200);
    fill(pool, handle, 200, 4);
    const uint8_t *p = zs_obj_read_begin(pool, handle, 200, buf, &first);
    zs_obj_read_begin(pool, other, 200, buf, &second);
    zs_free(pool, handle);
    struct zs_pool_stats stats;
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.deferred_frees, 1);
    ck_assert_uint_eq(stats.objects, 2);
    for (int i = 0; i < 100; i++) {
        zs_handle h = get(pool, 200);
        ck_assert_uint_ne(h, handle);
        fill(pool, h, 200, 5);
    }
    zs_compact(pool, (struct zs_budget){0});
    for (size_t i = 0; i < 200; i++)
        ck_assert_uint_eq(p[i], byte_of(4, i));
    zs_obj_read_end(pool, &first);
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.objects, 102);
    zs_obj_read_end(pool, &second); /* the last one who maps this zspage */
    zs_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.objects, 101);
    expect_sound(pool);
    ck_assert_uint_eq(zs_destroy_pool(pool, NULL), 101);
}
END_TEST

START_TEST(test_destroy_tells_leaks)
{
    struct zs_pool *pool = new_pool();
    for (int i = 0; i < 3; i++)
        get(pool, 100);
    for (int i = 0; i < 5; i++)
        get(pool, 60000);
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    ck_assert_uint_eq(zs_destroy_pool(pool, file), 8);
    fclose(file);
    unsigned lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 2);
    ck_assert_ptr_nonnull(strstr(text, "3 live objects"));
    ck_assert_ptr_nonnull(strstr(text, "5 live objects"));
    free(text);
    ck_assert_uint_eq(zs_destroy_pool(NULL, NULL), 0);
}
END_TEST

static void add(TCase *c)
{
    tcase_add_test(c, test_every_size);
    tcase_add_test(c, test_bounds_of_size);
    tcase_add_test(c, test_modes_in_scattered_pages);
    tcase_add_test(c, test_modes_in_adjacent_pages);
    tcase_add_test(c, test_free_while_mapped);
    tcase_add_test(c, test_destroy_tells_leaks);
}

int main(void)
{
    return run_suite("zspool objects", add);
}
