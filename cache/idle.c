/* The keeper's walk through the index: every item gets older by one step each round, and those that
 * nobody used for two rounds are coded with all effort. When there is a new dictionary or an old
 * one to get rid of, or the option `compression` has changed, it looks at all items. */
#include "base/clock.h"
#include "internal.h"

#define ROUND_MS IDLE_ROUND_MS
/* From this age on an item is idle; while the cache settles, sooner. */
#define IDLE_AGE     2
#define SETTLING_AGE 1
#define SETTLING_MS  1000
/* Items of a shard at a time. */
#define BATCH 64

struct idle_item {
    uint32_t handle;
    uint16_t h14;
    bool idle;
};

/* The items of buckets from *at on. */
static unsigned collect_locked(struct shard *s, uint32_t *at, unsigned idle_age,
                               struct idle_item *out)
{
    unsigned n = 0;
    uint32_t end = s->nbuckets;
    for (; *at < end && n + BUCKET_SLOTS <= BATCH; (*at)++) {
        struct bucket *b = shard_bucket(s, *at);
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->ref[i] == 0)
                continue;
            if (tag_age(b->tag[i]) < 3)
                b->tag[i]++;
            out[n++] = (struct idle_item){ref_handle(b->ref[i]), (uint16_t)tag_h14(b->tag[i]),
                                          tag_age(b->tag[i]) >= idle_age};
        }
    }
    return n;
}

static void walk_shard(struct cache_thread *t, unsigned db, struct shard *s)
{
    const struct keeper *k = &t->cache->keeper;
    struct idle_item items[BATCH];
    size_t saved = 0;
    uint32_t at = 0, end = 1;
    unsigned idle_age = is_settling(t->cache) ? SETTLING_AGE : IDLE_AGE;
    while (at < end) {
        lock_acquire(&s->lock);
        unsigned n = collect_locked(s, &at, idle_age, items);
        end = s->nbuckets;
        lock_release(&s->lock);
        for (unsigned i = 0; i < n; i++) {
            if (!items[i].idle && !k->walk_all)
                continue;
            lock_acquire(&s->lock);
            recode_item(t, db, s, items[i].h14, items[i].handle,
                        k->walk_how | (items[i].idle ? RECODE_CLOSE : 0), &saved);
        }
    }
    count(t, N_RUNG_BYTES + CACHE_RUNG_RECODE, (int64_t)saved);
}

/* True when all is coded in haste now, and time to do better. */
static bool end_haste(struct cache *c)
{
    struct keeper *k = &c->keeper;
    if (!k->walk_haste || counter_sum(c, N_NURSERY_ITEMS) > 0)
        return false;
    k->walk_haste = false;
    atomic_store_explicit(&c->haste, false, memory_order_relaxed);
    return true;
}

/* False when it is not time for another. */
static bool begin_walk(struct cache *c, int64_t now_ms)
{
    struct keeper *k = &c->keeper;
    uint8_t retired[LEARNER_DICTS];
    unsigned compression = atomic_load_explicit(&c->compression, memory_order_relaxed);
    uint64_t trainings = learner_trainings(c->learner);
    int64_t round = is_settling(c) ? SETTLING_MS : ROUND_MS;
    bool changed = compression != k->walk_compression;
    bool now = end_haste(c) || changed;
    if (!now && now_ms - k->walk_ms < round && now_ms >= k->walk_ms)
        return false;
    k->walk_at = 0;
    k->walk_haste = is_settling(c) && atomic_load_explicit(&c->haste, memory_order_relaxed);
    k->walk_ms = now_ms;
    k->walk_how = changed || trainings != k->walk_trainings ? RECODE_AGAIN : 0;
    k->walk_how |= learner_retired(c->learner, retired) > 0 ? RECODE_RETIRED : 0;
    k->walk_all = k->walk_how != 0;
    k->walk_compression = compression;
    k->walk_trainings = trainings;
    return true;
}

/* Whether the walk under way, if there is one, is still the right one. */
static bool is_walking(const struct cache *c, uint64_t shards)
{
    return c->keeper.walk_at < shards &&
           c->keeper.walk_compression ==
               atomic_load_explicit(&c->compression, memory_order_relaxed);
}

bool idle_walk(struct cache_thread *t, int64_t budget_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    unsigned dbs[CACHE_MAX_DATABASES];
    unsigned n = databases_present(c, dbs);
    uint64_t shards = (uint64_t)n << c->shard_bits;
    int64_t begin = clock_mono_us();
    int64_t cpu = clock_thread_cpu_us();
    if (!is_walking(c, shards) && !begin_walk(c, t->now_ms))
        return false;
    while (k->walk_at < shards && clock_mono_us() - begin < budget_us) {
        unsigned db = dbs[k->walk_at >> c->shard_bits];
        walk_shard(t, db, &db_shards(c, db)[k->walk_at & ((1u << c->shard_bits) - 1)]);
        k->walk_at++;
    }
    int64_t us = clock_thread_cpu_us() - cpu;
    count(t, N_COMPRESS_US, us);
    rung(t, CACHE_RUNG_RECODE, 0, us);
    return k->walk_at < shards;
}
