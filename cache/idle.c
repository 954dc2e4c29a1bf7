/* The keeper's walk through the index: every item gets older by one step each round, and those that
 * nobody used for two rounds are coded with all effort. An item is looked at once each time that it
 * grows idle: to read all that are idle in every round would keep a core busy with cache misses.
 * What was done in haste is looked at again when there is time. When there is a new dictionary or
 * an old one to get rid of, or the option `compression` has changed, the walk looks at all items.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "keeper.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "recode.h"
#include "state.h"
#include "stats.h"

/* Time between two steps of age. */
#define ROUND_MS 4000
/* From this age on an item is idle; while there is a hurry, sooner. */
#define IDLE_AGE  2
#define HURRY_AGE 1
#define HURRY_MS  1000
/* Coding is behind when so much of the cap is not coded with all effort: a part. */
#define BEHIND 32
/* What a writer does then for each store: items coded, and buckets looked at for that. */
#define HELP_ITEMS   2
#define HELP_BUCKETS 4
/* Of a shard at a time: items to look at, and buckets. */
#define BATCH         64
#define BATCH_BUCKETS 64

struct idle_item {
    uint32_t handle;
    uint16_t h14;
    bool idle;
};

/* In a hurry there is no time to see what grows old: what was never read is idle, too. */
static bool is_idle(const struct bucket *b, unsigned i, bool hurried)
{
    unsigned age = tag_age(b->tag[i]);
    return hurried ? age >= HURRY_AGE || ref_frequency(b->ref[i]) == 0 : age >= IDLE_AGE;
}

/* What a walk looks at beside the items that have grown idle. */
struct look {
    bool hurried;
    bool idle; /* all that are idle */
    bool all;
};

/* Lets an item age. True when it is to be looked at. */
static bool age_slot(struct bucket *b, unsigned i, const struct look *look, struct idle_item *out)
{
    unsigned age = tag_age(b->tag[i]);
    if (age < IDLE_AGE)
        b->tag[i]++;
    bool idle = is_idle(b, i, look->hurried);
    if (!look->all && !(idle && (age != AGE_SEEN || look->idle)))
        return false;
    if (idle)
        b->tag[i] = tag_with_age(b->tag[i], AGE_SEEN);
    *out = (struct idle_item){ref_handle(b->ref[i]), (uint16_t)tag_h14(b->tag[i]), idle};
    return true;
}

/* The items to look at of buckets from *at on. */
static unsigned collect_locked(struct shard *s, uint32_t *at, const struct look *look,
                               struct idle_item *out)
{
    unsigned n = 0, buckets = 0;
    uint32_t end = s->nbuckets;
    for (; *at < end && n + BUCKET_SLOTS <= BATCH && buckets < BATCH_BUCKETS; (*at)++, buckets++) {
        struct bucket *b = shard_bucket(s, *at);
        for (unsigned left = bucket_taken(b); left != 0; left &= left - 1)
            n += age_slot(b, (unsigned)__builtin_ctz(left), look, &out[n]);
    }
    return n;
}

/* The cache settles, or has no memory to spare and much left to code. */
static bool is_hurried(const struct cache *c)
{
    return is_settling(c) || atomic_load_explicit(&c->behind, memory_order_relaxed);
}

void idle_measure(struct cache *c)
{
    bool behind =
        !atomic_load_explicit(&c->roomy, memory_order_relaxed) &&
        atomic_load_explicit(&c->compression, memory_order_relaxed) != CACHE_UNCOMPRESSED &&
        counter_sum(c, N_LOOSE_BYTES) > (int64_t)(cache_cap(c) / BEHIND);
    atomic_store_explicit(&c->behind, behind, memory_order_relaxed);
}

