/* Values that have been damaged in memory: whatever meets them drops and counts them. Of short
 * values one in 256 of those that decode in spite of it passes the checksum, which has one byte
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_test.h"

#define SHORT  12000
#define MIDDLE 1500
#define LONG   200
#define ALL    (SHORT + MIDDLE + LONG)
#define HITS   20000

static uint8_t want[VALUE_MAX], got[VALUE_MAX], again[VALUE_MAX];

static size_t value(unsigned i, uint8_t *out)
{
    size_t len = 700 + i % 3000;
    if (i < SHORT)
        return value_record(i % 2, i, out);
    if (i >= SHORT + MIDDLE)
        len = 20000 + i % 40 * 2000;
    value_text(i, out, len);
    return len;
}

static void name_of(unsigned i, char out[32])
{
    snprintf(out, 32, "%s:%u", i < SHORT ? "user" : i < SHORT + MIDDLE ? "doc" : "page", i);
}

static void fill(void)
{
    char name[32];
    for (unsigned i = 0; i < ALL; i++) {
        name_of(i, name);
        ck_assert_int_eq(fixture_set(name, want, value(i, want)), CACHE_OK);
    }
}

/* What the operations met. */
static unsigned right, missed;
static unsigned passed; /* short values that are wrong and were not noticed */

static void met(enum cache_status status, const char *name)
{
    struct cache_key k = fixture_key(name);
    struct cache_view v;
    if (status == CACHE_OK)
        return;
    ck_assert_int_eq(status, CACHE_DAMAGED);
    ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_MISS);
    missed++;
}

/* Reads a part twice, over different bytes and after other work in the same buffers. */
static void op_read(unsigned i, const char *name, size_t off, size_t len)
{
    struct cache_key k = fixture_key(name);
    struct cache_view v;
    if (cache_get(fx.t, &k, CACHE_GET_TOUCH, &v) != CACHE_OK)
        return; /* dropped already */
    memset(got, 0x55, len);
    memset(again, 0xaa, len);
    enum cache_status status = cache_view_read(fx.t, &v, off, len, got);
    ck_assert_int_eq(cache_view_is_damaged(&v), status == CACHE_DAMAGED);
    if (status == CACHE_OK) {
        ck_assert_int_eq(cache_view_read(fx.t, &v, off, len, again), CACHE_OK);
        ck_assert_int_eq(memcmp(got, again, len), 0);
        bool same = memcmp(got, want + off, len) == 0;
        ck_assert(same || i < SHORT);
        right += same;
        passed += !same;
    }
    cache_view_end(fx.t, &v);
    met(status, name);
}

static void op_patch(const char *name, size_t off, size_t old_len)
{
    struct cache_key k = fixture_key(name);
    struct cache_source src = {.flat = "patch", .total = 5};
    struct cache_update u;
    size_t new_len;
    cache_update_begin(fx.t, &k, &u);
    bool found = u.found;
    enum cache_status status = cache_update_patch(fx.t, &u, off, &src, &new_len);
    cache_update_end(fx.t, &u);
    if (found && status == CACHE_OK)
        ck_assert_uint_eq(new_len, off + 5 > old_len ? off + 5 : old_len);
    met(status, name);
}

/* Read, change, store: what counters and hashes do. */
static void op_update(const char *name)
{
    struct cache_key k = fixture_key(name);
    struct cache_source src = {.flat = "stored", .total = 6};
    struct cache_update u;
    uint64_t before = fixture_stats().damaged;
    cache_update_begin(fx.t, &k, &u);
    bool bad = u.found && cache_view_read(fx.t, &u.view, 0, u.view.raw_len, got) == CACHE_DAMAGED;
    ck_assert_int_eq(cache_update_store(fx.t, &u, CACHE_STRING, &src, CACHE_NO_EXPIRY), CACHE_OK);
    cache_update_end(fx.t, &u);
    missed += bad;
    ck_assert_uint_eq(fixture_stats().damaged - before, bad);
    size_t len;
    ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
    ck_assert(len == 6 && memcmp(got, "stored", 6) == 0);
}

