/* The rings of the nursery: first in, first out, by age, from many threads. */
#include "nursery_ring.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct nursery_entry entry(uint64_t hash, uint32_t when)
{
    return (struct nursery_entry){
        .hash = hash, .handle = (uint32_t)hash, .db = 3, .when = when & 0xfffffff};
}

START_TEST(oldest_leave_first)
{
    struct nursery_ring *r = nursery_ring_create(4);
    struct nursery_entry out[64];
    for (uint32_t i = 0; i < 4000; i++) {
        struct nursery_entry e = entry(i, i / 10);
        ck_assert(nursery_ring_add(r, i % 4, &e));
    }
    ck_assert_uint_eq(nursery_ring_count(r), 4000);
    uint32_t seen = 0, newest = 0;
    for (unsigned n; (n = nursery_ring_take(r, 400, 0, out, 64)) > 0; seen += n) {
        for (unsigned i = 0; i < n; i++) {
            ck_assert_uint_eq(out[i].db, 3);
            ck_assert_uint_eq(out[i].when, out[i].hash / 10);
            /* A batch is of one lane, so it may be ahead of the others by its own length. */
            ck_assert_uint_ge(out[i].when + 64 * 4 / 10 + 1, newest);
            newest = out[i].when > newest ? out[i].when : newest;
        }
    }
    ck_assert_uint_eq(seen, 4000);
    ck_assert_uint_eq(nursery_ring_count(r), 0);
    size_t empty = nursery_ring_bytes(r);
    ck_assert_uint_le(empty, 4 * 5000);
    nursery_ring_destroy(r);
}
END_TEST

START_TEST(young_ones_stay)
{
    struct nursery_ring *r = nursery_ring_create(1);
    struct nursery_entry out[8], a = entry(1, 100), b = entry(2, 109);
    ck_assert(nursery_ring_add(r, 0, &a) && nursery_ring_add(r, 0, &b));
    ck_assert_uint_eq(nursery_ring_take(r, 105, 10, out, 8), 0);
    ck_assert_uint_eq(nursery_ring_take(r, 110, 10, out, 8), 1);
    ck_assert_uint_eq(out[0].hash, 1);
    ck_assert_uint_eq(nursery_ring_take(r, 110, 10, out, 8), 0);
    /* A clock that went back, and one that wrapped. */
    ck_assert_uint_eq(nursery_ring_take(r, 50, 1, out, 8), 0);
    ck_assert_uint_eq(nursery_ring_take(r, 50, 0, out, 8), 1);
    struct nursery_entry c = entry(3, 0xffffffe);
    ck_assert(nursery_ring_add(r, 0, &c));
    ck_assert_uint_eq(nursery_ring_take(r, 8, 10, out, 8), 1);
    nursery_ring_destroy(r);
}
END_TEST

enum { ADDERS = 3, EACH = 40000 };

struct shared {
    struct nursery_ring *ring;
    atomic_uint number;
    atomic_ulong taken, sum;
};

static void *adder(void *arg)
{
    struct shared *s = arg;
    unsigned me = atomic_fetch_add(&s->number, 1);
    for (uint32_t i = 0; i < EACH; i++) {
        struct nursery_entry e = entry((uint64_t)me * EACH + i, i / 1000);
        if (!nursery_ring_add(s->ring, me, &e))
            abort();
    }
    return NULL;
}

static void *taker(void *arg)
{
    struct shared *s = arg;
    struct nursery_entry out[16];
    while (atomic_load(&s->taken) < (unsigned long)ADDERS * EACH) {
        unsigned n = nursery_ring_take(s->ring, EACH, 0, out, 16);
        for (unsigned i = 0; i < n; i++)
            atomic_fetch_add(&s->sum, (unsigned long)out[i].hash);
        atomic_fetch_add(&s->taken, n);
    }
    return NULL;
}

START_TEST(nothing_is_lost_between_threads)
{
    struct shared s = {.ring = nursery_ring_create(2)};
    pthread_t thread[ADDERS + 2];
    for (unsigned i = 0; i < ADDERS + 2; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, i < ADDERS ? adder : taker, &s), 0);
    for (unsigned i = 0; i < ADDERS + 2; i++)
        pthread_join(thread[i], NULL);
    unsigned long n = (unsigned long)ADDERS * EACH;
    ck_assert_uint_eq(atomic_load(&s.taken), n);
    ck_assert_uint_eq(atomic_load(&s.sum), n * (n - 1) / 2);
    nursery_ring_destroy(s.ring);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ring");
    tcase_add_test(tc, oldest_leave_first);
    tcase_add_test(tc, young_ones_stay);
    tcase_add_test(tc, nothing_is_lost_between_threads);
    Suite *s = suite_create("nursery_ring");
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
