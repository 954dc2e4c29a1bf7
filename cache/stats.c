/* Counters summed over threads, and the statistics made of them. */
#include <stdatomic.h>

#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "bucket_store.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "ghost.h"
#include "key.h"
#include "learner.h"
#include "pressure.h"
#include "state.h"
#include "stats.h"
#include "write.h"
#include "zspool/zspool.h"

int64_t counter_sum(struct cache *c, unsigned what)
{
    int64_t sum = -atomic_load_explicit(&c->zero[what], memory_order_relaxed);
    for (unsigned i = 0; i < CACHE_THREADS; i++) {
        struct counters *n = atomic_load_explicit(&c->thread[i].counters, memory_order_acquire);
        if (n == NULL)
            break; /* places are taken from the first on */
        sum += atomic_load_explicit(&n->n[what], memory_order_relaxed);
    }
    return sum;
}

/* Threads add and subtract on their own, so that a sum taken meanwhile may be off by a few. */
static uint64_t sum(struct cache *c, unsigned what)
{
    int64_t n = counter_sum(c, what);
    return n > 0 ? (uint64_t)n : 0;
}

size_t cache_count(struct cache *cache, unsigned db)
{
    return (size_t)sum(cache, N_DB_ITEMS + db);
}

/* The mean of what is left for a few items of random buckets. */
static int64_t sample_ttl(struct cache *c, unsigned db, int64_t now_ms)
{
    struct shard *shards = db_shards(c, db);
    struct random random = {.state = (uint64_t)now_ms};
    int64_t total = 0, n = 0;
    for (unsigned tries = 0; tries < 256 && n < 32; tries++) {
        struct shard *s = &shards[random_below(&random, 1u << c->shard_bits)];
        if (!lock_try(&s->lock))
            continue;
        if (s->expiring > 0) {
            uint32_t end = s->nbuckets;
            uint32_t from = random_below(&random, end);
            for (uint32_t i = 0; i < end; i++) {
                uint32_t due = shard_bucket(s, (from + i) % end)->due;
                if (due == DUE_NEVER)
                    continue;
                int64_t left = (int64_t)due * 1000 - now_ms;
                total += left > 0 ? left : 0;
                n++;
                break;
            }
        }
        lock_release(&s->lock);
    }
    return n == 0 ? 0 : total / n;
}

size_t cache_count_expiring(struct cache *cache, unsigned db, int64_t now_ms, int64_t *avg_ttl_ms)
{
    size_t n = (size_t)sum(cache, N_DB_EXPIRING + db);
    *avg_ttl_ms = n == 0 || db_shards(cache, db) == NULL ? 0 : sample_ttl(cache, db, now_ms);
    return n;
}

uint64_t index_bytes(struct cache *c)
{
    unsigned dbs[CACHE_MAX_DATABASES];
    uint64_t shards = (uint64_t)databases_present(c, dbs) << c->shard_bits;
    return shards * sizeof(struct shard) + bucket_store_bytes(&c->buckets);
}

static void stats_of_items(struct cache *c, struct cache_stats *out)
{
    for (unsigned db = 0; db < c->databases; db++)
        out->items += sum(c, N_DB_ITEMS + db);
    out->hits = sum(c, N_HITS);
    out->misses = sum(c, N_MISSES);
    out->expired = sum(c, N_EXPIRED);
    out->evicted = sum(c, N_EVICTED);
    out->refused = sum(c, N_REFUSED);
    out->damaged = sum(c, N_DAMAGED);
    out->raw_bytes = sum(c, N_RAW_BYTES);
    out->stored_bytes = sum(c, N_STORED_BYTES);
    out->key_bytes = sum(c, N_KEY_BYTES);
    for (unsigned i = 0; i < 4; i++)
        out->items_by_codec[i] = sum(c, N_CODEC + i);
    out->incompressible = sum(c, N_INCOMPRESSIBLE);
    out->compress_attempts = sum(c, N_ATTEMPTS);
    out->compress_rejected = sum(c, N_REJECTED);
    out->compress_miscoded = sum(c, N_MISCODED);
    out->recoded = sum(c, N_RECODED);
    out->warmed = sum(c, N_WARMED);
    out->segments_read = sum(c, N_SEGMENTS_READ);
    out->segments_written = sum(c, N_SEGMENTS_WRITTEN);
    out->compress_cpu_us = sum(c, N_COMPRESS_US);
    out->nursery_bytes = sum(c, N_NURSERY_BYTES);
    out->nursery_items = sum(c, N_NURSERY_ITEMS);
    out->ghost_hits = sum(c, N_GHOST_HITS);
    for (unsigned r = 0; r < CACHE_RUNGS; r++) {
        out->rung[r].runs = sum(c, N_RUNG_RUNS + r);
        out->rung[r].bytes = sum(c, N_RUNG_BYTES + r);
        out->rung[r].cpu_us = sum(c, N_RUNG_US + r);
    }
    out->rung[CACHE_RUNG_REFUSE].runs = out->refused;
}

void cache_stats(struct cache *cache, struct cache_stats *out)
{
    int64_t charged = atomic_load_explicit(&cache->charged, memory_order_relaxed);
    *out = (struct cache_stats){
        .index_bytes = index_bytes(cache),
        .ghost_bytes = ghost_bytes(cache->ghost),
        .dict_bytes = learner_bytes(cache->learner),
        .charged_bytes = charged > 0 ? (uint64_t)charged : 0,
        .pool_bytes = zs_resident_bytes(cache->pool),
        .other_bytes = atomic_load_explicit(&cache->other_bytes, memory_order_relaxed),
        .used_memory = cache_used_memory(cache),
        .peak_memory = atomic_load_explicit(&cache->peak, memory_order_relaxed),
        .lazyfree_pending = atomic_load_explicit(&cache->flushed_items, memory_order_relaxed),
        .trainings = learner_trainings(cache->learner),
        .dicts = learner_count(cache->learner),
        .cap = cache_cap(cache),
        .pressure_times = atomic_load_explicit(&cache->pressure_times, memory_order_relaxed),
        .pressure = atomic_load_explicit(&cache->pressure, memory_order_relaxed),
        .pressure_readable = pressure_is_readable(cache->keeper.shrink.source),
    };
    if (out->peak_memory < out->used_memory)
        out->peak_memory = out->used_memory;
    stats_of_items(cache, out);
}

static void reset(struct cache *c, unsigned what)
{
    atomic_fetch_add_explicit(&c->zero[what], counter_sum(c, what), memory_order_relaxed);
}

void cache_stats_reset(struct cache *cache)
{
    reset(cache, N_HITS);
    reset(cache, N_MISSES);
    reset(cache, N_EXPIRED);
    reset(cache, N_EVICTED);
    reset(cache, N_REFUSED);
    for (unsigned i = N_RUNG_RUNS; i < N_RUNG_US + CACHE_RUNGS; i++)
        reset(cache, i);
}

struct zs_pool *cache_pool(struct cache *cache)
{
    return cache->pool;
}
