/* The sweep for items that have expired and that nobody asks for. It reads the `due` words alone,
 * and looks into a bucket only when something in it is due. */
#include <stdatomic.h>

#include "account.h"
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "keeper.h"
#include "key.h"
#include "state.h"
#include "stats.h"

/* A round over all shards begins at most so often. */
#define ROUND_MS 250

struct swept {
    size_t items, bytes;
};

/* Drops what has expired and finds out what is due next. */
static void sweep_bucket(struct cache_thread *t, unsigned db, struct shard *s, struct bucket *b,
                         struct swept *swept)
{
    uint32_t due = DUE_NEVER;
    for (unsigned i = 0; i < BUCKET_SLOTS;) {
        struct found f;
        if (b->ref[i] == 0 || !found_open(t, (struct slot){b, i}, &f)) {
            i++;
            continue;
        }
        if (f.item.expire_ms <= t->now_ms) {
            /* Another may have moved up. */
            swept->bytes += drop_as_locked(t, db, s, &f, GONE_EXPIRED);
            swept->items++;
            continue;
        }
        if (f.item.expire_ms != CACHE_NO_EXPIRY && due_of(f.item.expire_ms) < due)
            due = due_of(f.item.expire_ms);
        found_end(t, &f);
        i++;
    }
    b->due = due;
}

static void sweep_shard(struct cache_thread *t, unsigned db, struct shard *s, uint32_t now,
                        struct swept *swept)
{
    uint32_t due = DUE_NEVER;
    lock_acquire(&s->lock);
    if (s->due <= now) {
        for (uint32_t i = 0; i < s->nbuckets; i++)
            if (shard_bucket(s, i)->due <= now)
                sweep_bucket(t, db, s, shard_bucket(s, i), swept);
        for (uint32_t i = 0; i < s->nbuckets; i++)
            if (shard_bucket(s, i)->due < due)
                due = shard_bucket(s, i)->due;
        s->due = due;
    }
    lock_release(&s->lock);
}

void cache_sweep(struct cache *cache, bool on)
{
    atomic_store_explicit(&cache->unswept, !on, memory_order_relaxed);
}

size_t expire_sweep(struct cache_thread *t, int64_t budget_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    unsigned dbs[CACHE_MAX_DATABASES];
    uint64_t shards = (uint64_t)databases_present(c, dbs) << c->shard_bits;
    int64_t begin = clock_mono_us();
    struct swept swept = {0, 0};
    if (atomic_load_explicit(&c->unswept, memory_order_relaxed))
        return 0;
    if (k->sweep_at >= shards) {
        if (t->now_ms - k->sweep_ms < ROUND_MS && t->now_ms >= k->sweep_ms)
            return 0;
        k->sweep_at = 0;
        k->sweep_ms = t->now_ms;
    }
    for (unsigned n = 0; k->sweep_at < shards; k->sweep_at++, n++) {
        if (n % 64 == 63 && clock_mono_us() - begin >= budget_us)
            break;
        unsigned db = dbs[k->sweep_at >> c->shard_bits];
        struct shard *s = &db_shards(c, db)[k->sweep_at & ((1u << c->shard_bits) - 1)];
        sweep_shard(t, db, s, due_of(t->now_ms), &swept);
    }
    if (swept.items > 0)
        rung(t, CACHE_RUNG_EXPIRE, swept.bytes, clock_mono_us() - begin);
    return swept.items;
}
