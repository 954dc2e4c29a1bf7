/* The tables of the index and the store that they come from: against a model, while they grow and
 * shrink, move, and get no memory. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "bucket.h"
#include "bucket_store.h"
#include "cache/cache.h"
#include "cache_test.h"
#include "stats.h"

#define RANK   12
#define SHARDS 64
#define MOST   6000 /* items of a shard */

static struct bucket_store store;
static struct shard shard[SHARDS];
static struct random rnd;
static unsigned fail_in; /* takings until one fails, and all after it; 0 = none does */

/* The handle of an item is its place here and 1. */
static struct {
    uint16_t h14;
    uint8_t shard;
    bool there;
} model[SHARDS * 400];

static bool fails(void *arg)
{
    (void)arg;
    return fail_in > 0 && (fail_in == 1 || --fail_in == 0);
}

static void begin(void)
{
    memset(model, 0, sizeof model);
    fail_in = 0;
    rnd.state = 20261125;
    ck_assert(bucket_store_create(&store, RANK, fails, NULL));
    for (unsigned i = 0; i < SHARDS; i++)
        shard_init(&shard[i], 8, &store);
}

static void check_all(unsigned shards)
{
    size_t buckets = 0;
    for (unsigned i = 0; i < shards; i++) {
        const char *wrong = shard_check(&shard[i]);
        ck_assert_msg(wrong == NULL, "%s", wrong);
        buckets += shard_buckets_taken(&shard[i]);
    }
    const char *wrong = bucket_store_check(&store, buckets);
    ck_assert_msg(wrong == NULL, "%s", wrong);
}

static void end(void)
{
    check_all(SHARDS);
    for (unsigned i = 0; i < SHARDS; i++)
        shard_free(&shard[i]);
    const char *wrong = bucket_store_check(&store, 0);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    bucket_store_trim(&store);
    ck_assert_uint_eq(bucket_store_bytes(&store), 0);
    bucket_store_destroy(&store);
}

static bool insert(unsigned n, unsigned s)
{
    unsigned h14 = random_below(&rnd, 1 << 14), frequency = n & 3;
    if (!shard_insert(&shard[s], h14, n + 1, frequency, DUE_NEVER - n))
        return false;
    model[n].h14 = (uint16_t)h14;
    model[n].shard = (uint8_t)s;
    model[n].there = true;
    return true;
}

/* The item is where it must be, with all that belongs to it, or nowhere. */
static struct slot look(unsigned n)
{
    struct slot at = {NULL, 0};
    bool found = shard_find_handle(&shard[model[n].shard], model[n].h14, n + 1, &at);
    ck_assert_int_eq(found, model[n].there);
    if (found) {
        ck_assert_uint_eq(tag_h14(at.bucket->tag[at.i]), model[n].h14);
        ck_assert_uint_eq(ref_frequency(at.bucket->ref[at.i]), n & 3);
        ck_assert_uint_le(at.bucket->due, DUE_NEVER - n);
    }
    return at;
}

static void look_at_all(unsigned items)
{
    for (unsigned n = 0; n < items; n++)
        look(n);
}

static void take_out(unsigned n)
{
    shard_remove(&shard[model[n].shard], look(n));
    model[n].there = false;
    look(n);
}

/* One shard whose number of items wanders up and down. */
START_TEST(grows_and_shrinks)
{
    begin();
    for (unsigned step = 0; step < 60000; step++) {
        unsigned n = random_below(&rnd, MOST);
        bool more = step / 12000 % 2 == 0;
        if (!model[n].there && (more || random_below(&rnd, 4) == 0))
            ck_assert(insert(n, 0));
        else if (model[n].there && (!more || random_below(&rnd, 4) == 0))
            take_out(n);
        if (random_below(&rnd, 500) == 0)
            shard_fit(&shard[0]);
        if (step % 4000 == 0) {
            check_all(1);
            look_at_all(MOST);
        }
    }
    for (unsigned n = 0; n < MOST; n++)
        if (model[n].there)
            take_out(n);
    ck_assert_uint_eq(shard[0].count, 0);
    shard_fit(&shard[0]);
    ck_assert_uint_eq(shard[0].nbuckets, 0);
    end();
}
END_TEST

