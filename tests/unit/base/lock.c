#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/lock.h"

#define THREADS 4
#define TURNS   20000

struct shared {
    struct lock lock;
    unsigned long count;
};

static void *count_up(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < TURNS; i++) {
        if (i % 4 != 0)
            lock_acquire(&s->lock);
        else
            while (!lock_try(&s->lock))
                ;
        s->count++;
        lock_release(&s->lock);
    }
    return NULL;
}

START_TEST(test_one_holder_at_a_time)
{
    struct shared s = {.count = 0};
    pthread_t threads[THREADS];
    lock_init(&s.lock, 3);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(s.count, (unsigned long)THREADS * TURNS);
    ck_assert(!lock_is_held(&s.lock));
}
END_TEST

START_TEST(test_try_does_not_wait)
{
    struct lock l;
    lock_init(&l, 1);
    ck_assert(lock_try(&l));
    ck_assert(lock_is_held(&l));
    ck_assert(!lock_try(&l));
    lock_release(&l);
    ck_assert(lock_try(&l));
    lock_release(&l);
}
END_TEST

struct held {
    struct lock lock;
    sem_t held, go;
};

static void *hold_until_told(void *arg)
{
    struct held *h = arg;
    lock_acquire(&h->lock);
    sem_post(&h->held);
    sem_wait(&h->go);
    lock_release(&h->lock);
    return NULL;
}

START_TEST(test_a_wait_with_a_limit_gives_up)
{
    struct held h;
    pthread_t holder;
    lock_init(&h.lock, 1);
    sem_init(&h.held, 0, 0);
    sem_init(&h.go, 0, 0);
    ck_assert(lock_acquire_within(&h.lock, 1));
    lock_release(&h.lock);
    ck_assert_int_eq(pthread_create(&holder, NULL, hold_until_told, &h), 0);
    sem_wait(&h.held);
    ck_assert(!lock_acquire_within(&h.lock, 5));
    sem_post(&h.go);
    ck_assert(lock_acquire_within(&h.lock, 60000));
    lock_release(&h.lock);
    pthread_join(holder, NULL);
    ck_assert(!lock_is_held(&h.lock));
}
END_TEST

START_TEST(test_ascending_order_is_fine)
{
    struct lock l[3];
    lock_init(&l[0], 1);
    lock_init(&l[1], 1);
    lock_init(&l[2], 2);
    for (int i = 0; i < 3; i++)
        lock_acquire(&l[i]);
    for (int i = 0; i < 3; i++)
        lock_release(&l[i]);
    /* In any order when nobody waits. */
    ck_assert(lock_try(&l[2]));
    ck_assert(lock_try(&l[0]));
    lock_release(&l[0]);
    lock_release(&l[2]);
}
END_TEST

#ifndef NDEBUG
START_TEST(test_descending_rank_is_caught)
{
    struct lock low;
    struct lock high;
    lock_init(&low, 1);
    lock_init(&high, 2);
    lock_acquire(&high);
    lock_acquire(&low);
}
END_TEST

START_TEST(test_descending_address_is_caught)
{
    struct lock l[2];
    lock_init(&l[0], 1);
    lock_init(&l[1], 1);
    lock_acquire(&l[1]);
    lock_acquire(&l[0]);
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("lock");
    TCase *c = tcase_create("lock");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_one_holder_at_a_time);
    tcase_add_test(c, test_try_does_not_wait);
    tcase_add_test(c, test_a_wait_with_a_limit_gives_up);
    tcase_add_test(c, test_ascending_order_is_fine);
#ifndef NDEBUG
    tcase_add_test_raise_signal(c, test_descending_rank_is_caught, SIGABRT);
    tcase_add_test_raise_signal(c, test_descending_address_is_caught, SIGABRT);
#endif
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
