/* What is told of items: form, place, idle time; and that their costs add up to what is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_test.h"
#include "zspool/zspool.h"

static uint8_t value[VALUE_MAX];

static struct cache_item_info inspect(const char *name)
{
    struct cache_item_info info;
    struct cache_key k = fixture_key(name);
    ck_assert_int_eq(cache_inspect(fx.t, &k, &info), CACHE_OK);
    return info;
}

START_TEST(the_life_of_an_item)
{
    char name[32];
    size_t len = 0;
    fixture_begin((struct cache_opts){.compression_cpu_percent = 100});
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "user:%u", i);
        ck_assert_int_eq(fixture_set(name, value, value_record(0, i, value)), CACHE_OK);
    }
    len = value_record(0, 7, value);
    struct cache_item_info new = inspect("user:7");
    ck_assert_str_eq(new.codec, "raw");
    ck_assert(new.nursery &&new.idle_ms == 0 && new.dict == 0 && new.frequency == 0);
    ck_assert(new.raw_len == len &&new.stored_len == len &&new.class_size >= len + 6);
    ck_assert(new.expire_ms == CACHE_NO_EXPIRY);

    fixture_pass_busy(7000);
    struct cache_item_info coded = inspect("user:7");
    ck_assert_str_eq(coded.codec, "dense"); /* nobody has used it */
    ck_assert(!coded.nursery && coded.dict != 0 && coded.raw_len == len);
    ck_assert(coded.stored_len < len && coded.cost < new.cost &&coded.class_size < new.class_size);
    fixture_pass(20000);
    ck_assert_int_ge(inspect("user:7").idle_ms, 8000);
    ck_assert_int_eq(fixture_get("user:7", value, &len), CACHE_OK);
    ck_assert(inspect("user:7").idle_ms == 0 && inspect("user:7").frequency == 1);

    value_text(1, value, 3000);
    ck_assert_int_eq(fixture_set("user:text", value, 3000), CACHE_OK);
    value_text(2, value, 100000);
    ck_assert_int_eq(fixture_set("user:long", value, 100000), CACHE_OK);
    value_noise(3, value, 500);
    ck_assert_int_eq(fixture_set("user:noise", value, 500), CACHE_OK);
    fixture_pass(3000);
    ck_assert_int_ge(inspect("user:noise").idle_ms, 2000);
    ck_assert_int_le(inspect("user:noise").idle_ms, 10000);
    fixture_pass(17000);
    ck_assert_str_eq(inspect("user:text").codec, "dense");
    ck_assert_str_eq(inspect("user:long").codec, "segmented");
    ck_assert_str_eq(inspect("user:noise").codec, "raw");
    ck_assert_uint_lt(inspect("user:long").stored_len, 50000);
    ck_assert_uint_gt(inspect("user:long").cost, inspect("user:long").stored_len);
    fixture_end();
}
END_TEST

START_TEST(costs_add_up)
{
    char name[32];
    size_t sum = 0, n = 30000;
    fixture_begin((struct cache_opts){.compression = (enum cache_compression)_i});
    for (unsigned i = 0; i < n; i++) {
        size_t len = i % 100 == 0 ? 20000 + i : i % 10 == 0 ? i % 9000 : 0;
        snprintf(name, sizeof name, "user:%u", i);
        if (len > 0)
            value_text(i, value, len);
        else
            len = value_record(0, i, value);
        ck_assert_int_eq(fixture_set(name, value, len), CACHE_OK);
        if (i % 1000 == 0)
            fixture_pass(400);
    }
    fixture_pass(20000);
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "user:%u", i);
        sum += inspect(name).cost;
    }
    struct zs_pool_stats pool;
    zs_pool_stats(cache_pool(fx.cache), &pool);
    /* Besides, index and tables have a size of their own when they are nearly empty. */
    size_t pages = pool.pages_used * ZS_PAGE_SIZE;
    size_t all = pages + pool.table_bytes + fixture_stats().index_bytes;
    ck_assert_msg(sum > pages / 100 * 98 && sum < all / 100 * 102, "%zu, %zu to %zu", sum, pages,
                  all);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("inspect");
    tcase_add_test(c, the_life_of_an_item);
    tcase_add_loop_test(c, costs_add_up, CACHE_ADAPTIVE, CACHE_UNCOMPRESSED + 1);
    return fixture_run(c);
}
