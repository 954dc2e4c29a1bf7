/* Making objects: from a source of byte ranges to one object, or to a head with segments. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "coding.h"
#include "dead.h"
#include "evict.h"
#include "feed.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "memory.h"
#include "policy.h"
#include "segment.h"
#include "state.h"
#include "thread.h"
#include "zspool/zspool.h"

/* Times the pool may refuse before a write is. */
#define TRIES 64

enum cache_status object_alloc(struct cache_thread *t, size_t size, uint32_t *handle)
{
    for (int i = 0; i < TRIES; i++) {
        enum zs_status status = zs_malloc(t->cache->pool, size, handle);
        if (status == ZS_OK)
            return CACHE_OK;
        if (status == ZS_ETOOBIG || status == ZS_EINVAL)
            return CACHE_TOOBIG;
        if (!memory_room(t, size))
            break;
    }
    return CACHE_OOM;
}

uint8_t build_flags(const struct cache *c)
{
    unsigned policy = atomic_load_explicit(&c->policy, memory_order_relaxed);
    unsigned compression = atomic_load_explicit(&c->compression, memory_order_relaxed);
    return (uint8_t)((policy_has_clock(policy) ? ITEM_CLOCK : 0) |
                     (compression == CACHE_ADAPTIVE ? ITEM_NURSERY : 0));
}

static bool codes_on_write(const struct cache *c)
{
    return atomic_load_explicit(&c->compression, memory_order_relaxed) == CACHE_ON_WRITE;
}

/* ---- objects ---- */

/* Where an object is written: in place, or in a scratch buffer when it does not lie together. */
struct writing {
    struct zs_map map;
    unsigned scratch;
};

static uint8_t *write_begin(struct cache_thread *t, uint32_t handle, size_t size, struct writing *w)
{
    w->scratch = scratch_take(t);
    return zs_map_object(t->cache->pool, handle, ZS_MM_WO, size, t->scratch[w->scratch], &w->map);
}

static void write_end(struct cache_thread *t, struct writing *w)
{
    zs_unmap_object(t->cache->pool, &w->map);
    scratch_give(t, w->scratch);
}

static uint32_t new_clock(const struct cache_thread *t, const struct item *it)
{
    if ((it->flags & ITEM_CLOCK) == 0)
        return 0;
    return clock_new(t, atomic_load_explicit(&t->cache->policy, memory_order_relaxed));
}

enum cache_status build_object(struct cache_thread *t, struct item *it, struct key_text key,
                               const void *stored, uint32_t *handle)
{
    const struct key_frame *frame = learner_keys(t->cache->learner, it->dict);
    uint8_t header[ITEM_HEADER_MAX];
    it->key_form = key_form_of(frame, key);
    enum cache_status status = object_alloc(t, item_bytes(it), handle);
    if (status != CACHE_OK)
        return status;
    size_t usable = zs_usable_size(t->cache->pool, *handle);
    size_t head = item_write_header(it, usable, new_clock(t, it), header);
    size_t key_bytes = key_form_bytes(it->key_form);
    struct writing w;
    uint8_t *p = write_begin(t, *handle, head + key_bytes + it->stored_len, &w);
    memcpy(p, header, head);
    key_form_write(frame, it->key_form, key, p + head);
    memcpy(p + head + key_bytes, stored, it->stored_len);
    write_end(t, &w);
    return CACHE_OK;
}

/* A value of one piece, raw, copied once: from where it came into the pool. */
static enum cache_status build_raw(struct cache_thread *t, const struct build *b, struct feed *f,
                                   const struct item *it, uint32_t *handle)
{
    uint8_t header[ITEM_HEADER_MAX];
    size_t head = item_write_header(it, 0, new_clock(t, it), header);
    size_t size = head + b->key->len + it->stored_len;
    enum cache_status status = object_alloc(t, size, handle);
    if (status != CACHE_OK)
        return status;
    struct writing w;
    uint8_t *p = write_begin(t, *handle, size, &w);
    memcpy(p, header, head);
    memcpy(p + head, b->key->ptr, b->key->len);
    bool ok = feed_copy(f, p + head + b->key->len, it->raw_len);
    write_end(t, &w);
    if (ok)
        return CACHE_OK;
    zs_free(t->cache->pool, *handle);
    return CACHE_DAMAGED;
}

