/* Long values: reading, overwriting and extending touch the segments they need and no others;
 * their segments use the dictionary of the family. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cache_test.h"

#define LEN ((size_t)12 * CACHE_SEGMENT + 1000) /* 13 segments */

static uint8_t want[VALUE_MAX], got[VALUE_MAX];

static void read_part(const char *name, size_t off, size_t len)
{
    struct cache_key k = fixture_key(name);
    struct cache_view v;
    ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_OK);
    ck_assert_int_eq(cache_view_read(fx.t, &v, off, len, got), CACHE_OK);
    cache_view_end(fx.t, &v);
    ck_assert_int_eq(memcmp(got, want + off, len), 0);
}

/* Segments read and written since the call before. */
static void expect_touched(uint64_t read, uint64_t written)
{
    static struct cache_stats then;
    struct cache_stats now = fixture_stats();
    if (read != UINT64_MAX) {
        ck_assert_uint_eq(now.segments_read - then.segments_read, read);
        ck_assert_uint_eq(now.segments_written - then.segments_written, written);
    }
    then = now;
}

static const enum cache_compression modes[] = {CACHE_ADAPTIVE, CACHE_ON_WRITE, CACHE_UNCOMPRESSED};

START_TEST(only_what_is_needed_is_touched)
{
    fixture_begin((struct cache_opts){.compression = modes[_i]});
    value_text(1, want, LEN);
    ck_assert_int_eq(fixture_set("long", want, LEN), CACHE_OK);
    fixture_pass(20000); /* coded by now */
    expect_touched(UINT64_MAX, 0);

    read_part("long", 5, 10);
    expect_touched(1, 0);
    read_part("long", 3 * CACHE_SEGMENT - 1, 2);
    expect_touched(2, 0);
    read_part("long", LEN - 1, 1);
    expect_touched(1, 0);
    read_part("long", 0, LEN);
    expect_touched(13, 0);

    memcpy(want + 5 * CACHE_SEGMENT + 7, "patched", 7);
    ck_assert_int_eq(fixture_patch("long", 5 * CACHE_SEGMENT + 7, "patched", 7), CACHE_OK);
    expect_touched(1, 1);
    memset(want + 8 * CACHE_SEGMENT - 10, 'x', CACHE_SEGMENT + 20); /* the middle one whole */
    ck_assert_int_eq(fixture_patch("long", 8 * CACHE_SEGMENT - 10, want + 8 * CACHE_SEGMENT - 10,
                                   CACHE_SEGMENT + 20),
                     CACHE_OK);
    expect_touched(2, 3);

    memcpy(want + LEN, "tail", 4);
    ck_assert_int_eq(fixture_patch("long", LEN, "tail", 4), CACHE_OK);
    expect_touched(1, 1);
    memset(want + LEN + 4, 0, 2 * CACHE_SEGMENT); /* a gap of zeros */
    memcpy(want + LEN + 4 + 2 * CACHE_SEGMENT, "end", 3);
    ck_assert_int_eq(fixture_patch("long", LEN + 4 + 2 * CACHE_SEGMENT, "end", 3), CACHE_OK);
    expect_touched(1, 3);
    read_part("long", 0, LEN + 2 * CACHE_SEGMENT + 7);
    fixture_pass(20000);
    read_part("long", 0, LEN + 2 * CACHE_SEGMENT + 7);
    fixture_end();
}
END_TEST

/* A reader holds the value as it was: the writer makes a copy of the whole. */
START_TEST(a_reader_keeps_what_it_opened)
{
    fixture_begin((struct cache_opts){.compression = CACHE_ON_WRITE});
    value_text(1, want, LEN);
    ck_assert_int_eq(fixture_set("long", want, LEN), CACHE_OK);
    struct cache_key k = fixture_key("long");
    struct cache_view v;
    ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_OK);
    struct cache_stream *s = cache_stream_open(fx.t, &v);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(fixture_patch("long", 100, "changed", 7), CACHE_OK);
    fixture_pass(10000);
    size_t at = 0, len;
    while (cache_stream_left(s) > 0) {
        ck_assert_int_eq(cache_stream_next(fx.t, s, got + at, &len), CACHE_OK);
        at += len;
    }
    cache_stream_close(fx.t, s);
    ck_assert(at == LEN && memcmp(got, want, LEN) == 0);
    memcpy(want + 100, "changed", 7);
    read_part("long", 0, LEN);
    fixture_end();
}
END_TEST

/* More readers than a word of 16 bits counts: only the last of them frees the value. */
START_TEST(many_readers_of_one)
{
    enum { READERS = 0x8000 + 2 };
    static struct cache_stream *s[READERS];
    fixture_begin((struct cache_opts){.compression = CACHE_ON_WRITE});
    value_text(1, want, LEN);
    ck_assert_int_eq(fixture_set("long", want, LEN), CACHE_OK);
    struct cache_key k = fixture_key("long");
    for (unsigned i = 0; i < READERS; i++) {
        struct cache_view v;
        ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_OK);
        s[i] = cache_stream_open(fx.t, &v);
        ck_assert_ptr_nonnull(s[i]);
    }
    ck_assert_int_eq(fixture_set("long", "short", 5), CACHE_OK);
    for (unsigned i = 1; i < READERS; i++)
        cache_stream_close(fx.t, s[i]);
    fixture_pass(1000);
    size_t at = 0, len;
    for (; cache_stream_left(s[0]) > 0; at += len)
        ck_assert_int_eq(cache_stream_next(fx.t, s[0], got + at, &len), CACHE_OK);
    ck_assert(at == LEN && memcmp(got, want, LEN) == 0);
    cache_stream_close(fx.t, s[0]);
    fixture_end();
}
END_TEST

