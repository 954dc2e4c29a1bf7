/* The nursery: where new items stay raw until it is known whether they are worth coding. */
#include <stdatomic.h>

#include "account.h"
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "find.h"
#include "ghost.h"
#include "item.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "nursery.h"
#include "nursery_ring.h"
#include "recode.h"
#include "state.h"
#include "stats.h"

#define BATCH 32
/* Of a writer that helps. */
#define HELP 8
/* Its share, and how much more it may hold until writers help, as parts of the cap and of that. */
#define SHARE 10
#define SLACK 4
/* What an item takes beside its value, about: key, slot of the index, entry of the ring. */
#define BESIDE 48
/* What the ghost remembers: keys for this much of the cap each. */
#define GHOST_BYTES 512
#define GHOST_MOST  ((size_t)4 << 20)
/* Without a cap. */
#define SHARE_BYTES ((int64_t)64 << 20)
/* Items stay so long when there is time to code them, in tenths of a second. */
#define AGE 10
/* The least share, as a part of the whole. */
#define SHARE_LEAST 8
/* Entries in the ring, stale ones among them, that are not left to wait for a dictionary. */
#define ENTRIES_MOST ((size_t)1 << 20)

void nursery_arrive(struct cache_thread *t, const struct cache_key *k, uint32_t handle)
{
    struct nursery_entry e = {.hash = k->hash, .handle = handle};
    e.db = k->db & 15u;
    e.when = (uint32_t)(t->now_ms / 100) & 0xfffffffu;
    /* Without memory for the entry the walk over idle items will find it. */
    nursery_ring_add(t->cache->ring, t->id, &e);
}

/* With memory to spare only bytes that coding may save count. */
bool nursery_is_full(struct cache *c, bool slack)
{
    int64_t share = atomic_load_explicit(&c->nursery_share, memory_order_relaxed);
    int64_t held = counter_sum(c, N_NURSERY_BYTES);
    if (!atomic_load_explicit(&c->roomy, memory_order_relaxed))
        held += counter_sum(c, N_NURSERY_ITEMS) * BESIDE;
    return held > (slack ? share + share / SLACK : share);
}

bool nursery_is_most(struct cache *c)
{
    int64_t n = counter_sum(c, N_NURSERY_ITEMS);
    return counter_sum(c, N_ITEMS) - n < n / 8;
}

size_t nursery_ghost_capacity(uint64_t cap)
{
    return cap / GHOST_BYTES < GHOST_MOST ? (size_t)(cap / GHOST_BYTES) : GHOST_MOST;
}

/* A tenth of the items is what the policy asks for. In the nursery they are raw, and what they
 * take there is taken from more items in main: when memory is short, a tenth of the cap shrinks as
 * the values in main did. */
static int64_t share_now(struct cache *c, int64_t now_ms)
{
    int64_t cap = (int64_t)cache_cap(c), nursery = counter_sum(c, N_NURSERY_BYTES);
    int64_t beside = (counter_sum(c, N_ITEMS) - counter_sum(c, N_NURSERY_ITEMS)) * BESIDE;
    int64_t raw = counter_sum(c, N_RAW_BYTES) - nursery + beside;
    int64_t stored = counter_sum(c, N_STORED_BYTES) - nursery + beside;
    if (cap == 0)
        return SHARE_BYTES;
    /* Nothing is left to wait for a first dictionary in vain. */
    int64_t half = cap / 2 - (int64_t)cache_used_memory(c) + nursery;
    if (half > cap / SHARE && learner_is_waiting(c->learner, now_ms))
        return half;
    if (atomic_load_explicit(&c->roomy, memory_order_relaxed) || raw <= 0 || stored > raw)
        return cap / SHARE;
    double ratio = (double)stored / (double)raw, least = 1.0 / SHARE_LEAST;
    return (int64_t)((double)cap / SHARE * (ratio < least ? least : ratio));
}

void nursery_share(struct cache *c, int64_t now_ms)
{
    atomic_store_explicit(&c->nursery_share, share_now(c, now_ms), memory_order_relaxed);
}

