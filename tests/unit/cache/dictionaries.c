/* Dictionaries as the whole cache uses them: keys of many shapes, values that change, the budget,
 * asking for a training and dropping. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cache_test.h"

#define DICTS 255
#define N     25000
#define LONG  20

static struct cache_dict_info dicts[DICTS];

static size_t list(void)
{
    size_t n = cache_dict_list(fx.cache, dicts, DICTS, fx.now);
    ck_assert_uint_le(n, DICTS);
    return n;
}

/* The dictionary in use of a family; NULL = none. */
static const struct cache_dict_info *current_of(const char *family)
{
    size_t n = list();
    for (size_t i = 0; i < n; i++)
        if (dicts[i].current && strcmp(dicts[i].family, family) == 0)
            return &dicts[i];
    return NULL;
}

static size_t retired(void)
{
    size_t n = list(), count = 0;
    for (size_t i = 0; i < n; i++)
        count += !dicts[i].current;
    return count;
}

static void fill(const char *format, unsigned kind, unsigned n)
{
    char name[64], value[512];
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        ck_assert_int_eq(fixture_set(name, value, value_record(kind, i, value)), CACHE_OK);
    }
}

static void check(const char *format, unsigned kind, unsigned n)
{
    char name[64], want[512];
    uint8_t *got = malloc(VALUE_MAX);
    size_t len;
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, format, i);
        ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
        ck_assert(len == value_record(kind, i, want) && memcmp(want, got, len) == 0);
    }
    free(got);
}

/* ---- shapes of keys ---- */

static void shape(unsigned which, unsigned i, char *out, size_t cap)
{
    struct random random = {.state = i};
    uint64_t a = random_next(&random), b = random_next(&random);
    switch (which) {
    case 0:
        snprintf(out, cap, "obj%u", i);
        break;
    case 1:
        snprintf(out, cap, "%u", i);
        break;
    case 2:
        snprintf(out, cap, "%08" PRIx32 "-%04x-4%03x-a%03x-%012" PRIx64, (uint32_t)a,
                 (unsigned)(a >> 48), (unsigned)(a >> 36) & 0xfff, (unsigned)b & 0xfff, b >> 16);
        break;
    case 3:
        snprintf(out, cap, "%u:profile", i);
        break;
    case 4:
        snprintf(out, cap, "app/v2/user/%u/profile", i);
        break;
    case 5: /* words only */
        snprintf(out, cap, "%c%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'q',
                 'a' + i / 17576);
        break;
    default: /* 10,000 families */
        snprintf(out, cap, "f%c%c%c%c:%u", 'a' + i % 10, 'a' + i / 10 % 10, 'a' + i / 100 % 10,
                 'a' + i / 1000 % 10, i);
    }
}

START_TEST(keys_of_any_shape)
{
    char name[64], value[512], got[512];
    size_t len;
    fixture_begin((struct cache_opts){0});
    for (unsigned i = 0; i < N; i++) {
        shape((unsigned)_i, i, name, sizeof name);
        ck_assert_int_eq(fixture_set(name, value, value_record(0, i, value)), CACHE_OK);
    }
    fixture_pass(30000);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_eq(s.items, N);
    ck_assert(list() >= 1 && list() <= 4);
    ck_assert_msg(s.stored_bytes * 5 < s.raw_bytes * 2, "%lu of %lu", s.stored_bytes, s.raw_bytes);
    for (unsigned i = 0; i < N; i += 7) {
        shape((unsigned)_i, i, name, sizeof name);
        ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
        ck_assert(len == value_record(0, i, value) && memcmp(got, value, len) == 0);
    }
    fixture_end();
}
END_TEST

/* Written in the order of their keys, values are alike for a while: a dictionary comes of all of
 * them nevertheless. */
START_TEST(samples_are_of_all)
{
    char name[32], value[512];
    fixture_begin((struct cache_opts){0});
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof name, "row:%u", i);
        ck_assert_int_eq(fixture_set(name, value, value_record(i > N / 3, i, value)), CACHE_OK);
    }
    fixture_pass(10000);
    const struct cache_dict_info *dict = current_of("row:#");
    ck_assert_ptr_nonnull(dict);
    ck_assert_uint_eq(dict->generation, 1);
    ck_assert_uint_eq(dict->items, N);
    for (unsigned i = 0; i < N; i += N - 1) {
        struct cache_item_info info;
        snprintf(name, sizeof name, "row:%u", i);
        struct cache_key k = fixture_key(name);
        ck_assert_int_eq(cache_inspect(fx.t, &k, &info), CACHE_OK);
        ck_assert_uint_lt(info.stored_len * 2, info.raw_len);
    }
    fixture_end();
}
END_TEST

/* What was coded in haste while requests came is coded better when they do not. */
START_TEST(haste_is_made_up_for)
{
    fixture_begin((struct cache_opts){.compression_cpu_percent = 100});
    fill("doc:%u", 0, N);
    fixture_pass_busy(30000);
    struct cache_stats hasty = fixture_stats();
    ck_assert_uint_gt(hasty.items_by_codec[2], N / 2);
    fixture_pass_busy(30000);
    ck_assert_uint_eq(fixture_stats().stored_bytes, hasty.stored_bytes);
    fixture_pass(10000);
    struct cache_stats settled = fixture_stats();
    ck_assert_uint_lt(settled.stored_bytes, hasty.stored_bytes);
    fixture_pass(10000);
    ck_assert_uint_eq(fixture_stats().recoded, settled.recoded);
    check("doc:%u", 0, N);
    fixture_end();
}
END_TEST

/* ---- change ---- */

