/* Long values: segments of 16 KiB raw, each an object of its own, behind a head that lists them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "build.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "coding.h"
#include "counters.h"
#include "find.h"
#include "item.h"
#include "key_form.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

static void put_u32(uint8_t *p, uint32_t n)
{
    memcpy(p, &n, sizeof n);
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof n);
    return n;
}

/* ---- one segment ---- */

struct segment {
    struct coded coded;
    const uint8_t *stored;
};

static struct segment segment_parse(const uint8_t *object)
{
    return (struct segment){.coded = {.codec = object[0],
                                      .dict = object[1],
                                      .len = (size_t)object[2] | (size_t)object[3] << 8,
                                      .check = get_u32(object + 4)},
                            .stored = object + SEGMENT_HEADER};
}

static void segment_account(struct cache_thread *t, const struct segment *g, size_t raw_len,
                            int sign)
{
    count_bytes(t, N_RAW_BYTES, raw_len, sign);
    count_bytes(t, N_STORED_BYTES, g->coded.len, sign);
    if (g->coded.dict != 0) {
        count(t, N_DICT_ITEMS + g->coded.dict, sign);
        count_bytes(t, N_DICT_RAW + g->coded.dict, raw_len, sign);
        count_bytes(t, N_DICT_STORED + g->coded.dict, g->coded.len, sign);
    }
}

enum cache_status segment_store(struct cache_thread *t, const void *raw, size_t raw_len,
                                const struct coded *coded, const void *coded_bytes,
                                uint32_t *handle)
{
    struct segment g = {.coded = {.len = raw_len}, .stored = raw};
    if (coded != NULL && coded->len != 0)
        g = (struct segment){*coded, coded_bytes};
    enum cache_status status = object_alloc(t, SEGMENT_HEADER + g.coded.len, handle);
    if (status != CACHE_OK)
        return status;
    uint8_t header[SEGMENT_HEADER] = {g.coded.codec, g.coded.dict, (uint8_t)g.coded.len,
                                      (uint8_t)(g.coded.len >> 8)};
    put_u32(header + 4, g.coded.check);
    zs_obj_write(t->cache->pool, *handle, 0, header, SEGMENT_HEADER);
    zs_obj_write(t->cache->pool, *handle, SEGMENT_HEADER, g.stored, g.coded.len);
    segment_account(t, &g, raw_len, 1);
    count(t, N_SEGMENTS_WRITTEN, 1);
    return CACHE_OK;
}

static bool segment_decode(struct cache_thread *t, const struct segment *g, size_t raw_len,
                           uint8_t *dst)
{
    return g->coded.codec <= CODEC_DENSE && decode_value(t, &g->coded, g->stored, raw_len, dst);
}

static bool segment_read_mapped(struct cache_thread *t, const struct segment *g, size_t raw_len,
                                size_t off, size_t len, uint8_t *dst)
{
    if (g->coded.codec == CODEC_RAW) {
        if (g->coded.len != raw_len)
            return false;
        memcpy(dst, g->stored + off, len);
        return true;
    }
    if (off == 0 && len == raw_len)
        return segment_decode(t, g, raw_len, dst);
    unsigned scratch = scratch_take(t);
    bool ok = segment_decode(t, g, raw_len, t->scratch[scratch]);
    if (ok)
        memcpy(dst, t->scratch[scratch] + off, len);
    scratch_give(t, scratch);
    return ok;
}

bool segment_read(struct cache_thread *t, uint32_t handle, size_t raw_len, size_t off, size_t len,
                  uint8_t *dst)
{
    struct zs_map map;
    unsigned scratch = scratch_take(t);
    const uint8_t *object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    struct segment g = segment_parse(object);
    count(t, N_SEGMENTS_READ, 1);
    bool ok = g.coded.len + SEGMENT_HEADER <= map.len &&
              segment_read_mapped(t, &g, raw_len, off, len, dst);
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
    return ok;
}