void nursery_measure(struct cache_thread *t)
{
    struct cache *c = t->cache;
    nursery_share(c, t->now_ms);
    uint64_t cap = atomic_load_explicit(&c->maxmemory, memory_order_relaxed);
    size_t wanted = nursery_ghost_capacity(cap == 0 ? machine_bytes() : cap);
    size_t is = ghost_capacity(c->ghost);
    if (wanted < is / 2 || wanted / 2 > is) {
        cache_world_lock(t);
        ghost_resize(c->ghost, wanted);
        cache_world_unlock(t);
    }
    int64_t in_main = counter_sum(c, N_ITEMS) - counter_sum(c, N_NURSERY_ITEMS);
    ghost_set_life(c->ghost, in_main > 0 ? (size_t)in_main : 0);
}

/* Drops the item when nobody read it. True when it did; the shard stays locked. */
static bool drop_unread(struct cache_thread *t, const struct nursery_entry *e, struct shard *s,
                        struct slot slot, size_t *freed)
{
    struct found f;
    if (ref_frequency(slot.bucket->ref[slot.i]) > 0 || !found_open(t, slot, &f))
        return false;
    if ((f.item.flags & ITEM_NURSERY) == 0) {
        found_end(t, &f);
        return false;
    }
    ghost_add(t->cache->ghost, e->hash);
    *freed += drop_as_locked(t, e->db, s, &f, GONE_EVICTED);
    return true;
}

static void leave(struct cache_thread *t, const struct nursery_entry *e, bool may_drop,
                  size_t *freed)
{
    struct cache *c = t->cache;
    struct shard *shards = db_shards(c, e->db);
    struct slot slot;
    if (shards == NULL)
        return;
    struct shard *s = &shards[shard_number(c, e->hash)];
    if (!shard_seize(t, s)) {
        nursery_ring_add(c->ring, t->id, e); /* later */
        return;
    }
    if (!shard_find_handle(s, hash_h14(c, e->hash), e->handle, &slot) ||
        (may_drop && drop_unread(t, e, s, slot, freed))) {
        lock_release(&s->lock);
        return;
    }
    /* The use that lets it in is used up by that. */
    if (may_drop && ref_frequency(slot.bucket->ref[slot.i]) > 0)
        slot.bucket->ref[slot.i]--;
    recode_item(t, e->db, s, hash_h14(c, e->hash), e->handle, is_soon(c) ? RECODE_CLOSE : 0, freed);
}

unsigned nursery_leave(struct cache_thread *t, unsigned n, uint32_t min_age, bool may_drop,
                       size_t *freed)
{
    struct nursery_entry e[BATCH];
    uint32_t now = (uint32_t)(t->now_ms / 100) & 0xfffffffu;
    unsigned taken = nursery_ring_take(t->cache->ring, now, min_age, e, n < BATCH ? n : BATCH);
    for (unsigned i = 0; i < taken; i++)
        leave(t, &e[i], may_drop, freed);
    return taken;
}

/* When memory is short the nursery is the filter before main: what nobody read is dropped. */
static bool is_filter(struct cache *c)
{
    return atomic_load_explicit(&c->policy, memory_order_relaxed) == CACHE_ALLKEYS_S3FIFO &&
           memory_over(c, MARK_LOW) > 0;
}

void nursery_help(struct cache_thread *t)
{
    size_t freed = 0;
    if (t->helping != 0 || t->locked_count != 0 || !nursery_is_full(t->cache, true))
        return;
    int64_t cpu = clock_thread_cpu_us();
    t->helping++;
    nursery_leave(t, HELP, 0, is_filter(t->cache), &freed);
    t->helping--;
    int64_t us = clock_thread_cpu_us() - cpu;
    count(t, N_COMPRESS_US, us);
    rung(t, CACHE_RUNG_NURSERY, freed, us);
}

/* ---- the keeper's part ---- */

bool nursery_slice(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    bool waits =
        learner_is_waiting(c->learner, t->now_ms) && nursery_ring_count(c->ring) < ENTRIES_MOST;
    int64_t cpu = clock_thread_cpu_us();
    if (is_filter(c))
        return false; /* then it is left as eviction needs room */
    size_t saved = 0;
    unsigned n = 0, taken;
    do {
        bool full = nursery_is_full(c, false);
        taken = waits && !full ? 0 : nursery_leave(t, BATCH, full ? 0 : AGE, false, &saved);
        n += taken;
    } while (taken > 0 && clock_mono_us() < end_us);
    if (n > 0) {
        int64_t us = clock_thread_cpu_us() - cpu;
        count(t, N_COMPRESS_US, us);
        rung(t, CACHE_RUNG_NURSERY, saved, us);
    }
    return taken > 0;
}
