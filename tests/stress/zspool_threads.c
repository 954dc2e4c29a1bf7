/* Movers against threads that map, write, allocate and free: no byte of an object may change under
 * a mapping, and nothing may be lost.
 *
 *   ZSC_SEED  the seed (default 0)      ZSC_SECONDS  for how long, for each of both tests (default:
 *                                       so many rounds as take a few seconds) */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "zspool/zspool.h"

/* ck_assert() writes to a file each time. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not so: %s", #condition);                                                \
    } while (0)

#define MAPPERS 8
#define OBJECTS 400 /* of each thread */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 40000
#else
#define ROUNDS 600000
#endif

struct shared {
    struct zs_pool *pool;
    atomic_int running;
    int64_t end_us; /* 0 = after ROUNDS */
    /* Read by all, owned by nobody until the end. */
    zs_handle common[OBJECTS];
};

struct mapper {
    struct shared *shared;
    struct random random;
    zs_handle handle[OBJECTS];
    uint32_t len[OBJECTS];
    uint8_t mark[OBJECTS];
    uint8_t buf[ZS_MAX_ALLOC_SIZE];
};

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

static bool goes_on(const struct shared *s, unsigned long round)
{
    return s->end_us == 0 ? round < ROUNDS : round % 256 != 0 || clock_mono_us() < s->end_us;
}

static bool all_are(const uint8_t *p, size_t len, uint8_t mark)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != mark)
            return false;
    return true;
}

static void write_all(struct mapper *m, unsigned i)
{
    struct zs_map map;
    m->mark[i] = (uint8_t)random_next(&m->random);
    zs_map_object(m->shared->pool, m->handle[i], ZS_MM_WO, m->len[i], m->buf, &map);
    memset(map.ptr, m->mark[i], m->len[i]);
    zs_unmap_object(m->shared->pool, &map);
}

static void allocate(struct mapper *m, unsigned i)
{
    m->len[i] = 1 + random_below(&m->random, random_below(&m->random, 8) == 0 ? 9000 : 300);
    if (zs_malloc(m->shared->pool, m->len[i], &m->handle[i]) == ZS_OK)
        write_all(m, i);
    else
        m->handle[i] = 0;
}

static void read_own(struct mapper *m, unsigned i)
{
    struct zs_map map;
    const uint8_t *p = zs_obj_read_begin(m->shared->pool, m->handle[i], m->len[i], m->buf, &map);
    EXPECT(all_are(p, m->len[i], m->mark[i]));
    zs_obj_read_end(m->shared->pool, &map);
}

/* Freed while mapped: the bytes stay until the unmap. */
static void free_mapped(struct mapper *m, unsigned i)
{
    struct zs_map map;
    const uint8_t *p = zs_obj_read_begin(m->shared->pool, m->handle[i], m->len[i], m->buf, &map);
    zs_free(m->shared->pool, m->handle[i]);
    m->handle[i] = 0;
    EXPECT(all_are(p, m->len[i], m->mark[i]));
    zs_obj_read_end(m->shared->pool, &map);
}

static void read_common(struct mapper *m, unsigned i)
{
    struct zs_map map;
    const uint8_t *p = zs_obj_read_begin(m->shared->pool, m->shared->common[i], 200, m->buf, &map);
    EXPECT(all_are(p, 200, (uint8_t)i));
    zs_obj_read_end(m->shared->pool, &map);
}

static void *map_and_check(void *arg)
{
    struct mapper *m = arg;
    for (unsigned long round = 0; goes_on(m->shared, round); round++) {
        unsigned i = random_below(&m->random, OBJECTS);
        unsigned what = random_below(&m->random, 16);
        if (m->handle[i] == 0)
            allocate(m, i);
        else if (what < 2)
            write_all(m, i);
        else if (what < 4)
            free_mapped(m, i);
        else if (what < 6) {
            zs_free(m->shared->pool, m->handle[i]);
            m->handle[i] = 0;
        } else if (what < 11)
            read_common(m, i);
        else
            read_own(m, i);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (m->handle[i] != 0)
            read_own(m, i);
        zs_free(m->shared->pool, m->handle[i]);
    }
    atomic_fetch_sub(&m->shared->running, 1);
    return NULL;
}

static void *move(void *arg)
{
    struct shared *s = arg;
    struct random random = {3};
    while (atomic_load(&s->running) > 0) {
        zs_compact(s->pool, (struct zs_budget){.max_moves = 1 + random_below(&random, 500)});
        zs_migrate(s->pool, (struct zs_budget){.max_bytes = 1 << 20});
        zs_trim(s->pool, random_below(&random, 300));
        zs_shrinker_count(s->pool);
        struct zs_pool_stats stats;
        zs_pool_stats(s->pool, &stats);
    }
    return NULL;
}

static void make_common(struct shared *s)
{
    for (unsigned i = 0; i < OBJECTS; i++) {
        uint8_t bytes[200];
        memset(bytes, (int)i, sizeof bytes);
        EXPECT(zs_malloc(s->pool, sizeof bytes, &s->common[i]) == ZS_OK);
        zs_obj_write(s->pool, s->common[i], 0, bytes, sizeof bytes);
    }
}

static void run(size_t limit)
{
    static struct shared s;
    static struct mapper mapper[MAPPERS];
    unsigned long seed = number_of("ZSC_SEED"), seconds = number_of("ZSC_SECONDS");
    printf("seed %lu, %lu s\n", seed, seconds);
    memset(mapper, 0, sizeof mapper);
    s.end_us = seconds == 0 ? 0 : clock_mono_us() + (int64_t)seconds * 1000000;
    s.pool = zs_create_pool(&(struct zs_pool_opts){.max_pages = limit});
    ck_assert_ptr_nonnull(s.pool);
    make_common(&s);
    atomic_store(&s.running, MAPPERS);
    pthread_t threads[MAPPERS + 1];
    for (unsigned i = 0; i < MAPPERS; i++) {
        mapper[i].shared = &s;
        mapper[i].random.state = seed * 1000003 + i * 77 + limit;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, map_and_check, &mapper[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&threads[MAPPERS], NULL, move, &s), 0);
    for (int i = 0; i <= MAPPERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_pstr_eq(zs_check(s.pool), NULL);
    for (unsigned i = 0; i < OBJECTS; i++)
        zs_free(s.pool, s.common[i]);
    ck_assert_uint_eq(zs_get_total_pages(s.pool), 0);
    ck_assert_uint_eq(zs_destroy_pool(s.pool, stderr), 0);
}

START_TEST(test_without_limit)
{
    run(0);
}
END_TEST

START_TEST(test_at_the_limit)
{
    run(600);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("zspool threads");
    TCase *c = tcase_create("threads");
    tcase_set_timeout(c, 300 + 2 * (double)number_of("ZSC_SECONDS"));
    tcase_add_test(c, test_without_limit);
    tcase_add_test(c, test_at_the_limit);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
