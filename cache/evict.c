/* The default policy: a nursery that is left in order of arrival, and a CLOCK over the slots of
 * main. Each shard has a hand of its own; a common counter tells which shard is next. */
#include <stdatomic.h>

#include "account.h"
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "memory.h"
#include "nursery.h"
#include "policy.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

/* Buckets that a hand passes in one visit of its shard. */
#define BUCKETS 4
/* From here on most items of a bucket go, so that all are fetched at once. */
#define MUCH ((size_t)32 << 10)
/* Batches out of the nursery in one call: what cannot be locked comes back at once. */
#define NURSERY_TRIES 64
/* Bytes that the keeper evicts between two looks at the clock. */
#define AT_ONCE ((size_t)256 << 10)

unsigned databases_present(struct cache *c, unsigned out[CACHE_MAX_DATABASES])
{
    unsigned n = 0;
    for (unsigned db = 0; db < c->databases; db++)
        if (db_shards(c, db) != NULL)
            out[n++] = db;
    return n;
}

/* Evicts the item of a slot, or passes it over. Returns its bytes. */
static size_t evict_slot(struct cache_thread *t, unsigned db, struct shard *s, struct slot at,
                         bool nursery_too)
{
    struct found f;
    if (!found_open(t, at, &f))
        return 0;
    if ((f.item.flags & ITEM_NURSERY) != 0 && !nursery_too) {
        found_end(t, &f);
        return 0;
    }
    return drop_as_locked(t, db, s, &f, GONE_EVICTED);
}

bool evict_has_victims(struct cache *c)
{
    if (!policy_is_volatile(atomic_load_explicit(&c->policy, memory_order_relaxed)))
        return cache_may_evict(c);
    int64_t n = 0;
    for (unsigned db = 0; db < c->databases; db++)
        n += counter_sum(c, N_DB_EXPIRING + db);
    return n > 0;
}

void evict_prefetch(struct cache *c, const struct bucket *b, unsigned frequency)
{
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if (b->ref[i] != 0 && ref_frequency(b->ref[i]) <= frequency)
            zs_prefetch(c->pool, ref_handle(b->ref[i]));
}

static size_t pass_bucket(struct cache_thread *t, unsigned db, struct shard *s, struct bucket *b,
                          size_t bytes, bool nursery_too, bool *lowered)
{
    size_t freed = 0;
    if (bytes >= MUCH)
        evict_prefetch(t->cache, b, 0);
    for (unsigned i = 0; i < BUCKET_SLOTS && freed < bytes; i++) {
        if (b->ref[i] == 0)
            continue;
        if (ref_frequency(b->ref[i]) > 0) {
            b->ref[i]--;
            *lowered = true;
        } else {
            freed += evict_slot(t, db, s, (struct slot){b, i}, nursery_too);
        }
    }
    return freed;
}

static size_t pass_shard(struct cache_thread *t, unsigned db, struct shard *s, size_t bytes,
                         bool nursery_too, bool *lowered)
{
    size_t freed = 0;
    uint32_t end = s->nbuckets;
    for (unsigned n = 0; n < BUCKETS && n < end && freed < bytes; n++) {
        if (s->hand >= end)
            s->hand = 0;
        freed +=
            pass_bucket(t, db, s, shard_bucket(s, s->hand), bytes - freed, nursery_too, lowered);
        s->hand++;
    }
    return freed;
}

static size_t evict_clock(struct cache_thread *t, size_t bytes, bool nursery_too)
{
    struct cache *c = t->cache;
    unsigned dbs[CACHE_MAX_DATABASES];
    unsigned n = databases_present(c, dbs);
    uint64_t shards = (uint64_t)n << c->shard_bits;
    size_t freed = 0;
    /* Rounds that found nothing to do, until the hands have been everywhere. */
    uint32_t in_vain = 0, most = 0;
    while (in_vain <= most / BUCKETS && freed < bytes) {
        bool some = false;
        size_t before = freed;
        for (uint64_t i = 0; i < shards && freed < bytes; i++) {
            uint64_t at = atomic_fetch_add_explicit(&c->hand, 1, memory_order_relaxed) % shards;
            unsigned db = dbs[at >> c->shard_bits];
            struct shard *s = &db_shards(c, db)[at & ((1u << c->shard_bits) - 1)];
            if (!lock_try(&s->lock))
                continue;
            if (most < s->nbuckets)
                most = s->nbuckets;
            freed += pass_shard(t, db, s, bytes - freed, nursery_too, &some);
            lock_release(&s->lock);
        }
        in_vain = some || freed > before ? 0 : in_vain + 1;
    }
    return freed;
}

