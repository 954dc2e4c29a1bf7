/* The ghost: it remembers what came lately, forgets what is old, and is bounded. */
#include "ghost.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

/* A full-width hash of small numbers (splitmix64). */
static uint64_t hash_of(uint64_t n)
{
    uint64_t z = (n + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

START_TEST(takes_once)
{
    struct ghost *g = ghost_create(4096);
    ck_assert_uint_eq(ghost_bytes(g), 0);
    ck_assert(!ghost_take(g, hash_of(1)));
    ghost_add(g, hash_of(1));
    ck_assert(!ghost_take(g, hash_of(2)));
    ck_assert(ghost_take(g, hash_of(1)));
    ck_assert(!ghost_take(g, hash_of(1)));
    ghost_add(g, hash_of(3));
    ghost_clear(g);
    ck_assert(!ghost_take(g, hash_of(3)));
    ghost_destroy(g);
}
END_TEST

START_TEST(remembers_a_capacity_and_no_more)
{
    enum { CAPACITY = 100000, N = 10 * CAPACITY };
    struct ghost *g = ghost_create(CAPACITY);
    for (uint64_t i = 0; i < N; i++)
        ghost_add(g, hash_of(i));
    ck_assert_uint_lt(ghost_bytes(g), CAPACITY * 6);
    unsigned young = 0, old = 0;
    for (uint64_t i = 0; i < CAPACITY / 2; i++)
        young += ghost_take(g, hash_of(N - 1 - i));
    for (uint64_t i = 0; i < N - 2 * CAPACITY; i++)
        old += ghost_take(g, hash_of(i));
    ck_assert_uint_gt(young, CAPACITY / 2 * 98 / 100);
    /* Only chance equality of fingerprints: 16 places of 2^20. */
    ck_assert_uint_lt(old, N / 1000);
    ghost_destroy(g);
}
END_TEST

START_TEST(remembers_as_long_as_told)
{
    enum { CAPACITY = 100000, LIFE = CAPACITY / 10 };
    struct ghost *g = ghost_create(CAPACITY);
    ghost_set_life(g, LIFE);
    for (uint64_t i = 0; i < CAPACITY; i++)
        ghost_add(g, hash_of(i));
    unsigned young = 0, old = 0;
    for (uint64_t i = 0; i < CAPACITY; i++) {
        bool known = ghost_take(g, hash_of(CAPACITY - 1 - i));
        young += known && i < LIFE * 95 / 100;
        old += known && i > LIFE * 105 / 100;
    }
    ck_assert_uint_gt(young, LIFE * 94 / 100);
    ck_assert_uint_lt(old, CAPACITY / 1000);
    /* Never longer than there is room for. */
    ghost_set_life(g, 100 * CAPACITY);
    for (uint64_t i = 0; i < 4 * CAPACITY; i++)
        ghost_add(g, hash_of(i));
    for (uint64_t i = 0; i < CAPACITY; i++)
        old += ghost_take(g, hash_of(i));
    ck_assert_uint_lt(old, CAPACITY / 500);
    ghost_destroy(g);
}
END_TEST

START_TEST(takes_another_size)
{
    struct ghost *g = ghost_create(1 << 20);
    ghost_add(g, hash_of(1));
    size_t bytes = ghost_bytes(g);
    ghost_resize(g, 4096);
    ck_assert_uint_eq(ghost_bytes(g), 0);
    ck_assert(!ghost_take(g, hash_of(1)));
    ghost_add(g, hash_of(1));
    ck_assert(ghost_take(g, hash_of(1)));
    ck_assert_uint_lt(ghost_bytes(g), bytes / 100);
    ck_assert_uint_eq(ghost_capacity(g), 4096);
    ghost_destroy(g);
}
END_TEST

static void *hammer(void *arg)
{
    struct ghost *g = arg;
    for (uint64_t i = 0; i < 50000; i++) {
        ghost_add(g, hash_of(i));
        ghost_take(g, hash_of(i / 2));
    }
    return NULL;
}

START_TEST(is_used_by_many_threads)
{
    struct ghost *g = ghost_create(10000);
    pthread_t thread[4];
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, hammer, g), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    ghost_destroy(g);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ghost");
    tcase_add_test(tc, takes_once);
    tcase_add_test(tc, remembers_a_capacity_and_no_more);
    tcase_add_test(tc, remembers_as_long_as_told);
    tcase_add_test(tc, takes_another_size);
    tcase_add_test(tc, is_used_by_many_threads);
    Suite *s = suite_create("ghost");
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
