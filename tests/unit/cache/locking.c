/* Holding keys over several operations, and keeping others out. */
#include "cache_test.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define KEYS 200

static void make_keys(struct cache_key *keys, char names[KEYS][16])
{
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        keys[i] = fixture_key(names[i]);
    }
}

START_TEST(locked_keys_may_be_locked_again)
{
    struct cache_key keys[KEYS];
    char names[KEYS][16];
    fixture_begin((struct cache_opts){0});
    make_keys(keys, names);
    ck_assert(!cache_holds_key(fx.t, &keys[0]));
    ck_assert_int_eq(cache_lock_keys(fx.t, keys, KEYS), CACHE_OK);
    for (int i = 0; i < KEYS; i++)
        ck_assert(cache_holds_key(fx.t, &keys[i]));
    ck_assert(!cache_holds_world(fx.t));
    ck_assert_int_eq(cache_lock_keys(fx.t, &keys[3], 2), CACHE_OK);
    ck_assert_int_eq(fixture_set("k3", "value", 5), CACHE_OK);
    cache_unlock_keys(fx.t);
    ck_assert(cache_holds_key(fx.t, &keys[3])); /* still the outer one's */
    cache_unlock_keys(fx.t);
    ck_assert(!cache_holds_key(fx.t, &keys[3]));
    ck_assert_int_eq(cache_lock_keys(fx.t, keys, 0), CACHE_OK);
    cache_unlock_keys(fx.t);
    fixture_end();
}
END_TEST

START_TEST(another_databases_keys_are_not_held)
{
    fixture_begin((struct cache_opts){0});
    struct cache_key here = fixture_key("k"), there = here;
    there.db = 1;
    ck_assert_int_eq(cache_lock_keys(fx.t, &here, 1), CACHE_OK);
    ck_assert(!cache_holds_key(fx.t, &there));
    cache_unlock_keys(fx.t);
    cache_world_lock(fx.t);
    ck_assert(cache_holds_world(fx.t));
    ck_assert(cache_holds_key(fx.t, &there));
    cache_world_unlock(fx.t);
    ck_assert(!cache_holds_world(fx.t));
    fixture_end();
}
END_TEST

/* Of keys with and without an item, and whatever this thread holds; more of them than go at a time.
 */
START_TEST(prefetching_changes_nothing)
{
    struct cache_key keys[KEYS];
    struct cache_wanted wanted[KEYS];
    char names[KEYS][16];
    fixture_begin((struct cache_opts){0});
    make_keys(keys, names);
    for (int i = 0; i < KEYS; i++) {
        cache_prefetch_shard(fx.t, &keys[i]);
        wanted[i] = (struct cache_wanted){&keys[i], i % 3 != 0};
    }
    cache_prefetch(fx.t, wanted, KEYS); /* there is no table yet */
    for (int i = 0; i < KEYS; i += 2)
        ck_assert_int_eq(fixture_set(names[i], names[i], strlen(names[i])), CACHE_OK);
    struct cache_stats before = fixture_stats();
    cache_prefetch(fx.t, wanted, KEYS);
    ck_assert_int_eq(cache_lock_keys(fx.t, keys, KEYS), CACHE_OK);
    cache_prefetch(fx.t, wanted, KEYS);
    cache_unlock_keys(fx.t);
    cache_prefetch(fx.t, wanted, 0);
    struct cache_stats after = fixture_stats();
    ck_assert_uint_eq(after.items, KEYS / 2);
    ck_assert_uint_eq(after.hits + after.misses, before.hits + before.misses);
    fixture_end(); /* nothing is locked or pinned */
}
END_TEST

struct visitor {
    struct cache_thread *t;
    bool entered;
};

static void *try_to_enter(void *arg)
{
    struct visitor *v = arg;
    v->entered = cache_enter_within(v->t, fx.now, 5);
    if (v->entered)
        cache_exit(v->t);
    return NULL;
}

static bool enters(struct visitor *v)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, try_to_enter, v), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return v->entered;
}

START_TEST(who_is_kept_out_gives_up)
{
    fixture_begin((struct cache_opts){0});
    cache_exit(fx.t); /* threads come and go while one is outside */
    struct visitor v = {.t = cache_thread_create(fx.cache)};
    ck_assert_ptr_nonnull(v.t);
    cache_enter(fx.t, fx.now);
    ck_assert(enters(&v));
    cache_world_lock(fx.t);
    ck_assert(!enters(&v));
    cache_world_unlock(fx.t);
    ck_assert(enters(&v));
    cache_exit(fx.t);
    cache_thread_destroy(v.t);
    cache_enter(fx.t, fx.now);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("locking");
    tcase_add_test(c, locked_keys_may_be_locked_again);
    tcase_add_test(c, another_databases_keys_are_not_held);
    tcase_add_test(c, prefetching_changes_nothing);
    tcase_add_test(c, who_is_kept_out_gives_up);
    return fixture_run(c);
}
