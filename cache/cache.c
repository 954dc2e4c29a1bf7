/* Creating, configuring and destroying a cache; options by name. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/lock.h"
#include "bucket.h"
#include "bucket_store.h"
#include "cache/cache.h"
#include "counters.h"
#include "ghost.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "nursery.h"
#include "nursery_ring.h"
#include "pressure.h"
#include "state.h"
#include "zspool/zspool.h"

/* Of the cap, for each shard at most. The table of one (bucket.c) is full then when its items take
 * 77 bytes each, and evicts before the cap is used up if they take less. More shards would cost
 * small data sets: some 160 bytes each. */
#define SHARD_BYTES     ((uint64_t)12 << 20)
#define SHARD_BITS_MIN  10
#define SHARD_BITS_MAX  14
#define DEFAULT_PERCENT 25
#define DEFAULT_SAMPLES 10

static unsigned shard_bits_for(uint64_t bytes)
{
    unsigned bits = SHARD_BITS_MIN;
    while (bits < SHARD_BITS_MAX && SHARD_BYTES << bits < bytes)
        bits++;
    return bits;
}

/* A dictionary must not cost more than it saves: a few percent of the cap. */
static size_t dict_budget(uint64_t bytes)
{
    uint64_t budget = bytes / 32;
    if (budget < (uint64_t)1 << 20)
        budget = (uint64_t)1 << 20;
    return budget < (uint64_t)64 << 20 ? (size_t)budget : (size_t)64 << 20;
}

void cache_configure(struct cache *cache, const struct cache_opts *opts)
{
    uint64_t bytes = opts->maxmemory != 0 ? opts->maxmemory : machine_bytes();
    atomic_store(&cache->maxmemory, opts->maxmemory);
    atomic_store(&cache->policy, (unsigned)opts->policy);
    atomic_store(&cache->compression, (unsigned)opts->compression);
    atomic_store(&cache->cpu_percent, opts->compression_cpu_percent == 0
                                          ? DEFAULT_PERCENT
                                          : opts->compression_cpu_percent);
    atomic_store(&cache->samples,
                 opts->maxmemory_samples == 0 ? DEFAULT_SAMPLES : opts->maxmemory_samples);
    atomic_store(&cache->psi, opts->psi);
    learner_set_budget(cache->learner, dict_budget(bytes));
    nursery_share(cache, 0);
    memory_set_limit(cache);
    memory_note_full(cache);
}

void cache_listen(struct cache *cache, bool on)
{
    atomic_store(&cache->listening, on && cache->on_event != NULL);
}

static bool cache_parts(struct cache *c, const struct cache_opts *opts)
{
    uint64_t bytes = opts->maxmemory != 0 ? opts->maxmemory : machine_bytes();
    struct zs_pool_opts pool = {.fail = opts->pool_fail, .fail_arg = opts->pool_fail_arg};
    uint64_t seed;
    memcpy(&seed, opts->hash_seed, sizeof seed);
    c->shard_bits = shard_bits_for(bytes);
    c->pool = zs_create_pool(&pool);
    c->learner = learner_create(seed, RANK_LEARNER);
    c->ring = nursery_ring_create(NURSERY_LANES);
    c->ghost = ghost_create(nursery_ghost_capacity(bytes));
    c->keeper.shrink.source = pressure_create(opts->system_root == NULL ? "" : opts->system_root);
    return bucket_store_create(&c->buckets, RANK_BUCKETS, opts->pool_fail, opts->pool_fail_arg) &&
           c->pool != NULL && c->learner != NULL && c->ring != NULL && c->ghost != NULL &&
           c->keeper.shrink.source != NULL;
}

struct cache *cache_create(const struct cache_opts *opts)
{
    size_t size = (sizeof(struct cache) + 63) & ~(size_t)63;
    struct cache *c = aligned_alloc(64, size);
    if (c == NULL)
        return NULL;
    memset(c, 0, size);
    lock_init(&c->world, RANK_WORLD);
    lock_init(&c->flushed_lock, RANK_FLUSHED);
    lock_init(&c->dead_lock, RANK_DEAD);
    for (unsigned i = 0; i < CACHE_THREADS; i++)
        lock_init(&c->thread[i].inside, RANK_THREAD);
    c->databases = opts->databases == 0 || opts->databases > CACHE_MAX_DATABASES
                       ? CACHE_MAX_DATABASES
                       : opts->databases;
    memcpy(c->hash_seed, opts->hash_seed, sizeof c->hash_seed);
    c->on_event = opts->on_event;
    c->event_arg = opts->event_arg;
    c->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    c->keeper.rest_coded = -1;
    if (!cache_parts(c, opts)) {
        cache_destroy(c);
        return NULL;
    }
    cache_configure(c, opts);
    memory_measure(c);
    memory_set_limit(c);
    return c;
}

static void destroy_database(struct cache *c, unsigned db)
{
    struct shard *shards = db_shards(c, db);
    for (size_t i = 0; shards != NULL && i < (size_t)1 << c->shard_bits; i++)
        shard_free(&shards[i]);
    free(shards);
}

void cache_destroy(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (unsigned db = 0; db < CACHE_MAX_DATABASES; db++)
        destroy_database(cache, db);
    for (struct flushed *f = cache->flushed, *next; f != NULL; f = next) {
        next = f->next;
        shard_free(&f->table);
        free(f);
    }
    for (unsigned i = 0; i < CACHE_THREADS; i++)
        free(atomic_load(&cache->thread[i].counters));
    if (cache->pool != NULL)
        zs_destroy_pool(cache->pool, NULL);
    learner_destroy(cache->learner);
    nursery_ring_destroy(cache->ring);
    ghost_destroy(cache->ghost);
    bucket_store_destroy(&cache->buckets);
    pressure_destroy(cache->keeper.shrink.source);
    free(cache);
}

/* ---- names ---- */

static const char *const policy_names[CACHE_POLICIES] = {
    [CACHE_ALLKEYS_S3FIFO] = "allkeys-s3fifo",   [CACHE_ALLKEYS_LRU] = "allkeys-lru",
    [CACHE_ALLKEYS_LFU] = "allkeys-lfu",         [CACHE_ALLKEYS_RANDOM] = "allkeys-random",
    [CACHE_VOLATILE_LRU] = "volatile-lru",       [CACHE_VOLATILE_LFU] = "volatile-lfu",
    [CACHE_VOLATILE_RANDOM] = "volatile-random", [CACHE_VOLATILE_TTL] = "volatile-ttl",
    [CACHE_NOEVICTION] = "noeviction",
};

static const char *const compression_names[] = {
    [CACHE_ADAPTIVE] = "adaptive", [CACHE_ON_WRITE] = "on-write", [CACHE_UNCOMPRESSED] = "off"};

#define COMPRESSIONS (sizeof compression_names / sizeof compression_names[0])

const char *cache_policy_name(enum cache_policy p)
{
    return (unsigned)p < CACHE_POLICIES ? policy_names[p] : NULL;
}

bool cache_policy_parse(const char *s, size_t len, enum cache_policy *out)
{
    for (size_t i = 0; i < CACHE_POLICIES; i++) {
        if (strlen(policy_names[i]) == len && strncasecmp(policy_names[i], s, len) == 0) {
            *out = (enum cache_policy)i;
            return true;
        }
    }
    return false;
}

const char *cache_compression_name(enum cache_compression c)
{
    return (unsigned)c < COMPRESSIONS ? compression_names[c] : NULL;
}