void segment_free(struct cache_thread *t, uint32_t handle, size_t raw_len)
{
    uint8_t header[SEGMENT_HEADER];
    struct zs_map map;
    const uint8_t *object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SEGMENT_HEADER, header, &map);
    struct segment g = segment_parse(object);
    zs_unmap_object(t->cache->pool, &map);
    segment_account(t, &g, raw_len, -1);
    zs_free(t->cache->pool, handle);
}

/* ---- lists of handles ---- */

static size_t lists_of(size_t segments)
{
    return segments <= LIST_HANDLES ? 0 : (segments + LIST_HANDLES - 1) / LIST_HANDLES;
}

/* Reads n handles from index `from` of a list object. */
static void list_read(struct cache_thread *t, uint32_t list, size_t from, size_t n, uint32_t *out)
{
    struct zs_map map;
    unsigned scratch = scratch_take(t);
    const uint8_t *p = zs_map_object(t->cache->pool, list, ZS_MM_RO, (from + n) * sizeof *out,
                                     t->scratch[scratch], &map);
    memcpy(out, p + from * sizeof *out, n * sizeof *out);
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
}

uint32_t segment_handle(struct cache_thread *t, const uint8_t *stored, size_t raw_len, size_t i)
{
    const uint8_t *handles = stored + SEGMENT_LIST_HEADER;
    if (lists_of(segment_count(raw_len)) == 0)
        return get_u32(handles + i * sizeof(uint32_t));
    uint32_t handle;
    list_read(t, get_u32(handles + i / LIST_HANDLES * sizeof(uint32_t)), i % LIST_HANDLES, 1,
              &handle);
    return handle;
}

uint32_t *segment_handles(struct cache_thread *t, const uint8_t *stored, size_t raw_len,
                          size_t room)
{
    size_t n = segment_count(raw_len);
    uint32_t *out = malloc((room > n ? room : n) * sizeof *out);
    if (out == NULL)
        return NULL;
    const uint8_t *handles = stored + SEGMENT_LIST_HEADER;
    size_t lists = lists_of(n);
    if (lists == 0)
        memcpy(out, handles, n * sizeof *out);
    for (size_t i = 0; i < lists; i++) {
        size_t from = i * LIST_HANDLES;
        size_t here = n - from < LIST_HANDLES ? n - from : LIST_HANDLES;
        list_read(t, get_u32(handles + i * sizeof *out), 0, here, out + from);
    }
    return out;
}

void segment_lists_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len)
{
    size_t lists = lists_of(segment_count(raw_len));
    for (size_t i = 0; i < lists; i++)
        zs_free(t->cache->pool, get_u32(stored + SEGMENT_LIST_HEADER + i * sizeof(uint32_t)));
}

/* Needs no memory, since it must not fail. */
void segment_value_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len)
{
    for (size_t i = 0; i < segment_count(raw_len); i++)
        segment_free(t, segment_handle(t, stored, raw_len, i), segment_len(raw_len, i));
    segment_lists_free(t, stored, raw_len);
}

void segments_free(struct cache_thread *t, const uint32_t *handles, size_t n, size_t raw_len)
{
    for (size_t i = 0; i < n; i++)
        segment_free(t, handles[i], segment_len(raw_len, i));
}

static void put_handle(struct cache_thread *t, uint32_t object, size_t at, uint32_t handle)
{
    uint8_t bytes[sizeof handle];
    put_u32(bytes, handle);
    zs_obj_write(t->cache->pool, object, at, bytes, sizeof bytes);
}

void segment_replace_locked(struct cache_thread *t, const struct found *f, size_t i,
                            uint32_t handle)
{
    const uint8_t *handles = f->item.stored + SEGMENT_LIST_HEADER;
    size_t list_at = (size_t)(handles - f->object);
    uint32_t old = segment_handle(t, f->item.stored, f->item.raw_len, i);
    if (lists_of(segment_count(f->item.raw_len)) == 0)
        put_handle(t, f->map.handle, list_at + i * sizeof handle, handle);
    else
        put_handle(t, get_u32(handles + i / LIST_HANDLES * sizeof handle),
                   i % LIST_HANDLES * sizeof handle, handle);
    segment_free(t, old, segment_len(f->item.raw_len, i));
}