static enum cache_status build_coded(struct cache_thread *t, const struct build *b, struct feed *f,
                                     struct item *it, uint32_t *handle)
{
    unsigned in = scratch_take(t);
    unsigned out = scratch_take(t);
    enum cache_status status = CACHE_DAMAGED;
    const uint8_t *raw = feed_piece(f, t->scratch[in], it->raw_len);
    if (raw != NULL) {
        struct key_text key = key_text_of(b->key);
        struct coded coded =
            encode_value(t, it, key, raw, it->raw_len, CODEC_FAST, t->scratch[out]);
        item_set_coded(it, &coded);
        it->flags |= coded.len == 0 ? ITEM_STUBBORN : 0;
        status = build_object(t, it, key, coded.len == 0 ? raw : t->scratch[out], handle);
    }
    scratch_give(t, in);
    scratch_give(t, out);
    return status;
}

/* ---- long values ---- */

enum cache_status build_segment(struct cache_thread *t, struct key_text key, const uint8_t *raw,
                                size_t len, uint32_t *handle)
{
    if (!codes_on_write(t->cache))
        return segment_store(t, raw, len, NULL, NULL, handle);
    unsigned out = scratch_take(t);
    struct coded coded = encode_value(t, NULL, key, raw, len, CODEC_FAST, t->scratch[out]);
    enum cache_status status = segment_store(t, raw, len, &coded, t->scratch[out], handle);
    scratch_give(t, out);
    return status;
}

static enum cache_status store_segments(struct cache_thread *t, const struct build *b,
                                        struct feed *f, uint32_t *handles, size_t *done)
{
    size_t total = b->value->total;
    enum cache_status status = CACHE_OK;
    unsigned in = scratch_take(t);
    for (size_t n = segment_count(total); *done < n && status == CACHE_OK;) {
        size_t len = segment_len(total, *done);
        const uint8_t *raw = feed_piece(f, t->scratch[in], len);
        status = raw == NULL ? CACHE_DAMAGED
                             : build_segment(t, key_text_of(b->key), raw, len, &handles[*done]);
        *done += status == CACHE_OK;
    }
    scratch_give(t, in);
    return status;
}

static enum cache_status build_long(struct cache_thread *t, const struct build *b, struct feed *f,
                                    struct item *it, uint32_t *handle)
{
    size_t n = segment_count(it->raw_len);
    size_t done = 0;
    uint32_t *handles = malloc(n * sizeof *handles);
    if (handles == NULL)
        return CACHE_OOM;
    it->flags = (uint8_t)((it->flags & ~ITEM_CODEC) | ITEM_SEGMENTED | ITEM_EXPIRES);
    enum cache_status status = store_segments(t, b, f, handles, &done);
    if (status == CACHE_OK)
        status = segment_head(t, it, key_text_of(b->key), handles, n, handle);
    if (status != CACHE_OK)
        segments_free(t, handles, done, it->raw_len);
    free(handles);
    return status;
}

void built_free(struct cache_thread *t, uint32_t handle)
{
    struct zs_map map;
    struct item it;
    unsigned scratch = scratch_take(t);
    const uint8_t *object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    bool is_long = item_read(object, map.len, &it) && item_codec(&it) == ITEM_SEGMENTED;
    bool later = is_long && dead_add(t, handle, it.raw_len);
    if (is_long && !later)
        segment_value_free(t, it.stored, it.raw_len);
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
    if (!later)
        zs_free(t->cache->pool, handle);
}

enum cache_status build_item(struct cache_thread *t, const struct build *b, uint32_t *handle,
                             struct item *it)
{
    struct cache *c = t->cache;
    size_t total = b->value->total;
    if (b->key->len > CACHE_MAX_KEY || total > CACHE_MAX_VALUE)
        return CACHE_TOOBIG;
    *it = (struct item){
        .flags = (uint8_t)(build_flags(c) | (b->type == CACHE_HASH ? ITEM_HASH : 0) |
                           (b->expire_ms != CACHE_NO_EXPIRY ? ITEM_EXPIRES : 0)),
        .key_form = {KEY_WHOLE, (uint32_t)b->key->len},
        .raw_len = total,
        .stored_len = total,
        .expire_ms = b->expire_ms,
    };
    struct feed f = feed_begin(b->value);
    if (total > CACHE_SEGMENT || total + b->key->len + ITEM_HEADER_MAX > ZS_MAX_ALLOC_SIZE)
        return build_long(t, b, &f, it, handle);
    if (codes_on_write(c) && total > 0)
        return build_coded(t, b, &f, it, handle);
    return build_raw(t, b, &f, it, handle);
}