static void op_stream(const char *name)
{
    struct cache_key k = fixture_key(name);
    struct cache_view v;
    if (cache_get(fx.t, &k, 0, &v) != CACHE_OK)
        return;
    if (!v.segmented) {
        cache_view_end(fx.t, &v);
        return;
    }
    struct cache_stream *s = cache_stream_open(fx.t, &v);
    ck_assert_ptr_nonnull(s);
    enum cache_status status = CACHE_OK;
    size_t len;
    while (status == CACHE_OK && cache_stream_left(s) > 0)
        status = cache_stream_next(fx.t, s, got, &len);
    met(status, name);
    cache_stream_close(fx.t, s);
}

static void operate(unsigned i)
{
    char name[32];
    size_t len = value(i, want);
    name_of(i, name);
    switch (i % 8) {
    case 0:
        op_read(i, name, 0, len);
        break;
    case 1:
        op_read(i, name, len / 3, len / 2);
        break;
    case 2:
        op_patch(name, len, len);
        break;
    case 3:
        op_patch(name, len / 2, len);
        break;
    case 4:
        op_update(name);
        break;
    case 5:
        op_stream(name);
        break;
    case 6:
        ck_assert_int_eq(fixture_set(name, "over", 4), CACHE_OK);
        break;
    default:
        break; /* for the background */
    }
}

static const enum cache_compression modes[] = {CACHE_ADAPTIVE, CACHE_ON_WRITE};

START_TEST(damage_is_survived)
{
    right = passed = missed = 0;
    fixture_begin((struct cache_opts){.compression = modes[_i], .compression_cpu_percent = 100});
    fill();
    /* With all effort, or in haste; with dictionaries. */
    if (_i == 0)
        fixture_pass(30000);
    else
        fixture_pass_busy(3500);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.dicts, 0);
    if (_i == 0)
        ck_assert_uint_gt(s.items_by_codec[2], (SHORT + MIDDLE) / 2);
    else
        ck_assert_uint_gt(s.items_by_codec[1], SHORT / 8);
    size_t hit = cache_damage(fx.t, HITS, 7);
    ck_assert_uint_eq(hit, HITS);
    for (unsigned i = 0; i < ALL; i++)
        operate(i);
    ck_assert(right > 500 && missed > 1000);
    ck_assert_uint_le(passed, missed / 500);
    ck_assert_uint_eq(fixture_stats().damaged, missed);
    fixture_check();
    /* The background meets what is left. */
    cache_dict_drop(fx.cache, NULL, 0);
    cache_configure(fx.cache, &(struct cache_opts){.compression = CACHE_UNCOMPRESSED});
    fixture_pass(20000);
    ck_assert_uint_gt(fixture_stats().damaged, missed + 100);
    fixture_check();
    s = fixture_stats();
    ck_assert_uint_eq(s.items_by_codec[1] + s.items_by_codec[2] + s.dicts, 0);
    for (unsigned i = 0; i < ALL; i++) {
        char name[32];
        size_t len;
        name_of(i, name);
        enum cache_status status = fixture_get(name, got, &len);
        ck_assert(status == CACHE_OK || status == CACHE_MISS);
    }
    fixture_end();
}
END_TEST

/* Damaged items can be evicted, deleted, expired and flushed like others. */
START_TEST(damaged_items_go_like_others)
{
    fixture_begin((struct cache_opts){.compression = CACHE_ON_WRITE});
    fill();
    cache_damage(fx.t, HITS, 11);
    cache_configure(fx.cache, &(struct cache_opts){.compression = CACHE_ON_WRITE,
                                                   .maxmemory = (uint64_t)20 << 20});
    fixture_pass(5000);
    char name[32];
    for (unsigned i = 0; i < ALL; i += 3) {
        struct cache_key k = (name_of(i, name), fixture_key(name));
        struct cache_update u;
        if (i % 2 == 0) {
            (void)cache_delete(fx.t, &k);
            continue;
        }
        cache_update_begin(fx.t, &k, &u);
        (void)cache_update_expire(fx.t, &u, fx.now + 100);
        cache_update_end(fx.t, &u);
    }
    fixture_pass(4000);
    fixture_check();
    cache_flush(fx.t, -1, true);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_eq(s.items + s.raw_bytes + s.stored_bytes, 0);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("damage");
    tcase_add_loop_test(c, damage_is_survived, 0, 2);
    tcase_add_test(c, damaged_items_go_like_others);
    return fixture_run(c);
}