/* A table that grows has few free slots. */
START_TEST(is_dense)
{
    begin();
    double sum = 0;
    for (unsigned n = 0; n < MOST; n++) {
        ck_assert(insert(n, 0));
        sum += shard[0].count / (double)(shard[0].nbuckets * BUCKET_SLOTS);
    }
    ck_assert_double_gt(sum / MOST, 0.87);
    size_t bytes = (size_t)shard[0].nbuckets * sizeof(struct bucket);
    ck_assert_uint_le(bucket_store_bytes(&store), bytes * 2 + bytes / 32 + 4096);
    end();
}
END_TEST

/* When most items of all shards go, so does the memory. */
START_TEST(gives_memory_back)
{
    unsigned items = SHARDS * 400;
    begin();
    for (unsigned n = 0; n < items; n++)
        ck_assert(insert(n, n % SHARDS));
    size_t before = bucket_store_bytes(&store);
    for (unsigned n = 0; n < items; n++)
        if (n % 8 != 0)
            take_out(n);
    for (unsigned i = 0; i < SHARDS; i++)
        shard_fit(&shard[i]);
    uint32_t goal = bucket_store_goal(&store);
    ck_assert_uint_ne(goal, UINT32_MAX);
    for (unsigned i = 0; i < SHARDS; i++)
        shard_move_down(&shard[i], goal);
    bucket_store_trim(&store);
    ck_assert_uint_lt(bucket_store_bytes(&store), before / 5 + 16 * 4096);
    ck_assert_uint_eq(bucket_store_goal(&store), UINT32_MAX);
    check_all(SHARDS);
    look_at_all(items);
    end();
}
END_TEST

/* Without memory a table fills up, then it refuses; nothing is lost. */
START_TEST(lives_without_memory)
{
    begin();
    fail_in = 1;
    ck_assert(!insert(0, 0));
    for (unsigned takings = 2; takings < 9; takings++) {
        unsigned n = shard[0].count;
        fail_in = takings;
        while (insert(n, 0))
            n++;
        ck_assert_uint_ge(n * 100, shard[0].nbuckets * BUCKET_SLOTS * 96);
        check_all(1);
        look_at_all(n);
        fail_in = 0;
    }
    unsigned full = shard[0].count;
    fail_in = 1;
    ck_assert(!insert(full, 0));
    for (unsigned left = full; left > 0; left--) {
        unsigned n = random_below(&rnd, full);
        while (!model[n].there)
            n = (n + 1) % full;
        take_out(n);
        shard_fit(&shard[0]); /* has no memory for it */
        if (left % 16 == 0)
            check_all(1);
    }
    end();
}
END_TEST

static unsigned h14_of(uint32_t handle)
{
    return handle * 40503 >> 3 & 0x3fff;
}

/* As large as a table can be, and as full: then it refuses. */
START_TEST(is_huge)
{
    uint32_t n = 0, most = BUCKET_SLOTS << 14;
    struct slot at;
    begin();
    while (n <= most && shard_insert(&shard[0], h14_of(n + 1), n + 1, 0, DUE_NEVER))
        n++;
    ck_assert_uint_eq(n, (most * 96 + 99) / 100);
    check_all(1);
    for (uint32_t i = 0; i < n; i++)
        ck_assert(i % 4 == 0 || shard_find_handle(&shard[0], h14_of(i + 1), i + 1, &at));
    for (uint32_t i = 0; i < n / 2; i++) {
        ck_assert(shard_find_handle(&shard[0], h14_of(i + 1), i + 1, &at));
        shard_remove(&shard[0], at);
    }
    shard_fit(&shard[0]);
    shard_move_down(&shard[0], shard_buckets_taken(&shard[0]));
    check_all(1);
    for (uint32_t i = n / 2; i < n; i++)
        ck_assert(shard_find_handle(&shard[0], h14_of(i + 1), i + 1, &at));
    end();
}
END_TEST