/* What the nursery has over its share goes, or gets into main. */
static size_t filter(struct cache_thread *t, size_t bytes)
{
    struct cache *c = t->cache;
    size_t freed = 0;
    /* To look for the few that are not in the nursery would be to look at nearly all. */
    bool drain = nursery_is_most(c);
    for (int i = 0; i < NURSERY_TRIES && freed < bytes && (drain || nursery_is_full(c, false)); i++)
        nursery_leave(t, 16, 0, true, &freed);
    return freed;
}

static size_t evict_s3fifo(struct cache_thread *t, size_t bytes)
{
    size_t freed = filter(t, bytes);
    if (freed < bytes)
        freed += evict_clock(t, bytes - freed, false);
    for (int i = 0; i < NURSERY_TRIES && freed < bytes; i++)
        if (nursery_leave(t, 16, 0, true, &freed) == 0)
            break;
    return freed > 0 ? freed : evict_clock(t, bytes, true);
}

size_t evict(struct cache_thread *t, size_t bytes)
{
    unsigned policy = atomic_load_explicit(&t->cache->policy, memory_order_relaxed);
    switch (policy) {
    case CACHE_NOEVICTION:
        return 0;
    case CACHE_ALLKEYS_S3FIFO:
        return evict_s3fifo(t, bytes);
    default:
        return evict_sampled(t, bytes);
    }
}

/* By then the hand has been everywhere, and no frequency is left. */
#define ROUNDS 5

static size_t evict_clock_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s)
{
    bool lowered;
    size_t freed = 0;
    for (uint32_t n = 0; n <= s->nbuckets * ROUNDS && freed == 0; n += BUCKETS)
        freed = pass_shard(t, db, s, 1, true, &lowered);
    return freed;
}

size_t evict_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s)
{
    switch (atomic_load_explicit(&t->cache->policy, memory_order_relaxed)) {
    case CACHE_NOEVICTION:
        return 0;
    case CACHE_ALLKEYS_S3FIFO:
        return evict_clock_of_shard_locked(t, db, s);
    default:
        return evict_sampled_of_shard_locked(t, db, s);
    }
}

/* The keeper holds no lock, so that it can do better with the nursery than who helps out: it codes
 * long values, too. */
static size_t evict_ahead(struct cache_thread *t, size_t bytes)
{
    size_t freed = 0;
    if (atomic_load_explicit(&t->cache->policy, memory_order_relaxed) == CACHE_ALLKEYS_S3FIFO)
        freed = filter(t, bytes);
    t->helping++;
    if (freed < bytes)
        freed += evict(t, bytes - freed);
    t->helping--;
    return freed;
}

bool evict_slice(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    int64_t cpu = clock_thread_cpu_us();
    size_t freed = 0;
    if (memory_over(c, MARK_HIGH) == 0)
        return false;
    if (policy_is_sampled(atomic_load_explicit(&c->policy, memory_order_relaxed))) {
        t->helping++;
        freed += reduce(t, MARK_LOW, end_us);
        t->helping--;
    }
    for (size_t over; (over = memory_over(c, MARK_LOW)) > 0 && clock_mono_us() < end_us;) {
        size_t got = evict_ahead(t, over < AT_ONCE ? over : AT_ONCE);
        freed += got;
        if (got == 0)
            break;
    }
    rung(t, CACHE_RUNG_EVICT, freed, clock_thread_cpu_us() - cpu);
    return memory_over(c, MARK_HIGH) > 0 && freed > 0;
}
