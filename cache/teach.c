/* Showing the learner what is in the nursery before any of it is coded: when a cache fills fast,
 * its first dictionary should not come after half of what it will hold. */
#include <stdatomic.h>

#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "keeper.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "nursery.h"
#include "state.h"
#include "stats.h"
#include "thread.h"

/* Begins when newcomers take such a part of the cap, and shows so many of them. */
#define PART  10
#define ITEMS 16384

static unsigned show_locked(struct cache_thread *t, struct slot at)
{
    struct learner *l = t->cache->learner;
    struct learner_choice choice;
    struct found f;
    if (at.bucket->ref[at.i] == 0 || !found_open(t, at, &f))
        return 0;
    if ((f.item.flags & ITEM_NURSERY) != 0 && item_codec(&f.item) == CODEC_RAW) {
        unsigned buf = scratch_take(t);
        struct key_text key = item_key(t, &f.item, t->scratch[buf]);
        learner_choose(l, key.ptr, key.len, f.item.raw_len, false, &choice);
        if (choice.wanted)
            learner_sample(l, &choice, f.item.stored, f.item.raw_len, t->now_ms);
        scratch_give(t, buf);
    }
    found_end(t, &f);
    return 1;
}

static unsigned show_shard(struct cache_thread *t, struct shard *s)
{
    unsigned n = 0;
    lock_acquire(&s->lock);
    uint32_t end = s->nbuckets;
    for (uint32_t at = 0; at < end; at++)
        for (unsigned i = 0; i < BUCKET_SLOTS; i++)
            n += show_locked(t, (struct slot){shard_bucket(s, at), i});
    lock_release(&s->lock);
    return n;
}

/* Many came at once, and nothing was learned yet. */
static bool is_time(struct cache *c)
{
    int64_t cap = (int64_t)cache_cap(c);
    unsigned compression = atomic_load_explicit(&c->compression, memory_order_relaxed);
    return !c->keeper.taught && compression == CACHE_ADAPTIVE && cap != 0 &&
           counter_sum(c, N_NURSERY_BYTES) > cap / PART;
}

void teach(struct cache_thread *t)
{
    struct cache *c = t->cache;
    unsigned dbs[CACHE_MAX_DATABASES];
    if (!is_time(c))
        return;
    c->keeper.taught = true;
    if (learner_trainings(c->learner) > 0)
        return;
    uint64_t shards = (uint64_t)databases_present(c, dbs) << c->shard_bits;
    unsigned shown = 0;
    for (uint64_t i = 0; i < shards && shown < ITEMS; i++)
        shown +=
            show_shard(t, &db_shards(c, dbs[i >> c->shard_bits])[i & ((1u << c->shard_bits) - 1)]);
    learner_hurry(c->learner);
    nursery_share(c, t->now_ms);
}