/* Text that does not repeat, in a frame that all pages have. */
static void page(unsigned n, uint8_t *out, size_t len)
{
    uint8_t frame[6000];
    value_noise(4711, frame, sizeof frame);
    value_noise(n, out, len);
    for (size_t at = n % 1000; at + sizeof frame <= len; at += CACHE_SEGMENT)
        memcpy(out + at, frame, sizeof frame);
    for (size_t at = 0; at < len; at++)
        out[at] = (uint8_t)(' ' + out[at] % 64);
}

START_TEST(segments_use_the_dictionary)
{
    char name[32];
    fixture_begin((struct cache_opts){0});
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "page:%u", i);
        page(i, want, 40000);
        ck_assert_int_eq(fixture_set(name, want, 40000), CACHE_OK);
    }
    fixture_pass(40000);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.dicts, 0);
    struct cache_item_info info;
    struct cache_key k = fixture_key("page:7");
    ck_assert_int_eq(cache_inspect(fx.t, &k, &info), CACHE_OK);
    ck_assert_str_eq(info.codec, "segmented");
    ck_assert_uint_ne(info.dict, 0);
    ck_assert_uint_lt(info.stored_len, info.raw_len);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "page:%u", i);
        page(i, want, 40000);
        read_part(name, 0, 40000);
    }
    fixture_end();
}
END_TEST

/* More than 64 segments: freed in slices, but at once when a write needs the memory. */
START_TEST(long_ones_are_freed_later)
{
    enum { N = 3, BIG = 40 };
    char name[32];
    fixture_begin((struct cache_opts){.compression = CACHE_UNCOMPRESSED});
    uint64_t empty = fixture_stats().pool_bytes;
    value_noise(1, want, VALUE_MAX);
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "big:%u", i);
        ck_assert_int_eq(fixture_set(name, want, VALUE_MAX), CACHE_OK);
        for (unsigned n = 1; n < BIG; n++)
            ck_assert_int_eq(fixture_patch(name, n * VALUE_MAX, want, VALUE_MAX), CACHE_OK);
    }
    uint64_t full = fixture_stats().stored_bytes;
    ck_assert_uint_eq(full, (uint64_t)N * BIG * VALUE_MAX);
    /* Deleted, overwritten, and deleted while somebody reads. */
    struct cache_key k = fixture_key("big:0");
    ck_assert_int_eq(cache_delete(fx.t, &k), CACHE_OK);
    ck_assert_int_eq(fixture_set("big:1", "small", 5), CACHE_OK);
    struct cache_view v;
    k = fixture_key("big:2");
    ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_OK);
    ck_assert_int_eq(cache_delete(fx.t, &k), CACHE_OK);
    ck_assert_int_eq(cache_view_read(fx.t, &v, (BIG - 1) * VALUE_MAX, VALUE_MAX, got), CACHE_OK);
    ck_assert_int_eq(memcmp(got, want, VALUE_MAX), 0);
    cache_view_end(fx.t, &v);
    ck_assert_uint_eq(cache_count(fx.cache, 0), 1);
    ck_assert_uint_eq(fixture_stats().stored_bytes, full + 5);
    fixture_pass(2000);
    ck_assert_uint_eq(fixture_stats().stored_bytes, 5);
    ck_assert_uint_lt(fixture_stats().pool_bytes, empty + (4 << 20));
    fixture_end();
}
END_TEST

START_TEST(dead_ones_make_room)
{
    enum { BIG = 40 };
    struct cache_opts opts = {.compression = CACHE_UNCOMPRESSED, .policy = CACHE_NOEVICTION};
    fixture_begin(opts);
    opts.maxmemory = cache_used_memory(fx.cache) + (uint64_t)BIG * VALUE_MAX * 3 / 2;
    cache_configure(fx.cache, &opts);
    value_noise(1, want, VALUE_MAX);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_int_eq(fixture_set("big", want, VALUE_MAX), CACHE_OK);
        for (unsigned n = 1; n < BIG; n++)
            ck_assert_int_eq(fixture_patch("big", n * VALUE_MAX, want, VALUE_MAX), CACHE_OK);
    }
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("segments");
    tcase_add_loop_test(c, only_what_is_needed_is_touched, 0, 3);
    tcase_add_test(c, a_reader_keeps_what_it_opened);
    tcase_add_test(c, many_readers_of_one);
    tcase_add_test(c, segments_use_the_dictionary);
    tcase_add_test(c, long_ones_are_freed_later);
    if (!UNDER_SANITIZER)
        tcase_add_test(c, dead_ones_make_room);
    return fixture_run(c);
}
