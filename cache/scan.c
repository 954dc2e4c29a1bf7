/* Walking a database.
 *
 * cursor = shard << 14 | h14: all items before it were seen. A step takes the h14s that have one
 * home bucket and reports all items with these, wherever they lie; growing changes where homes
 * begin, but not which h14s are done.
 */
#include <string.h>

#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "state.h"
#include "stats.h"
#include "thread.h"

/* A step ends when it has come by as many keys as were asked for; of places without any it passes
 * so many for each, so that it ends soon in a table that is nearly empty, too. */
#define EMPTY_SHARDS 1000
#define EMPTY_SLOTS  80

struct scan {
    struct cache_thread *t;
    cache_scan_fn *fn;
    void *arg;
    size_t seen; /* keys */
};

static void report_bucket(struct scan *scan, struct bucket *b, unsigned from, unsigned to,
                          bool *full)
{
    *full = true;
    evict_prefetch(scan->t->cache, b, 3);
    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        struct found f;
        unsigned h14 = tag_h14(b->tag[i]);
        if (b->ref[i] == 0) {
            *full = false;
            continue;
        }
        if (h14 < from || h14 >= to || !found_open(scan->t, (struct slot){b, i}, &f))
            continue;
        scan->seen++;
        if (f.item.expire_ms > scan->t->now_ms) {
            unsigned scratch = scratch_take(scan->t);
            struct key_text key = item_key(scan->t, &f.item, scan->t->scratch[scratch]);
            scan->fn(scan->arg, key.ptr, key.len, item_type(&f.item));
            scratch_give(scan->t, scratch);
        }
        found_end(scan->t, &f);
    }
}

/* Reports from h14 on to the end of its home; returns the h14 after it. */
static unsigned scan_home_locked(struct scan *scan, struct shard *s, unsigned h14)
{
    uint32_t home = bucket_home(s, h14);
    unsigned to = (unsigned)((((uint64_t)(home + 1) << 14) + s->nbuckets - 1) / s->nbuckets);
    bool full = true;
    for (uint32_t left = s->nbuckets, at = home; left > 0 && full; left--, at = bucket_after(s, at))
        report_bucket(scan, shard_bucket(s, at), h14, to, &full);
    return to;
}

static bool scan_goes_on(const struct scan *scan, size_t count, size_t slots)
{
    return scan->seen < count && slots / EMPTY_SLOTS < count;
}

uint64_t cache_scan(struct cache_thread *t, unsigned db, uint64_t cursor, size_t count,
                    cache_scan_fn *fn, void *arg)
{
    struct cache *c = t->cache;
    struct scan scan = {t, fn, arg, 0};
    struct shard *shards = db_shards(c, db);
    size_t slots = 0, empty = 0;
    uint64_t at = cursor >> 14;
    unsigned h14 = (unsigned)cursor & 0x3fff;
    if (shards == NULL)
        return 0;
    for (; at >> c->shard_bits == 0; at++, h14 = 0) {
        struct shard *s = &shards[at];
        shard_enter(t, s);
        if (s->count == 0) {
            h14 = 1u << 14;
            empty++;
        }
        for (; h14 < 1u << 14 && scan_goes_on(&scan, count, slots); slots += BUCKET_SLOTS)
            h14 = scan_home_locked(&scan, s, h14);
        shard_leave(t, s);
        if (h14 < 1u << 14)
            return at << 14 | h14;
        if (!scan_goes_on(&scan, count, slots) || empty / EMPTY_SHARDS > count)
            break;
    }
    at += at >> c->shard_bits == 0;
    return at >> c->shard_bits == 0 ? at << 14 : 0;
}

/* ---- a random key ---- */

#define RANDOM_TRIES 64

/* From a random slot on, the first item that has not expired. */
static bool random_of_shard_locked(struct cache_thread *t, struct shard *s, void *buf, size_t *len)
{
    uint32_t slots = s->nbuckets * BUCKET_SLOTS;
    uint32_t from = slots == 0 ? 0 : random_below(&t->random, slots);
    for (uint32_t n = 0; n < slots; n++) {
        uint32_t at = (from + n) % slots;
        struct slot slot = {shard_bucket(s, at / BUCKET_SLOTS), at % BUCKET_SLOTS};
        struct found f;
        if (slot.bucket->ref[slot.i] == 0 || !found_open(t, slot, &f))
            continue;
        bool alive = f.item.expire_ms > t->now_ms;
        if (alive) {
            struct key_text key = item_key(t, &f.item, buf);
            if (key.ptr != buf)
                memcpy(buf, key.ptr, key.len);
            *len = key.len;
        }
        found_end(t, &f);
        if (alive)
            return true;
    }
    return false;
}

bool cache_random_key(struct cache_thread *t, unsigned db, void *buf, size_t *len)
{
    struct cache *c = t->cache;
    struct shard *shards = db_shards(c, db);
    uint32_t n = 1u << c->shard_bits;
    bool found = false;
    if (shards == NULL || cache_count(c, db) == 0)
        return false;
    uint32_t at = random_below(&t->random, n);
    for (uint32_t i = 0; i < n + RANDOM_TRIES && !found; i++) {
        /* First here and there, then one after the other. */
        at = i < RANDOM_TRIES ? random_below(&t->random, n) : (at + 1) % n;
        shard_enter(t, &shards[at]);
        found = shards[at].count > 0 && random_of_shard_locked(t, &shards[at], buf, len);
        shard_leave(t, &shards[at]);
    }
    return found;
}
