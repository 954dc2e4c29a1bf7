/* Samples for dictionaries from all that the cache holds.
 *
 * Values that happen to be coded next, the oldest in the nursery or one shard of the walk, are
 * alike more often than not: written in the order of their keys, at the same hour. So when a family
 * of keys begins to collect, the keeper goes through the index, which is in the order of a hash,
 * and offers what it meets, raw or coded, until the reservoirs are full. What it met also tells how
 * much the family holds, and so how long a dictionary may be. */
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "keeper.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "recode.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"

/* Of a long value, so many segments at most, evenly spread. */
#define SEGMENTS_MOST 4

/* Offers len bytes, which stand for `bytes` of the family. NULL = damaged. */
static void offer(struct cache_thread *t, const struct learner_choice *choice, const uint8_t *raw,
                  size_t len)
{
    if (raw != NULL)
        learner_sample(t->cache->learner, choice, raw, len, t->now_ms);
}

static void offer_long(struct cache_thread *t, const struct item *it)
{
    struct learner *l = t->cache->learner;
    struct learner_choice choice;
    size_t n = segment_count(it->raw_len), taken = n < SEGMENTS_MOST ? n : SEGMENTS_MOST;
    for (size_t i = 0; i < taken; i++) {
        size_t at = i * n / taken, len = segment_len(it->raw_len, at);
        if (!learner_gather_wants(l, it->key, it->key_form.count, len, it->raw_len / taken,
                                  &choice))
            continue;
        unsigned buf = scratch_take(t);
        uint32_t handle = segment_handle(t, it->stored, it->raw_len, at);
        bool fine = segment_read(t, handle, len, 0, len, t->scratch[buf]);
        offer(t, &choice, fine ? t->scratch[buf] : NULL, len);
        scratch_give(t, buf);
    }
}

static void offer_item_locked(struct cache_thread *t, const struct item *it)
{
    struct learner_choice choice;
    if (item_codec(it) == ITEM_SEGMENTED) {
        offer_long(t, it);
        return;
    }
    unsigned buf = scratch_take(t);
    struct key_text key = item_key(t, it, t->scratch[buf]);
    if (learner_gather_wants(t->cache->learner, key.ptr, key.len, it->raw_len, it->raw_len,
                             &choice))
        offer(t, &choice, raw_of(t, it, t->scratch[buf]), it->raw_len);
    scratch_give(t, buf);
}

/* Decoding with the lock held is short: a piece has 64 KiB at most. It is let go of after each
 * bucket. */
static void gather_shard(struct cache_thread *t, struct shard *s)
{
    struct found f;
    uint32_t end = 1;
    for (uint32_t at = 0; at < end; at++) {
        lock_acquire(&s->lock);
        end = s->nbuckets;
        struct bucket *b = at < end ? shard_bucket(s, at) : NULL;
        for (unsigned i = 0; b != NULL && i < BUCKET_SLOTS; i++) {
            if (b->ref[i] == 0 || !found_open(t, (struct slot){b, i}, &f))
                continue;
            if (f.item.raw_len > 0)
                offer_item_locked(t, &f.item);
            found_end(t, &f);
        }
        lock_release(&s->lock);
    }
}

bool gather_slice(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    unsigned dbs[CACHE_MAX_DATABASES];
    unsigned n = databases_present(c, dbs);
    uint64_t shards = (uint64_t)n << c->shard_bits;
    if (k->gather_at >= shards) {
        if (!learner_gather_begin(c->learner))
            return false;
        k->gather_at = 0;
    }
    bool full = false;
    int64_t cpu = clock_thread_cpu_us();
    /* The databases in turn, so that any part is like the whole. */
    while (!full && k->gather_at < shards && clock_mono_us() < end_us) {
        unsigned db = dbs[k->gather_at % n];
        gather_shard(t, &db_shards(c, db)[k->gather_at / n]);
        k->gather_at++;
        full = learner_gather_part(c->learner, (double)k->gather_at / (double)shards);
    }
    if (full)
        k->gather_at = UINT64_MAX;
    count(t, N_COMPRESS_US, clock_thread_cpu_us() - cpu);
    return k->gather_at < shards;
}
