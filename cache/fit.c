/* Keeps the index as small as its items: tables of which much is free get smaller, runs of buckets
 * move down into what that leaves, and the end of the store goes back to the system. */
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "bucket_store.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "keeper.h"
#include "key.h"
#include "state.h"

/* A round over all shards begins at most so often. */
#define ROUND_MS 1000

/* False when it is not time for another. */
static bool begin_round(struct cache *c, int64_t now_ms)
{
    struct keeper *k = &c->keeper;
    if (now_ms - k->fit_ms < ROUND_MS && now_ms >= k->fit_ms)
        return false;
    k->fit_at = 0;
    k->fit_ms = now_ms;
    k->fit_goal = bucket_store_goal(&c->buckets);
    return true;
}

void fit_slice(struct cache_thread *t, int64_t budget_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    unsigned dbs[CACHE_MAX_DATABASES];
    uint64_t shards = (uint64_t)databases_present(c, dbs) << c->shard_bits;
    int64_t begin = clock_mono_us();
    if (k->fit_at >= shards && !begin_round(c, t->now_ms))
        return;
    for (unsigned n = 0; k->fit_at < shards; k->fit_at++, n++) {
        if (n % 16 == 15 && clock_mono_us() - begin >= budget_us)
            return;
        unsigned db = dbs[k->fit_at >> c->shard_bits];
        struct shard *s = &db_shards(c, db)[k->fit_at & ((1u << c->shard_bits) - 1)];
        lock_acquire(&s->lock);
        shard_fit(s);
        if (k->fit_goal != UINT32_MAX)
            shard_move_down(s, k->fit_goal);
        lock_release(&s->lock);
    }
    bucket_store_trim(&c->buckets);
}
