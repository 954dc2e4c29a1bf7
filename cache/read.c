/* Reading: views of pinned items. */
#include <assert.h>
#include <string.h>

#include "account.h"
#include "bucket.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "coding.h"
#include "counters.h"
#include "dead.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "read.h"
#include "recode.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

_Static_assert(sizeof(struct zs_map) <= sizeof(((struct cache_view *)0)->map),
               "a view holds a mapping");

void view_begin_locked(struct cache_thread *t, const struct cache_key *k, struct found *f,
                       struct cache_view *v)
{
    const struct item *it = &f->item;
    *v = (struct cache_view){
        .raw_len = it->raw_len,
        .type = item_type(it),
        .segmented = item_codec(it) == ITEM_SEGMENTED,
        .expire_ms = it->expire_ms,
        .codec = (uint8_t)item_codec(it),
        .dict = it->dict,
        .check = it->check,
        .db = (uint8_t)k->db,
        .scratch = (uint8_t)f->scratch,
        .handle = ref_handle(f->slot.bucket->ref[f->slot.i]),
        .hash = k->hash,
        .stored = it->stored,
        .stored_len = it->stored_len,
    };
    memcpy(v->map, &f->map, sizeof f->map);
    /* Its segments must outlive it. */
    if (v->segmented)
        readers_add_locked(t, v->handle, 1);
}

enum cache_status cache_get(struct cache_thread *t, const struct cache_key *k, unsigned flags,
                            struct cache_view *v)
{
    struct shard *shards = db_shards(t->cache, k->db);
    bool hit = false;
    if (shards != NULL) {
        struct shard *s = &shards[shard_number(t->cache, k->hash)];
        struct found f;
        shard_enter(t, s);
        hit = find_live_locked(t, s, k, &f);
        if (hit) {
            if ((flags & CACHE_GET_TOUCH) != 0)
                touch_locked(t, &f);
            view_begin_locked(t, k, &f, v);
            v->hot = v->codec == CODEC_DENSE &&
                     ref_frequency(f.slot.bucket->ref[f.slot.i]) >= HOT_FREQUENCY;
        }
        shard_leave(t, s);
    }
    if ((flags & CACHE_GET_TOUCH) != 0)
        count(t, hit ? N_HITS : N_MISSES, 1);
    return hit ? CACHE_OK : CACHE_MISS;
}

static bool decode(struct cache_thread *t, const struct cache_view *v, uint8_t *dst)
{
    const struct coded coded = {v->stored_len, v->codec, v->dict, v->check};
    return decode_value(t, &coded, v->stored, v->raw_len, dst);
}

static bool read_segments(struct cache_thread *t, const struct cache_view *v, size_t off,
                          size_t len, uint8_t *dst)
{
    while (len > 0) {
        size_t i = off / CACHE_SEGMENT;
        size_t in = off % CACHE_SEGMENT;
        size_t whole = segment_len(v->raw_len, i);
        size_t n = whole - in < len ? whole - in : len;
        uint32_t handle = segment_handle(t, v->stored, v->raw_len, i);
        if (!segment_read(t, handle, whole, in, n, dst))
            return false;
        off += n;
        dst += n;
        len -= n;
    }
    return true;
}

static bool read_coded(struct cache_thread *t, struct cache_view *v, size_t off, size_t len,
                       uint8_t *dst)
{
    if (off == 0 && len == v->raw_len) {
        bool ok = decode(t, v, dst);
        if (ok && v->hot)
            warm_up(t, v, dst);
        return ok;
    }
    unsigned scratch = scratch_take(t);
    bool ok = decode(t, v, t->scratch[scratch]);
    if (ok)
        memcpy(dst, t->scratch[scratch] + off, len);
    scratch_give(t, scratch);
    return ok;
}

enum cache_status cache_view_read(struct cache_thread *t, struct cache_view *v, size_t off,
                                  size_t len, void *dst)
{
    bool ok = true;
    assert(off <= v->raw_len && len <= v->raw_len - off);
    if (v->segmented)
        ok = read_segments(t, v, off, len, dst);
    else if (v->codec == CODEC_RAW)
        memcpy(dst, v->stored + off, len);
    else
        ok = read_coded(t, v, off, len, dst);
    if (!ok)
        v->damaged = true;
    return ok ? CACHE_OK : CACHE_DAMAGED;
}

/* Drops the item of a damaged view, if it is still there. */
static void drop_damaged_locked(struct cache_thread *t, struct shard *s, const struct cache_view *v)
{
    struct slot slot;
    struct found f;
    if (shard_find_handle(s, hash_h14(t->cache, v->hash), v->handle, &slot) &&
        found_open(t, slot, &f))
        drop_as_locked(t, v->db, s, &f, GONE_DAMAGED);
}

/* The last reader of a value that is in no slot any more frees it. */
static void readers_leave_locked(struct cache_thread *t, struct cache_view *v)
{
    if (readers_add_locked(t, v->handle, -1) != READERS_ORPHAN)
        return;
    if (dead_add(t, v->handle, v->raw_len))
        return;
    segment_value_free(t, v->stored, v->raw_len);
    v->free_after = v->handle;
}

static void view_unmap(struct cache_thread *t, struct cache_view *v)
{
    struct zs_map map;
    memcpy(&map, v->map, sizeof map);
    zs_unmap_object(t->cache->pool, &map);
    if (v->scratch != SCRATCHES)
        scratch_give(t, v->scratch);
    if (v->free_after != 0)
        zs_free(t->cache->pool, v->free_after);
    v->ended = true;
}

void view_end_locked(struct cache_thread *t, struct shard *s, struct cache_view *v)
{
    if (v->ended)
        return;
    if (v->damaged)
        drop_damaged_locked(t, s, v);
    if (v->segmented)
        readers_leave_locked(t, v);
    view_unmap(t, v);
}

void cache_view_end(struct cache_thread *t, struct cache_view *v)
{
    if (v->ended)
        return;
    if (!v->segmented && !v->damaged) {
        view_unmap(t, v);
        return;
    }
    struct shard *s = &db_shards(t->cache, v->db)[shard_number(t->cache, v->hash)];
    shard_enter(t, s);
    view_end_locked(t, s, v);
    shard_leave(t, s);
}