/* All in one home bucket: the table is one run over its end. */
START_TEST(goes_round)
{
    begin();
    for (unsigned n = 0; n < 300; n++) {
        ck_assert(shard_insert(&shard[0], (1 << 14) - 1, n + 1, n & 3, DUE_NEVER - n));
        model[n].h14 = (1 << 14) - 1;
        model[n].there = true;
    }
    check_all(1);
    look_at_all(300);
    for (unsigned n = 0; n < 300; n += 2)
        take_out(n);
    shard_fit(&shard[0]);
    check_all(1);
    look_at_all(300);
    end();
}
END_TEST

/* ---- the whole cache ---- */

static void store_many(unsigned items)
{
    char name[32];
    for (unsigned n = 0; n < items; n++) {
        snprintf(name, sizeof name, "many:%u", n);
        ck_assert_int_eq(fixture_set(name, "x", 1), CACHE_OK);
    }
}

static void index_empties(bool flush)
{
    fixture_begin((struct cache_opts){.hash_seed = "index", .maxmemory = (uint64_t)1 << 30});
    store_many(1);
    uint64_t none = fixture_stats().index_bytes;
    store_many(60000);
    uint64_t many = fixture_stats().index_bytes;
    ck_assert_uint_gt(many, none + 60000 * 7);
    if (flush)
        cache_flush(fx.t, -1, false);
    for (unsigned n = 0; !flush && n < 60000; n++) {
        char name[32];
        snprintf(name, sizeof name, "many:%u", n);
        struct cache_key k = fixture_key(name);
        ck_assert(n % 16 == 0 || cache_delete(fx.t, &k) == CACHE_OK);
    }
    fixture_check();
    fixture_pass(8000);
    ck_assert_uint_lt(fixture_stats().index_bytes, none + (flush ? 4096 : (many - none) / 4));
    fixture_end();
}

START_TEST(flushing_empties_the_index)
{
    index_empties(true);
}
END_TEST

START_TEST(deleting_empties_the_index)
{
    index_empties(false);
}
END_TEST

/* ---- full tables ---- */

static bool refuse(void *arg)
{
    (void)arg;
    return true;
}

static unsigned store_small(unsigned from, unsigned to)
{
    unsigned stored = 0;
    for (unsigned i = from; i < to; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "full:%u", i);
        struct cache_key k = fixture_key(name);
        struct cache_source src = {.flat = "x", .total = 1};
        int64_t expire_ms = i % 2 == 0 ? fx.now + 1000000 : CACHE_NO_EXPIRY;
        stored += cache_set(fx.t, &k, CACHE_STRING, &src, expire_ms, 0) == CACHE_OK;
    }
    return stored;
}

/* When tables cannot grow, there is memory in vain: other items go, or what does not fit is
 * refused. */
START_TEST(full_tables_evict)
{
    enum cache_policy policy = (enum cache_policy)_i;
    bool evicts = policy != CACHE_NOEVICTION;
    fixture_begin(
        (struct cache_opts){.policy = policy, .maxmemory = (uint64_t)1 << 30, .hash_seed = "full"});
    ck_assert_uint_eq(store_small(0, 30000), 30000);
    fx.cache->buckets.fail = refuse;
    unsigned stored = store_small(30000, 60000);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_eq(s.items, 30000 + stored - s.evicted);
    ck_assert_uint_lt(s.items, 50000);
    if (evicts)
        ck_assert_uint_gt(s.evicted, 10000);
    if (policy >= CACHE_VOLATILE_LRU && policy <= CACHE_VOLATILE_TTL)
        ck_assert_uint_gt(stored, 25000); /* in some shards nothing expires any more */
    else
        ck_assert_uint_eq(stored == 30000, evicts);
    fx.cache->buckets.fail = NULL;
    ck_assert_uint_eq(store_small(60000, 61000), 1000);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("index");
    tcase_add_test(c, grows_and_shrinks);
    tcase_add_test(c, is_dense);
    tcase_add_test(c, gives_memory_back);
    tcase_add_test(c, lives_without_memory);
    tcase_add_test(c, is_huge);
    tcase_add_test(c, goes_round);
    tcase_add_test(c, flushing_empties_the_index);
    tcase_add_test(c, deleting_empties_the_index);
    tcase_add_loop_test(c, full_tables_evict, 0, CACHE_POLICIES);
    return fixture_run(c);
}
