/* The ladder: each rung does its work when it is due and is counted, with marks that are apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_test.h"
#include "zspool/zspool.h"

#define MIB              ((uint64_t)1 << 20)
#define RECORDS_THAT_FIT 280000

static uint8_t value[VALUE_MAX];

static char *name_of(unsigned i)
{
    static char name[32];
    snprintf(name, sizeof name, "user:%u", i);
    return name;
}

/* Noise: what is stored is what takes the room. */
static enum cache_status set_noise(unsigned i, size_t len)
{
    value_noise(i, value, len);
    return fixture_set(name_of(i), value, len);
}

static void expect_counted(enum cache_rung r, uint64_t least_bytes)
{
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.rung[r].runs, 0);
    ck_assert_uint_ge(s.rung[r].bytes, least_bytes);
    ck_assert_uint_gt(s.rung[r].cpu_us, 0);
}

START_TEST(what_has_expired_goes)
{
    fixture_begin((struct cache_opts){0});
    for (unsigned i = 0; i < 20000; i++) {
        struct cache_key k = fixture_key(name_of(i));
        struct cache_source src = {.flat = value, .total = 100};
        ck_assert_int_eq(cache_set(fx.t, &k, CACHE_STRING, &src, fx.now + 1000, 0), CACHE_OK);
    }
    ck_assert_uint_eq(fixture_stats().rung[CACHE_RUNG_EXPIRE].runs, 0);
    fixture_pass(3000);
    ck_assert_uint_eq(fixture_stats().items, 0);
    expect_counted(CACHE_RUNG_EXPIRE, (uint64_t)20000 * 20);
    fixture_end();
}
END_TEST

START_TEST(newcomers_are_coded_and_idle_ones_again)
{
    fixture_begin((struct cache_opts){.compression_cpu_percent = 100});
    for (unsigned i = 0; i < 20000; i++)
        fixture_set(name_of(i), value, value_record(0, i, value));
    fixture_pass_busy(7000); /* there is a dictionary now */
    for (unsigned i = 0; i < 5000; i++)
        fixture_set(name_of(i), value, value_record(0, i + 20000, value));
    fixture_pass_busy(4000);
    ck_assert_uint_eq(fixture_stats().nursery_items, 0);
    expect_counted(CACHE_RUNG_NURSERY, (uint64_t)5000 * 20);
    fixture_pass_busy(20000);
    expect_counted(CACHE_RUNG_RECODE, 10000);
    ck_assert_uint_eq(fixture_stats().rung[CACHE_RUNG_EVICT].runs, 0);
    fixture_end();
}
END_TEST

static uint64_t recode_runs(void)
{
    return fixture_stats().rung[CACHE_RUNG_RECODE].runs;
}

/* Once, that is: with many items at rest the walk would read all of them again and again. What is
 * used and grows idle again is looked at again. */
START_TEST(idle_items_are_looked_at_once)
{
    size_t len;
    fixture_begin((struct cache_opts){.compression = (enum cache_compression)_i});
    for (unsigned i = 0; i < 20000; i++)
        ck_assert_int_eq(fixture_set(name_of(i), value, value_record(0, i, value)), CACHE_OK);
    value_text(1, value, 100000);
    ck_assert_int_eq(fixture_set("long", value, 100000), CACHE_OK);
    fixture_pass(60000);
    uint64_t runs = recode_runs();
    fixture_pass(60000);
    ck_assert_uint_eq(recode_runs(), runs);
    ck_assert_int_eq(fixture_get("user:7", value, &len), CACHE_OK);
    ck_assert_int_eq(fixture_get("long", value, &len), CACHE_OK);
    fixture_pass(20000);
    ck_assert_uint_gt(recode_runs(), runs);
    runs = recode_runs();
    fixture_pass(60000);
    ck_assert_uint_eq(recode_runs(), runs);
    fixture_end();
}
END_TEST

START_TEST(holes_are_closed)
{
    fixture_begin((struct cache_opts){.compression = CACHE_UNCOMPRESSED});
    for (unsigned i = 0; i < 60000; i++)
        set_noise(i, 120);
    for (unsigned i = 0; i < 60000; i++) {
        struct cache_key k = fixture_key(name_of(i));
        if (i % 4 != 0)
            cache_delete(fx.t, &k);
    }
    fixture_pass(4000);
    expect_counted(CACHE_RUNG_COMPACT, 4 * MIB);
    ck_assert_uint_lt(zs_shrinker_count(cache_pool(fx.cache)), 16);
    fixture_end();
}
END_TEST