/* Returns how many items it looked at. */
static size_t walk_shard(struct cache_thread *t, unsigned db, struct shard *s)
{
    const struct keeper *k = &t->cache->keeper;
    struct idle_item items[BATCH];
    size_t saved = 0, looked = 0;
    uint32_t at = 0, end = 1;
    struct look look = {is_hurried(t->cache), k->walk_idle, k->walk_how != 0};
    while (at < end) {
        lock_acquire(&s->lock);
        unsigned n = collect_locked(s, &at, &look, items);
        end = s->nbuckets;
        lock_release(&s->lock);
        looked += n;
        for (unsigned i = 0; i < n; i++) {
            lock_acquire(&s->lock);
            recode_item(t, db, s, items[i].h14, items[i].handle,
                        k->walk_how | (items[i].idle ? RECODE_CLOSE : 0), &saved);
        }
    }
    count(t, N_RUNG_BYTES + CACHE_RUNG_RECODE, (int64_t)saved);
    return looked;
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

/* At rest there is nothing to hurry for. */
static int64_t round_ms(const struct cache *c)
{
    return is_hurried(c) && cache_rest(c) == 0 ? HURRY_MS : ROUND_MS;
}

/* False when it is not time for another. */
static bool begin_walk(struct cache *c, int64_t now_ms)
{
    struct keeper *k = &c->keeper;
    uint8_t retired[LEARNER_DICTS];
    unsigned compression = atomic_load_explicit(&c->compression, memory_order_relaxed);
    uint64_t trainings = learner_trainings(c->learner);
    bool changed = compression != k->walk_compression;
    bool now = end_haste(c) || changed;
    if (!now && now_ms - k->walk_ms < round_ms(c) && now_ms >= k->walk_ms)
        return false;
    k->walk_at = 0;
    k->walk_haste = is_settling(c) && atomic_load_explicit(&c->haste, memory_order_relaxed);
    k->walk_idle = is_settling(c) && !k->walk_haste && counter_sum(c, N_HASTY) > 0;
    k->walk_ms = now_ms;
    k->walk_how = changed || trainings != k->walk_trainings ? RECODE_AGAIN : 0;
    k->walk_how |= learner_retired(c->learner, retired) > 0 ? RECODE_RETIRED : 0;
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

/* The new form of an item is there before the old one is gone, and what that leaves are holes:
 * these are to be closed before more is coded, or items would be evicted for it. */
static bool has_holes(struct cache *c)
{
    uint64_t cap = cache_cap(c);
    return cap != 0 && cache_used_memory(c) > cap / 1024 * MARK_HIGH;
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
    bool holes = false;
    size_t looked = 0;
    while (k->walk_at < shards && clock_mono_us() - begin < budget_us && !holes) {
        unsigned db = dbs[k->walk_at >> c->shard_bits];
        looked += walk_shard(t, db, &db_shards(c, db)[k->walk_at & ((1u << c->shard_bits) - 1)]);
        k->walk_at++;
        holes = has_holes(c);
    }
    int64_t us = clock_thread_cpu_us() - cpu;
    count(t, N_COMPRESS_US, us);
    if (looked > 0)
        rung(t, CACHE_RUNG_RECODE, 0, us);
    return k->walk_at < shards && !holes;
}

/* ---- the writers' part ---- */

/* Idle items of some buckets from a random one on. */
static unsigned look_around_locked(struct cache_thread *t, const struct shard *s,
                                   struct idle_item *out)
{
    unsigned n = 0;
    uint32_t end = s->nbuckets;
    uint32_t from = end == 0 ? 0 : random_below(&t->random, end);
    for (uint32_t at = from; at < end && at - from < HELP_BUCKETS; at++) {
        const struct bucket *b = shard_bucket(s, at);
        for (unsigned i = 0; i < BUCKET_SLOTS; i++)
            if (b->ref[i] != 0 && is_idle(b, i, true))
                out[n++] =
                    (struct idle_item){ref_handle(b->ref[i]), (uint16_t)tag_h14(b->tag[i]), true};
    }
    return n;
}

static void help_shard(struct cache_thread *t, unsigned db, struct shard *s)
{
    struct idle_item items[HELP_BUCKETS * BUCKET_SLOTS];
    size_t saved = 0;
    unsigned coded = 0;
    if (!lock_try(&s->lock))
        return;
    unsigned n = look_around_locked(t, s, items);
    lock_release(&s->lock);
    for (unsigned i = 0; i < n && coded < HELP_ITEMS && lock_try(&s->lock); i++)
        coded += recode_item(t, db, s, items[i].h14, items[i].handle, RECODE_CLOSE, &saved) ==
                 RECODED_SMALLER;
    count(t, N_RUNG_BYTES + CACHE_RUNG_RECODE, (int64_t)saved);
}

void idle_help(struct cache_thread *t)
{
    struct cache *c = t->cache;
    unsigned dbs[CACHE_MAX_DATABASES];
    if (!atomic_load_explicit(&c->behind, memory_order_relaxed) || t->helping != 0 ||
        t->locked_count != 0)
        return;
    unsigned n = databases_present(c, dbs);
    unsigned db = dbs[random_below(&t->random, n)];
    int64_t cpu = clock_thread_cpu_us();
    t->helping++;
    help_shard(t, db, &db_shards(c, db)[random_below(&t->random, 1u << c->shard_bits)]);
    t->helping--;
    int64_t us = clock_thread_cpu_us() - cpu;
    count(t, N_COMPRESS_US, us);
    rung(t, CACHE_RUNG_RECODE, 0, us);
}
