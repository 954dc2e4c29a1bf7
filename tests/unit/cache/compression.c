/* The option `compression`: each change while there are items, which follow; under a cap; within
 * the share of CPU; and values that do not shrink. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cache_test.h"

#define SHORT 20000
#define NOISE 500
#define LONG  24

/* Value i: short records, a few that do not shrink, a few long ones. */
static size_t value(unsigned i, uint8_t *out)
{
    size_t len;
    if (i < SHORT)
        return value_record(0, i, out);
    if (i < SHORT + NOISE) {
        value_letters(i, out, 150);
        return 150;
    }
    len = 20000 + (size_t)(i - SHORT - NOISE) * 2500;
    value_text(i, out, len);
    return len;
}

static void fill(void)
{
    uint8_t *want = malloc(VALUE_MAX);
    char name[32];
    for (unsigned i = 0; i < SHORT + NOISE + LONG; i++) {
        snprintf(name, sizeof name, "%s:%u", i < SHORT + NOISE ? "user" : "other", i);
        ck_assert_int_eq(fixture_set(name, want, value(i, want)), CACHE_OK);
    }
    free(want);
}

static void check_values(void)
{
    uint8_t *want = malloc(VALUE_MAX), *got = malloc(VALUE_MAX);
    char name[32];
    size_t len;
    for (unsigned i = 0; i < SHORT + NOISE + LONG; i++) {
        snprintf(name, sizeof name, "%s:%u", i < SHORT + NOISE ? "user" : "other", i);
        size_t expected = value(i, want);
        ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
        ck_assert(len == expected && memcmp(want, got, len) == 0);
    }
    free(want);
    free(got);
}

static void check_form(enum cache_compression mode)
{
    struct cache_stats s = fixture_stats();
    ck_assert_uint_eq(s.items, SHORT + NOISE + LONG);
    ck_assert_uint_eq(s.nursery_items, 0);
    if (mode == CACHE_UNCOMPRESSED) {
        ck_assert_uint_eq(s.items_by_codec[1] + s.items_by_codec[2], 0);
        ck_assert_uint_eq(s.stored_bytes, s.raw_bytes);
    } else {
        /* The noise, as far as it is not in the dictionary, and what is not tried after it. */
        ck_assert_uint_lt(s.items_by_codec[0], SHORT / 10);
        ck_assert_uint_lt(s.stored_bytes * 2, s.raw_bytes);
    }
}

static const enum cache_compression from[] = {CACHE_ADAPTIVE,     CACHE_ADAPTIVE,
                                              CACHE_ON_WRITE,     CACHE_ON_WRITE,
                                              CACHE_UNCOMPRESSED, CACHE_UNCOMPRESSED};
static const enum cache_compression to[] = {CACHE_ON_WRITE,     CACHE_UNCOMPRESSED, CACHE_ADAPTIVE,
                                            CACHE_UNCOMPRESSED, CACHE_ADAPTIVE,     CACHE_ON_WRITE};

START_TEST(items_follow_the_option)
{
    fixture_begin((struct cache_opts){.compression = from[_i]});
    fill();
    fixture_pass(30000);
    check_form(from[_i]);
    cache_configure(fx.cache, &(struct cache_opts){.compression = to[_i]});
    check_values();
    fixture_pass(10000);
    check_form(to[_i]);
    check_values();
    fixture_check();
    fill();
    fixture_pass(to[_i] == CACHE_ADAPTIVE ? 10000 : 400);
    if (to[_i] != CACHE_UNCOMPRESSED)
        ck_assert_uint_lt(fixture_stats().stored_bytes * 3, fixture_stats().raw_bytes * 2);
    else
        check_form(CACHE_UNCOMPRESSED);
    check_values();
    fixture_end();
}
END_TEST

START_TEST(without_eviction_raw_values_take_the_room_there_is)
{
    char name[32];
    uint8_t want[512], got[512];
    unsigned n = 0;
    size_t len;
    struct cache_opts opts = {.maxmemory = (uint64_t)24 << 20,
                              .compression = CACHE_ON_WRITE,
                              .policy = _i == 0 ? CACHE_NOEVICTION : CACHE_ALLKEYS_S3FIFO};
    fixture_begin(opts);
    enum cache_status status = CACHE_OK;
    for (; status == CACHE_OK && n < 200000; n++) {
        snprintf(name, sizeof name, "user:%u", n);
        status = fixture_set(name, want, value_record(0, n, want));
        if (n % 5000 == 0)
            fixture_pass(400);
    }
    struct cache_stats before = fixture_stats();
    opts.compression = CACHE_UNCOMPRESSED;
    cache_configure(fx.cache, &opts);
    for (unsigned i = 0; i < 20; i++) {
        fixture_pass(400);
        ck_assert_uint_le(fixture_stats().pool_bytes, opts.maxmemory);
    }
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.items_by_codec[0], before.items_by_codec[0]);
    ck_assert(_i != 0 || s.items == before.items);
    ck_assert_uint_le(s.used_memory, opts.maxmemory + opts.maxmemory / 20);
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "user:%u", i);
        if (fixture_get(name, got, &len) != CACHE_OK)
            continue;
        found++;
        ck_assert(len == value_record(0, i, want) && memcmp(want, got, len) == 0);
    }
    ck_assert_uint_eq(found, s.items);
    fixture_end();
}
END_TEST

