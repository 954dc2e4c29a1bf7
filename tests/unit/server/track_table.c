/* Which clients have read which keys. */
#include "tracking/track_table.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/cache.h"

static struct cache *cache;
static struct track_table table;

static uint64_t charged(void)
{
    struct cache_stats s;
    cache_stats(cache, &s);
    return s.charged_bytes;
}

static void open_table(uint64_t maxmemory)
{
    struct cache_opts opts = {.maxmemory = maxmemory};
    cache = cache_create(&opts);
    ck_assert_ptr_nonnull(cache);
    memset(&table, 0, sizeof table);
    ck_assert(track_table_init(&table, cache));
}

static void close_table(void)
{
    track_table_clear(&table);
    ck_assert_uint_eq(track_table_keys(&table), 0);
    ck_assert_uint_eq(track_table_readers(&table), 0);
    ck_assert_uint_eq(charged(), 0);
    track_table_free(&table);
    cache_destroy(cache);
}

static bool add(unsigned db, const char *key, uint64_t client, unsigned worker)
{
    return track_table_add(&table, db, key, strlen(key), track_reader_of(client, worker));
}

static struct tracked *take(unsigned db, const char *key)
{
    return track_table_take(&table, db, key, strlen(key));
}

START_TEST(readers_of_a_key)
{
    open_table(0);
    ck_assert_ptr_null(take(0, "k"));
    /* In any order and more than once: each is there once, ascending. */
    for (uint64_t i = 0; i < 300; i++)
        ck_assert(add(0, "k", i * 7 % 100 + 1, 5));
    ck_assert(add(1, "k", 9, 63));
    ck_assert_uint_eq(track_table_keys(&table), 2);
    ck_assert_uint_eq(track_table_readers(&table), 101);
    struct tracked *k = take(0, "k");
    ck_assert_ptr_nonnull(k);
    ck_assert_uint_eq(k->count, 100);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(track_reader_client(k->readers[i]), i + 1);
        ck_assert_uint_eq(track_reader_worker(k->readers[i]), 5);
    }
    tracked_free(&table, k);
    ck_assert_ptr_null(take(0, "k"));
    k = take(1, "k");
    ck_assert_uint_eq(track_reader_worker(k->readers[0]), 63);
    tracked_free(&table, k);
    close_table();
}
END_TEST

START_TEST(any_key_until_none_is_left)
{
    static bool seen[5000];
    char key[32];
    open_table(0);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "key:%u", i);
        ck_assert(add(0, key, 1, 0));
    }
    unsigned number, taken = 0, descents = 0, last = 0;
    for (struct tracked *k; (k = track_table_take_any(&table)) != NULL; taken++) {
        snprintf(key, sizeof key, "%.*s", (int)k->len, k->key);
        ck_assert_int_eq(sscanf(key, "key:%u", &number), 1);
        ck_assert(!seen[number]);
        seen[number] = true;
        descents += number < last;
        last = number;
        tracked_free(&table, k);
    }
    ck_assert_uint_eq(taken, 5000);
    ck_assert_uint_gt(descents, 1000);
    close_table();
}
END_TEST

START_TEST(refused_over_the_cap)
{
    char key[32];
    unsigned n = 0;
    open_table(4 << 20);
    do
        snprintf(key, sizeof key, "key:%u", n);
    while (n < 200000 && add(0, key, 1, 0) && ++n > 0);
    ck_assert_uint_lt(n, 60000);
    close_table();
}
END_TEST

static void *come_and_go(void *arg)
{
    unsigned worker = *(unsigned *)arg;
    char key[32];
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key:%u", (i * 31 + worker) % 500);
        (void)add(0, key, i % 50 + 1, worker);
        struct tracked *k = i % 3 == 0   ? take(0, key)
                            : i % 7 == 0 ? track_table_take_any(&table)
                                         : NULL;
        if (k != NULL)
            tracked_free(&table, k);
        if (i % 5000 == 0)
            track_table_clear(&table);
    }
    return NULL;
}

START_TEST(many_threads)
{
    pthread_t threads[3];
    unsigned numbers[3] = {0, 1, 2};
    open_table(0);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &numbers[i]), 0);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    close_table();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("track_table");
    TCase *c = tcase_create("track_table");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, readers_of_a_key);
    tcase_add_test(c, any_key_until_none_is_left);
    tcase_add_test(c, refused_over_the_cap);
    tcase_add_test(c, many_threads);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
