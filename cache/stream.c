/* Streams: long values read over many turns of the event loop, while others may replace them. */
#include <assert.h>
#include <stdlib.h>

#include "account.h"
#include "bucket.h"
#include "build.h"
#include "cache/cache.h"
#include "counters.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "read.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

struct cache_stream {
    uint64_t hash;
    unsigned db;
    uint32_t handle; /* of the head, which has us as a reader */
    size_t raw_len;
    size_t done;
};

struct cache_stream *cache_stream_open(struct cache_thread *t, struct cache_view *v)
{
    assert(v->segmented && !v->ended);
    struct cache_stream *s = malloc(sizeof *s);
    if (s == NULL) {
        cache_view_end(t, v);
        return NULL;
    }
    *s = (struct cache_stream){
        .hash = v->hash, .db = v->db, .handle = v->handle, .raw_len = v->raw_len};
    struct shard *shard = &db_shards(t->cache, v->db)[shard_number(t->cache, v->hash)];
    shard_enter(t, shard);
    readers_add_locked(t, v->handle, 1);
    view_end_locked(t, shard, v);
    shard_leave(t, shard);
    return s;
}

size_t cache_stream_left(const struct cache_stream *s)
{
    return s->raw_len - s->done;
}

size_t cache_stream_skip(struct cache_stream *s, size_t bytes)
{
    size_t whole = bytes / CACHE_SEGMENT * CACHE_SEGMENT;
    assert(bytes <= cache_stream_left(s));
    s->done += whole;
    return whole;
}

/* The head is there as long as we are a reader. */
static uint32_t stream_segment(struct cache_thread *t, const struct cache_stream *s, size_t i)
{
    struct zs_map map;
    struct item it;
    unsigned scratch = scratch_take(t);
    const uint8_t *object =
        zs_map_object(t->cache->pool, s->handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    bool ok = item_read(object, map.len, &it);
    assert(ok);
    (void)ok;
    uint32_t handle = segment_handle(t, it.stored, it.raw_len, i);
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
    return handle;
}

/* Drops the item, if it still has this value. */
static void drop_damaged_locked(struct cache_thread *t, const struct cache_stream *s,
                                struct shard *shard)
{
    struct slot slot;
    struct found f;
    if (shard_find_handle(shard, hash_h14(t->cache, s->hash), s->handle, &slot) &&
        found_open(t, slot, &f))
        drop_as_locked(t, s->db, shard, &f, GONE_DAMAGED);
    else
        count(t, N_DAMAGED, 1);
}

enum cache_status cache_stream_next(struct cache_thread *t, struct cache_stream *s, void *dst,
                                    size_t *len)
{
    size_t i = s->done / CACHE_SEGMENT;
    struct shard *shard = &db_shards(t->cache, s->db)[shard_number(t->cache, s->hash)];
    *len = s->done < s->raw_len ? segment_len(s->raw_len, i) : 0;
    if (*len == 0)
        return CACHE_OK;
    /* Flags and expiry of a head that is still in its slot may be written meanwhile. */
    shard_enter(t, shard);
    uint32_t handle = stream_segment(t, s, i);
    shard_leave(t, shard);
    if (!segment_read(t, handle, *len, 0, *len, dst)) {
        shard_enter(t, shard);
        drop_damaged_locked(t, s, shard);
        shard_leave(t, shard);
        return CACHE_DAMAGED;
    }
    s->done += *len;
    return CACHE_OK;
}

void cache_stream_close(struct cache_thread *t, struct cache_stream *s)
{
    if (s == NULL)
        return;
    struct shard *shard = &db_shards(t->cache, s->db)[shard_number(t->cache, s->hash)];
    shard_enter(t, shard);
    if (readers_add_locked(t, s->handle, -1) == READERS_ORPHAN)
        built_free(t, s->handle);
    shard_leave(t, shard);
    free(s);
}