START_TEST(values_change_and_dictionaries_follow)
{
    uint8_t *want = malloc(VALUE_MAX), *got = malloc(VALUE_MAX);
    char name[32];
    size_t len;
    fixture_begin((struct cache_opts){0});
    fill("doc:%u", 0, N);
    for (unsigned i = 0; i < LONG; i++) { /* these stay as they are */
        snprintf(name, sizeof name, "doc:7%u7", N + i);
        value_text(i, want, 40000);
        ck_assert_int_eq(fixture_set(name, want, 40000), CACHE_OK);
    }
    fixture_pass(30000);
    const struct cache_dict_info *first = current_of("doc:#");
    ck_assert_ptr_nonnull(first);
    unsigned id = first->id;
    ck_assert(first->generation == 1 && first->size > 0 && first->memory > first->size);
    ck_assert_uint_gt(first->items, N / 2);
    struct cache_item_info info;
    struct cache_key k = fixture_key(name);
    ck_assert_int_eq(cache_inspect(fx.t, &k, &info), CACHE_OK);
    ck_assert_uint_eq(info.dict, id); /* segments too */
    ck_assert(first->ratio > 1.5 && first->age_ms > 0 && first->age_ms <= 30000);
    struct cache_stats before = fixture_stats();
    ck_assert_uint_ge(before.dict_bytes, first->memory);

    fill("doc:%u", 1, N);
    fixture_pass(60000);
    const struct cache_dict_info *second = current_of("doc:#");
    ck_assert_ptr_nonnull(second);
    ck_assert_uint_gt(second->generation, 1);
    ck_assert_uint_gt(second->items, N / 2);
    ck_assert(second->id != id && second->ratio > 2);
    ck_assert_uint_eq(retired(), 0); /* and nothing has the old one: it is freed */
    ck_assert_uint_le(fixture_stats().dicts, before.dicts);
    check("doc:%u", 1, N);
    for (unsigned i = 0; i < LONG; i++) {
        snprintf(name, sizeof name, "doc:7%u7", N + i);
        value_text(i, want, 40000);
        ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
        ck_assert(len == 40000 && memcmp(want, got, len) == 0);
    }
    fixture_end();
    free(want);
    free(got);
}
END_TEST

/* Hot items too: they never are idle. */
START_TEST(what_is_dropped_is_freed_although_items_are_hot)
{
    fixture_begin((struct cache_opts){0});
    fill("doc:%u", 0, N);
    fixture_pass(20000);
    ck_assert_ptr_nonnull(current_of("doc:#"));
    /* One that does no better is not taken. */
    ck_assert(cache_dict_train(fx.cache, NULL, 0));
    fill("doc:%u", 0, N);
    fixture_pass(5000);
    ck_assert_uint_eq(current_of("doc:#")->generation, 1);

    ck_assert(!cache_dict_drop(fx.cache, "nobody", 6));
    ck_assert(cache_dict_drop(fx.cache, "doc:#", 5));
    ck_assert_ptr_null(current_of("doc:#"));
    ck_assert_uint_gt(retired(), 0);
    for (unsigned i = 0; i < 8; i++) {
        check("doc:%u", 0, N);
        fixture_pass(1000);
    }
    ck_assert_uint_eq(retired(), 0);
    check("doc:%u", 0, N);

    ck_assert(!cache_dict_train(fx.cache, "nobody", 6));
    ck_assert(cache_dict_train(fx.cache, "doc:#", 5));
    fill("doc:%u", 0, N);
    fixture_pass(10000);
    ck_assert_ptr_nonnull(current_of("doc:#"));
    ck_assert_uint_eq(current_of("doc:#")->generation, 2);
    check("doc:%u", 0, N);
    fixture_end();
}
END_TEST

/* ---- memory ---- */

START_TEST(dictionaries_keep_within_their_budget)
{
    struct cache_opts opts = {.maxmemory = (uint64_t)128 << 20};
    char format[32];
    fixture_begin(opts);
    for (unsigned f = 0; f < 16; f++) {
        snprintf(format, sizeof format, "kind%c:%%u", 'a' + f);
        fill(format, f % 2, 15000);
        fixture_pass(4000);
        /* 1/32 for dictionaries, as much for samples, and what one training adds at the end. */
        ck_assert_uint_le(fixture_stats().dict_bytes, opts.maxmemory / 16 + ((size_t)1 << 19));
    }
    fixture_pass(20000);
    struct cache_stats many = fixture_stats();
    ck_assert_uint_gt(many.dicts, 4);
    ck_assert_uint_le(many.dict_bytes, opts.maxmemory / 32 + ((size_t)1 << 19));

    opts.maxmemory = (uint64_t)48 << 20;
    cache_configure(fx.cache, &opts);
    fixture_pass(20000);
    struct cache_stats few = fixture_stats();
    ck_assert_uint_le(few.dict_bytes, opts.maxmemory / 32 + ((size_t)1 << 19));
    ck_assert_uint_le(few.dicts, many.dicts);
    ck_assert_uint_gt(few.dicts, 0);
    for (unsigned f = 0; f < 16 && few.evicted == 0; f++) {
        snprintf(format, sizeof format, "kind%c:%%u", 'a' + f);
        check(format, f % 2, 15000);
    }
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("dictionaries");
    tcase_add_loop_test(c, keys_of_any_shape, 0, 7);
    tcase_add_test(c, samples_are_of_all);
    tcase_add_test(c, haste_is_made_up_for);
    tcase_add_test(c, values_change_and_dictionaries_follow);
    tcase_add_test(c, what_is_dropped_is_freed_although_items_are_hot);
    if (!UNDER_SANITIZER)
        tcase_add_test(c, dictionaries_keep_within_their_budget);
    return fixture_run(c);
}
