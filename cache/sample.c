/* The sampled policies: of some random items the worst goes. Hashing spreads keys at random, so
 * neighbours in a shard, and in the shards behind it, are a random sample.
 *
 * Access clock of an item (24 bits), under the LRU and LFU policies only:
 *   LRU   time of the last use, in tenths of a second
 *   LFU   [ minutes of the last change : 16 ][ logarithmic counter : 8 ]
 */
#include <stdatomic.h>
#include <string.h>

#include "account.h"
#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "policy.h"
#include "state.h"

#define CLOCK_MASK   0xffffffu
#define SAMPLE_TIMES 4  /* so many times maxmemory-samples are looked at for the first victim */
#define TRIES        64 /* victims that others took first, or whose shard is busy */
#define VICTIMS      16 /* that are remembered */
#define LFU_START    5
#define LFU_FACTOR   10

static uint32_t tenths(const struct cache_thread *t)
{
    return (uint32_t)(t->now_ms / 100) & CLOCK_MASK;
}

static uint32_t minutes(const struct cache_thread *t)
{
    return (uint32_t)(t->now_ms / 60000) & 0xffff;
}

uint32_t clock_new(const struct cache_thread *t, unsigned policy)
{
    return policy_is_lfu(policy) ? minutes(t) << 8 | LFU_START : tenths(t);
}

unsigned clock_frequency(const struct cache_thread *t, uint32_t clock)
{
    unsigned counter = clock & 0xff;
    uint32_t passed = (minutes(t) - (clock >> 8)) & 0xffff;
    return passed < counter ? counter - passed : 0;
}

uint32_t clock_touched(struct cache_thread *t, unsigned policy, uint32_t clock)
{
    if (!policy_is_lfu(policy))
        return tenths(t);
    unsigned counter = clock_frequency(t, clock);
    unsigned base = counter > LFU_START ? counter - LFU_START : 0;
    if (counter < 255 && random_below(&t->random, base * LFU_FACTOR + 1) == 0)
        counter++;
    return minutes(t) << 8 | counter;
}

int64_t clock_idle_ms(const struct cache_thread *t, unsigned policy, uint32_t clock)
{
    if (policy_is_lfu(policy))
        return (int64_t)((minutes(t) - (clock >> 8)) & 0xffff) * 60000;
    return (int64_t)((tenths(t) - clock) & CLOCK_MASK) * 100;
}

uint64_t evict_badness(struct cache_thread *t, unsigned policy, const struct found *f)
{
    const struct item *it = &f->item;
    unsigned age = tag_age(f->slot.bucket->tag[f->slot.i]);
    if (policy_is_volatile(policy) && it->expire_ms == CACHE_NO_EXPIRY)
        return 0;
    if (policy == CACHE_VOLATILE_TTL)
        return UINT64_MAX - (uint64_t)it->expire_ms;
    if (!policy_has_clock(policy))
        return (random_next(&t->random) >> 1) + 1;
    if (it->clock_at == 0) /* made under another policy */
        return policy_is_lfu(policy) ? 256 - ref_frequency(f->slot.bucket->ref[f->slot.i])
                                     : age * 15000u + 1;
    uint32_t clock = item_read_clock(f->object + it->clock_at);
    int64_t idle = clock_idle_ms(t, policy, clock);
    if (policy_is_lfu(policy))
        return (uint64_t)(256 - clock_frequency(t, clock)) << 32 | (uint32_t)(idle / 1000);
    return (uint64_t)idle + 1;
}

/* The worst that were seen, the very worst last. Each victim takes the last, and those that were
 * nearly as bad stay for the next: so a call that evicts many samples little for each. */
struct victim {
    struct shard *shard;
    unsigned db, h14;
    uint32_t handle;
    uint64_t bad;
};

struct victims {
    struct victim v[VICTIMS];
    unsigned n;
};

static bool is_known(const struct victims *all, uint32_t handle)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->v[i].handle == handle)
            return true;
    return false;
}

static void keep(struct victims *all, const struct victim *v)
{
    if (v->bad == 0 || (all->n == VICTIMS && v->bad <= all->v[0].bad) || is_known(all, v->handle))
        return;
    unsigned at = all->n;
    if (all->n < VICTIMS)
        all->n++;
    else /* the least bad goes */
        memmove(&all->v[0], &all->v[1], --at * sizeof all->v[0]);
    for (; at > 0 && all->v[at - 1].bad > v->bad; at--)
        all->v[at] = all->v[at - 1];
    all->v[at] = *v;
}

