/* The keeper's walk through the index: every item gets older by one step each round, and those that
 * nobody used for two rounds are coded with all effort. */
#include "base/clock.h"
#include "internal.h"

#define ROUND_MS IDLE_ROUND_MS
/* From this age on an item is idle; when the machine is short of memory, sooner. */
#define IDLE_AGE    2
#define PRESSED_AGE 1
#define PRESSED_MS  1000
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
    uint32_t end = shard_buckets(s->nbuckets);
    for (; *at < end && n + BUCKET_SLOTS <= BATCH; (*at)++) {
        struct bucket *b = &s->bucket[*at];
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

static void walk_shard(struct cache_thread *t, unsigned db, struct shard *s, bool all)
{
    struct idle_item items[BATCH];
    size_t saved = 0;
    uint32_t at = 0, end = 1;
    unsigned idle_age = is_pressed(t->cache) ? PRESSED_AGE : IDLE_AGE;
    while (at < end) {
        lock_acquire(&s->lock);
        unsigned n = collect_locked(s, &at, idle_age, items);
        end = shard_buckets(s->nbuckets);
        lock_release(&s->lock);
        for (unsigned i = 0; i < n; i++) {
            if (!items[i].idle && !all)
                continue;
            lock_acquire(&s->lock);
            recode_item(t, db, s, items[i].h14, items[i].handle,
                        items[i].idle ? CODEC_CLOSE : CODEC_FAST, &saved);
        }
    }
    count(t, N_RUNG_BYTES + CACHE_RUNG_RECODE, (int64_t)saved);
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
    if (k->walk_at >= shards) {
        int64_t round = is_pressed(c) ? PRESSED_MS : ROUND_MS;
        if (t->now_ms - k->walk_ms < round && t->now_ms >= k->walk_ms)
            return false;
        k->walk_at = 0;
        k->walk_ms = t->now_ms;
        k->walk_all = learner_trainings(c->learner) != k->walk_trainings;
        k->walk_trainings = learner_trainings(c->learner);
    }
    while (k->walk_at < shards && clock_mono_us() - begin < budget_us) {
        unsigned db = dbs[k->walk_at >> c->shard_bits];
        walk_shard(t, db, &db_shards(c, db)[k->walk_at & ((1u << c->shard_bits) - 1)], k->walk_all);
        k->walk_at++;
    }
    int64_t us = clock_thread_cpu_us() - cpu;
    count(t, N_COMPRESS_US, us);
    rung(t, CACHE_RUNG_RECODE, 0, us);
    return k->walk_at < shards;
}