void segment_look(struct cache_thread *t, uint32_t handle, unsigned *codec, unsigned *dict,
                  size_t *stored_len)
{
    uint8_t header[SEGMENT_HEADER];
    struct zs_map map;
    const uint8_t *object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SEGMENT_HEADER, header, &map);
    struct segment g = segment_parse(object);
    *codec = g.coded.codec;
    *dict = g.coded.dict;
    *stored_len = g.coded.len;
    zs_unmap_object(t->cache->pool, &map);
}

/* ---- heads ---- */

/* Writes the lists of a long value; their handles to stored. */
static enum cache_status make_lists(struct cache_thread *t, const uint32_t *handles, size_t n,
                                    uint8_t *stored)
{
    size_t lists = lists_of(n);
    for (size_t i = 0; i < lists; i++) {
        size_t from = i * LIST_HANDLES;
        size_t here = n - from < LIST_HANDLES ? n - from : LIST_HANDLES;
        uint32_t list;
        enum cache_status status = object_alloc(t, here * sizeof *handles, &list);
        if (status != CACHE_OK) {
            while (i-- > 0)
                zs_free(t->cache->pool, get_u32(stored + i * sizeof list));
            return status;
        }
        zs_obj_write(t->cache->pool, list, 0, handles + from, here * sizeof *handles);
        put_u32(stored + i * sizeof list, list);
    }
    return CACHE_OK;
}

enum cache_status segment_head(struct cache_thread *t, const struct item *it, struct key_text key,
                               const uint32_t *handles, size_t n, uint32_t *handle)
{
    unsigned scratch = scratch_take(t);
    uint8_t *stored = t->scratch[scratch];
    struct item head = *it;
    size_t lists = lists_of(n);
    memset(stored, 0, SEGMENT_LIST_HEADER);
    head.stored_len = SEGMENT_LIST_HEADER + (lists > 0 ? lists : n) * sizeof *handles;
    if (lists == 0)
        memcpy(stored + SEGMENT_LIST_HEADER, handles, n * sizeof *handles);
    enum cache_status status = make_lists(t, handles, n, stored + SEGMENT_LIST_HEADER);
    if (status == CACHE_OK) {
        status = build_object(t, &head, key, stored, handle);
        if (status != CACHE_OK)
            segment_lists_free(t, stored, it->raw_len);
    }
    scratch_give(t, scratch);
    return status;
}

/* ---- readers ---- */

/* Offset of the readers in the object. */
static size_t readers_at(struct cache_thread *t, uint32_t handle, unsigned *readers)
{
    struct zs_map map;
    struct item it;
    unsigned scratch = scratch_take(t);
    const uint8_t *object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    bool ok = item_read(object, map.len, &it);
    assert(ok && item_codec(&it) == ITEM_SEGMENTED);
    (void)ok;
    size_t at = (size_t)(it.stored - object);
    *readers = get_u32(it.stored);
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
    return at;
}

static void write_readers(struct cache_thread *t, uint32_t handle, size_t at, unsigned readers)
{
    uint8_t bytes[sizeof(uint32_t)];
    put_u32(bytes, readers);
    zs_obj_write(t->cache->pool, handle, at, bytes, sizeof bytes);
}

unsigned readers_add_locked(struct cache_thread *t, uint32_t handle, int delta)
{
    unsigned readers;
    size_t at = readers_at(t, handle, &readers);
    if (delta != 0) {
        readers += (unsigned)delta;
        write_readers(t, handle, at, readers);
    }
    return readers;
}

uint32_t head_link(struct cache_thread *t, uint32_t handle)
{
    unsigned link;
    readers_at(t, handle, &link);
    return link;
}

void head_set_link(struct cache_thread *t, uint32_t handle, uint32_t link)
{
    unsigned readers;
    write_readers(t, handle, readers_at(t, handle, &readers), link);
}

void readers_orphan_locked(struct cache_thread *t, uint32_t handle)
{
    unsigned readers;
    size_t at = readers_at(t, handle, &readers);
    write_readers(t, handle, at, readers | READERS_ORPHAN);
}