/* Looks at items from a random bucket on until so many were seen. */
static void sample_shard_locked(struct cache_thread *t, unsigned policy, unsigned db,
                                struct shard *s, unsigned want, unsigned *seen, struct victims *all)
{
    uint32_t end = s->nbuckets;
    uint32_t from = random_below(&t->random, end);
    for (uint32_t n = 0; n < end && *seen < want; n++) {
        struct bucket *b = shard_bucket(s, (from + n) % end);
        if (policy_is_volatile(policy) && b->due == DUE_NEVER)
            continue;
        unsigned first = random_below(&t->random, BUCKET_SLOTS);
        for (unsigned k = 0; k < BUCKET_SLOTS && *seen < want; k++) {
            unsigned i = (first + k) % BUCKET_SLOTS;
            struct found f;
            if (b->ref[i] == 0 || !found_open(t, (struct slot){b, i}, &f))
                continue;
            struct victim v = {s, db, tag_h14(b->tag[i]), ref_handle(b->ref[i]),
                               evict_badness(t, policy, &f)};
            found_end(t, &f);
            *seen += v.bad > 0;
            keep(all, &v);
        }
    }
}

/* Looks at `want` more items, in as many shards as that needs from *at on. */
static void sample(struct cache_thread *t, unsigned policy, unsigned want, uint32_t *at,
                   struct victims *all)
{
    struct cache *c = t->cache;
    unsigned dbs[CACHE_MAX_DATABASES];
    uint32_t shards = (uint32_t)databases_present(c, dbs) << c->shard_bits;
    unsigned seen = 0;
    for (uint32_t n = 0; n < shards && seen < want; n++) {
        *at = (*at + 1) % shards;
        unsigned db = dbs[*at >> c->shard_bits];
        struct shard *s = &db_shards(c, db)[*at & ((1u << c->shard_bits) - 1)];
        if (!lock_try(&s->lock))
            continue;
        if (policy_has_victims(policy, s))
            sample_shard_locked(t, policy, db, s, want, &seen, all);
        lock_release(&s->lock);
    }
}

/* Drops it when it is still there; returns its bytes. */
static size_t drop_victim_locked(struct cache_thread *t, const struct victim *v)
{
    struct slot slot;
    struct found f;
    if (!shard_find_handle(v->shard, v->h14, v->handle, &slot) || !found_open(t, slot, &f))
        return 0;
    return drop_as_locked(t, v->db, v->shard, &f, GONE_EVICTED);
}

static size_t drop_victim(struct cache_thread *t, const struct victim *v)
{
    if (!lock_try(&v->shard->lock))
        return 0;
    size_t freed = drop_victim_locked(t, v);
    lock_release(&v->shard->lock);
    return freed;
}

size_t evict_sampled(struct cache_thread *t, size_t bytes)
{
    struct cache *c = t->cache;
    unsigned policy = atomic_load_explicit(&c->policy, memory_order_relaxed);
    unsigned samples = atomic_load_explicit(&c->samples, memory_order_relaxed);
    struct victims all = {.n = 0};
    uint32_t at = (uint32_t)random_next(&t->random) >> 4;
    size_t freed = 0;
    for (unsigned in_vain = 0, want = samples * SAMPLE_TIMES; freed < bytes && in_vain < TRIES;) {
        sample(t, policy, want, &at, &all);
        if (all.n == 0)
            break;
        size_t got = drop_victim(t, &all.v[--all.n]);
        freed += got;
        in_vain = got > 0 ? 0 : in_vain + 1;
        want = samples;
    }
    return freed;
}

size_t evict_sampled_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s)
{
    struct cache *c = t->cache;
    unsigned policy = atomic_load_explicit(&c->policy, memory_order_relaxed);
    unsigned samples = atomic_load_explicit(&c->samples, memory_order_relaxed), seen = 0;
    struct victims all = {.n = 0};
    if (policy_has_victims(policy, s))
        sample_shard_locked(t, policy, db, s, samples, &seen, &all);
    return all.n > 0 ? drop_victim_locked(t, &all.v[all.n - 1]) : 0;
}
