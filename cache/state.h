/* The cache and its threads: what they hold, and who may touch it.
 *
 * Lock order: world > threads (ascending) > shards (ascending address) > flushed > dead > learner >
 * buckets, nursery lanes > pool. Whoever holds a shard and wants another only tries, but for
 * cache_lock_keys(), which takes all of its shards in order. See docs/locking.md.
 */
#ifndef CACHE_STATE_H
#define CACHE_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "keeper.h"
#include "zspool/zspool.h"

enum cache_rank {
    RANK_WORLD = 1,
    RANK_THREAD,
    RANK_SHARD = 8,
    RANK_FLUSHED,
    RANK_DEAD,
    RANK_LEARNER,
    RANK_BUCKETS,
};

#define CACHE_THREADS 136 /* at one time */
#define NURSERY_LANES 8
#define SCRATCHES     24 /* buffers of a thread */
/* A value, coded or not, and what stands before it. */
#define SCRATCH_BYTES ZS_MAX_ALLOC_SIZE

struct codec_ctx;
struct ghost;
struct learner;
struct nursery_ring;

/* What a thread has for itself. No other thread looks at it, but for threads_rest(), while the
 * world is stopped. */
struct cache_thread {
    struct cache *cache;
    unsigned id; /* place in cache->thread */
    bool inside, has_world;
    int64_t now_ms; /* as told to cache_enter() */
    struct codec_ctx *codec;
    struct random random;
    uint8_t *scratches; /* one block with all of them */
    uint8_t *scratch[SCRATCHES];
    unsigned scratch_busy; /* bits */
    unsigned helping;      /* depth of room making, so that it does not call itself */
    struct shard **locked; /* by cache_lock_keys(), in order */
    size_t locked_count;
    unsigned locked_again;     /* depth of further calls while they are locked */
    unsigned sets;             /* stores so far: every so many one helps the background */
    struct counters *counters; /* of its place, and outliving it */
};

struct thread_place {
    struct lock inside;
    struct cache_thread *thread;         /* NULL = free; under the lock of the world */
    _Atomic(struct counters *) counters; /* from the first thread of the place on */
} __attribute__((aligned(64)));

/* A table that FLUSHDB took out, waiting to be emptied in slices. */
struct flushed {
    struct flushed *next;
    struct shard *shard; /* where it was: its lock guards readers of its items */
    struct shard table;
    unsigned db;
};

struct cache {
    struct zs_pool *pool;
    struct learner *learner;
    struct nursery_ring *ring;
    struct ghost *ghost;
    struct bucket_store buckets;
    unsigned shard_bits;
    unsigned databases;
    size_t page_bytes; /* of the system */
    uint8_t hash_seed[16];
    _Atomic(struct shard *) db[CACHE_MAX_DATABASES];

    /* Run-time options. */
    _Atomic uint64_t maxmemory; /* bytes; 0 = no cap */
    /* What counts instead while the machine is short of memory; 0 = none. */
    _Atomic uint64_t ceiling;
    _Atomic unsigned policy, compression; /* enum cache_policy, enum cache_compression */
    _Atomic unsigned cpu_percent, samples;
    _Atomic bool psi;       /* whether the machine's memory is watched */
    _Atomic bool listening; /* on_event is to be called */
    _Atomic bool unswept;   /* what has expired is dropped by those who meet it alone */
    _Atomic bool full;      /* see cache_is_full(); what the last look said */
    cache_event_fn *on_event;
    void *event_arg;

    struct lock world;
    struct thread_place thread[CACHE_THREADS];
    _Atomic int64_t zero[COUNTERS]; /* what the counters that can be reset stood at */

    _Atomic int64_t charged;      /* by cache_charge(), bytes */
    _Atomic uint64_t peak;        /* most bytes that were in use */
    _Atomic uint64_t other_bytes; /* what the process takes and nobody counts; memory_measure() */
    _Atomic unsigned pressure;    /* enum pressure_level */
    _Atomic uint64_t pressure_times;

    struct lock flushed_lock;
    struct flushed *flushed;
    _Atomic uint64_t flushed_items; /* not yet freed */

    struct lock dead_lock;
    uint32_t dead_first;         /* head of a long value; 0 = none */
    size_t dead_done;            /* segments of it that are freed */
    _Atomic uint64_t dead_bytes; /* raw */

    /* What the keeper finds out in each slice, for all to read. */
    _Atomic bool quiet;    /* no request has come for a while */
    _Atomic bool haste;    /* so much is to be coded that haste comes first, even so */
    _Atomic bool roomy;    /* there is memory to spare */
    _Atomic bool warm;     /* so much of it that items may take more than they must */
    _Atomic bool behind;   /* none, and much in main could be coded better: writers help with it */
    _Atomic uint64_t rest; /* number of the rest that is on; 0 = none. See rest.c */
    _Atomic int64_t nursery_share; /* bytes that the nursery may hold */
    /* The keeper's alone. */
    struct keeper keeper;
    /* Shard whose CLOCK is next; any evictor moves it on. */
    _Atomic uint64_t hand;
};

/* ---- what all ask; any thread, no lock ---- */

/* Whether the policy lets anything go. */
static inline bool cache_may_evict(const struct cache *c)
{
    return atomic_load_explicit(&c->policy, memory_order_relaxed) != CACHE_NOEVICTION;
}

/* The cap in force, in bytes; 0 = none. */
static inline uint64_t cache_cap(const struct cache *c)
{
    uint64_t cap = atomic_load_explicit(&c->maxmemory, memory_order_relaxed);
    uint64_t ceiling = atomic_load_explicit(&c->ceiling, memory_order_relaxed);
    return ceiling != 0 && (cap == 0 || ceiling < cap) ? ceiling : cap;
}

/* Whether the machine is short of memory. */
static inline bool is_pressed(const struct cache *c)
{
    return atomic_load_explicit(&c->pressure, memory_order_relaxed) != 0;
}

/* Whether memory should get small at once, and not as items grow idle: the machine needs it, or
 * nobody asks for anything. */
static inline bool is_settling(const struct cache *c)
{
    return is_pressed(c) || atomic_load_explicit(&c->quiet, memory_order_relaxed);
}

/* Whether items should be coded well soon: the cache settles, or has no memory to spare. */
static inline bool is_soon(const struct cache *c)
{
    return is_settling(c) || !atomic_load_explicit(&c->roomy, memory_order_relaxed);
}

#endif