/* From the high mark down to the low one, and then not again before the high one is passed. */
START_TEST(eviction_has_two_marks)
{
    uint64_t cap = 48 * MIB;
    fixture_begin((struct cache_opts){.maxmemory = cap, .compression = CACHE_UNCOMPRESSED});
    unsigned n = 0;
    while (fixture_stats().evicted == 0)
        for (unsigned i = 0; i < 1000; i++)
            ck_assert_int_eq(set_noise(n++, 700), CACHE_OK);
    expect_counted(CACHE_RUNG_EVICT, 1);
    fixture_pass(400);
    struct cache_stats low = fixture_stats();
    ck_assert_uint_le(low.used_memory, cap / 1000 * 990);
    ck_assert_uint_ge(low.used_memory, cap / 1000 * 950);
    /* A little more does not pass the high mark. */
    for (unsigned i = 0; i < 200; i++)
        ck_assert_int_eq(set_noise(n++, 700), CACHE_OK);
    fixture_pass(400);
    ck_assert_uint_eq(fixture_stats().evicted, low.evicted);
    for (unsigned i = 0; i < 5000; i++)
        ck_assert_int_eq(set_noise(n++, 700), CACHE_OK);
    fixture_pass(400);
    ck_assert_uint_gt(fixture_stats().evicted, low.evicted);
    ck_assert_uint_le(fixture_stats().used_memory, cap);
    fixture_end();
}
END_TEST

/* Writes records of 200 bytes and more, with a tick now and then that has no time to spare. */
static void fill_with_records(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        ck_assert_int_eq(fixture_set(name_of(i), value, value_record(0, i, value)), CACHE_OK);
        if (i % 1000 == 999)
            fixture_pass_busy(5);
    }
}

START_TEST(a_fast_start_trains_at_once)
{
    fixture_begin((struct cache_opts){.maxmemory = 48 * MIB});
    int64_t begin = fx.now;
    unsigned n = 0;
    for (; fixture_stats().trainings == 0 && n < 200000; n += 1000)
        fill_with_records(n, n + 1000);
    ck_assert_uint_eq(fixture_stats().trainings, 1);
    ck_assert_int_lt(fx.now - begin, 900);
    fixture_end();
}
END_TEST

/* Raw, or as LZ4, what is written here is more than the cap. */
START_TEST(coding_comes_before_eviction)
{
    uint64_t cap = 24 * MIB;
    fixture_begin((struct cache_opts){.maxmemory = cap});
    fill_with_records(0, RECORDS_THAT_FIT);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.raw_bytes, cap);
    ck_assert_uint_eq(s.evicted, 0);
    /* When it is full the nursery gives way to main: its share shrinks as values do. */
    fill_with_records(RECORDS_THAT_FIT, RECORDS_THAT_FIT + 200000);
    s = fixture_stats();
    ck_assert_uint_gt(s.evicted, 0);
    ck_assert_uint_lt(s.nursery_bytes, cap / 16);
    fixture_end();
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    fixture_begin((struct cache_opts){.maxmemory = 48 * MIB, .policy = CACHE_NOEVICTION});
    unsigned n = 0;
    enum cache_status status = CACHE_OK;
    while (status == CACHE_OK && n < 100000)
        status = set_noise(n++, 700);
    ck_assert_int_eq(status, CACHE_OOM);
    size_t len;
    ck_assert_int_eq(fixture_get(name_of(0), value, &len), CACHE_OK);
    ck_assert_uint_eq(fixture_stats().rung[CACHE_RUNG_REFUSE].runs, 1);
    cache_stats_reset(fx.cache);
    ck_assert_uint_eq(fixture_stats().rung[CACHE_RUNG_REFUSE].runs, 0);
    fixture_end();
}
END_TEST

/* What nobody can give back is no reason to try for ever. */
START_TEST(a_cap_below_the_process_is_given_up_on)
{
    fixture_begin((struct cache_opts){.maxmemory = MIB});
    set_noise(0, 700);
    cache_exit(fx.t);
    unsigned n = 0;
    while (n < 100 && cache_tick(fx.t, fx.now, 1000, false) == 0)
        n++;
    cache_enter(fx.t, fx.now);
    ck_assert_uint_gt(fixture_stats().used_memory, MIB);
    ck_assert_uint_lt(n, 100);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("ladder");
    tcase_add_test(c, a_cap_below_the_process_is_given_up_on);
    tcase_add_test(c, what_has_expired_goes);
    tcase_add_test(c, newcomers_are_coded_and_idle_ones_again);
    tcase_add_loop_test(c, idle_items_are_looked_at_once, CACHE_ADAPTIVE, CACHE_UNCOMPRESSED + 1);
    tcase_add_test(c, holes_are_closed);
    if (!UNDER_SANITIZER) {
        tcase_add_test(c, eviction_has_two_marks);
        tcase_add_test(c, a_fast_start_trains_at_once);
        tcase_add_test(c, coding_comes_before_eviction);
        tcase_add_test(c, what_does_not_fit_is_refused);
    }
    return fixture_run(c);
}