/* When all is done, nothing is tried again and again. */
START_TEST(a_settled_cache_rests)
{
    fixture_begin((struct cache_opts){0});
    fill();
    fixture_pass(40000);
    struct cache_stats then = fixture_stats();
    ck_assert_uint_gt(then.dicts, 0);
    uint64_t rest = cache_rest(fx.cache);
    ck_assert_uint_ne(rest, 0);
    fixture_pass(40000);
    struct cache_stats now = fixture_stats();
    ck_assert_uint_eq(now.recoded, then.recoded);
    ck_assert_uint_eq(now.compress_attempts, then.compress_attempts);
    ck_assert_uint_eq(cache_rest(fx.cache), rest);
    /* What was given back is there again when it is needed. */
    check_values();
    fixture_pass_busy(400);
    ck_assert_uint_eq(cache_rest(fx.cache), 0);
    fixture_end();
}
END_TEST

static void sleep_us(int64_t us)
{
    struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&wait, NULL);
}

/* As the server's keeper does it. So few new values do not lead to another training, which is made
 * up for by rest later than this test lasts. */
START_TEST(coding_keeps_within_its_share)
{
    static const unsigned percents[] = {5, 20};
    struct cache_opts opts = {.compression_cpu_percent = percents[_i]};
    fixture_begin(opts);
    fill();
    fixture_pass(20000);
    uint8_t want[512];
    char name[32];
    for (unsigned i = 0; i < 120000; i++) {
        snprintf(name, sizeof name, "user:%u", SHORT + i);
        fixture_set(name, want, value_record(0, i, want));
    }
    cache_exit(fx.t);
    struct cache_stats then = fixture_stats();
    int64_t begin = clock_mono_us(), us;
    while ((us = clock_mono_us() - begin) < 400000) {
        int64_t wait = cache_tick(fx.t, fx.now + 1000 + us / 1000, 1000, true);
        if (wait > 0)
            sleep_us(wait);
    }
    struct cache_stats now = fixture_stats();
    int64_t cpu = (int64_t)(now.compress_cpu_us - then.compress_cpu_us);
    ck_assert_int_le(cpu, us * percents[_i] / 100 + 10000);
    ck_assert_int_gt(cpu, 0);
    /* While nobody waits, more. */
    if (now.nursery_items > 10000)
        ck_assert_int_eq(cache_tick(fx.t, fx.now + 2000, 1000, false), 0);
    cache_enter(fx.t, fx.now + 2000);
    fixture_end();
}
END_TEST

/* Bytes of the pool for noise, and the share of values that coding was tried on. */
static double take_noise(enum cache_compression mode, unsigned n, bool letters, double *tried)
{
    uint8_t noise[200];
    char name[32];
    fixture_begin((struct cache_opts){.compression = mode});
    for (unsigned i = 0; i < n; i++) {
        size_t len = 40 + i % 160;
        if (letters)
            value_letters(i, noise, len);
        else
            value_noise(i, noise, len);
        snprintf(name, sizeof name, "noise:%u", i);
        ck_assert_int_eq(fixture_set(name, noise, len), CACHE_OK);
        if (i % 10000 == 0)
            fixture_pass(2000);
    }
    fixture_pass(30000);
    struct cache_stats s = fixture_stats();
    if (mode != CACHE_UNCOMPRESSED && !letters)
        ck_assert_uint_gt(s.incompressible, n / 100 * 99);
    *tried = (double)s.compress_attempts / n;
    double bytes = (double)(s.pool_bytes + s.index_bytes + s.dict_bytes);
    fixture_end();
    return bytes;
}

START_TEST(what_does_not_shrink_costs_next_to_nothing)
{
    double tried;
    bool letters = _i == 1;
    double raw = take_noise(CACHE_UNCOMPRESSED, 100000, letters, &tried);
    ck_assert(tried == 0);
    for (enum cache_compression mode = CACHE_ADAPTIVE; mode < CACHE_UNCOMPRESSED; mode++) {
        double bytes = take_noise(mode, 100000, letters, &tried);
        /* For LZ4 letters are no better than noise; packed, one takes 6 bits. */
        ck_assert_msg(letters || tried < 0.01, "%f of the values were tried", tried);
        ck_assert_msg(bytes < raw * (letters ? 0.9 : 1.03), "%.0f bytes for %.0f", bytes, raw);
    }
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("compression");
    tcase_add_loop_test(c, items_follow_the_option, 0, 6);
    if (!UNDER_SANITIZER)
        tcase_add_loop_test(c, without_eviction_raw_values_take_the_room_there_is, 0, 2);
    tcase_add_test(c, a_settled_cache_rests);
    tcase_add_loop_test(c, coding_keeps_within_its_share, 0, 2);
    tcase_add_loop_test(c, what_does_not_shrink_costs_next_to_nothing, 0, 2);
    return fixture_run(c);
}
