/* What an item really is, and what it takes. */
#include <stdatomic.h>

#include "bucket.h"
#include "cache/cache.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "policy.h"
#include "segment.h"
#include "state.h"
#include "zspool/zspool.h"

/* Of a slot at the usual load of buckets. */
#define SLOT_COST 8

static size_t pool_cost(struct cache_thread *t, size_t size)
{
    return (zs_size_cost16(t->cache->pool, size) + 15) / 16;
}

static void inspect_segments(struct cache_thread *t, const struct item *it,
                             struct cache_item_info *out)
{
    size_t n = segment_count(it->raw_len);
    out->stored_len = 0;
    if (n > LIST_HANDLES)
        out->cost += pool_cost(t, LIST_HANDLES * sizeof(uint32_t)) * (n / LIST_HANDLES + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned codec, dict;
        size_t stored_len;
        segment_look(t, segment_handle(t, it->stored, it->raw_len, i), &codec, &dict, &stored_len);
        out->stored_len += stored_len;
        out->cost += pool_cost(t, SEGMENT_HEADER + stored_len);
        if (dict != 0)
            out->dict = dict;
    }
}

/* What an age tells at best: a step is 4 seconds, and in a hurry the last comes after one. */
static const int64_t idle_ms_of_age[] = {0, 2000, 4000, 8000};

static void inspect_use(struct cache_thread *t, const struct found *f, struct cache_item_info *out)
{
    unsigned policy = atomic_load_explicit(&t->cache->policy, memory_order_relaxed);
    out->frequency = ref_frequency(f->slot.bucket->ref[f->slot.i]);
    out->idle_ms = idle_ms_of_age[tag_age(f->slot.bucket->tag[f->slot.i])];
    if (f->item.clock_at == 0 || !policy_has_clock(policy))
        return;
    uint32_t clock = item_read_clock(f->object + f->item.clock_at);
    if (policy_is_lfu(policy))
        out->frequency = clock_frequency(t, clock);
    else
        out->idle_ms = clock_idle_ms(t, policy, clock);
}

static void inspect_found(struct cache_thread *t, const struct found *f,
                          struct cache_item_info *out)
{
    static const char *const codecs[] = {"raw", "lz4", "dense", "segmented"};
    const struct item *it = &f->item;
    size_t size = item_size(it, f->object);
    *out = (struct cache_item_info){
        .type = item_type(it),
        .raw_len = it->raw_len,
        .stored_len = it->stored_len,
        .codec = codecs[item_codec(it)],
        .dict = it->dict,
        .class_size = zs_usable_size(t->cache->pool, f->map.handle),
        .cost = pool_cost(t, size) + SLOT_COST,
        .nursery = (it->flags & ITEM_NURSERY) != 0,
        .expire_ms = it->expire_ms,
    };
    inspect_use(t, f, out);
    if (item_codec(it) == ITEM_SEGMENTED)
        inspect_segments(t, it, out);
}

enum cache_status cache_inspect(struct cache_thread *t, const struct cache_key *k,
                                struct cache_item_info *out)
{
    struct shard *shards = db_shards(t->cache, k->db);
    struct found f;
    if (shards == NULL)
        return CACHE_MISS;
    struct shard *s = &shards[shard_number(t->cache, k->hash)];
    shard_enter(t, s);
    bool found = find_live_locked(t, s, k, &f);
    if (found) {
        inspect_found(t, &f, out);
        found_end(t, &f);
    }
    shard_leave(t, s);
    return found ? CACHE_OK : CACHE_MISS;
}
