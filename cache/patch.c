/* Overwriting and extending values: SETRANGE, APPEND.
 *
 *   old     |==========|
 *   new     |====|vvvvvvv|            value inside or over the end
 *           |==========|0000|vvvv|    gap of zero bytes
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "cache/cache.h"
#include "feed.h"
#include "find.h"
#include "item.h"
#include "segment.h"
#include "state.h"
#include "thread.h"
#include "update.h"
#include "write.h"

struct patch {
    struct cache_thread *t;
    struct cache_view *old; /* NULL = absent */
    struct feed feed;       /* of the value */
    size_t old_len, off, len, new_len;
    size_t done; /* as a source: bytes given out */
    uint8_t *piece;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The new bytes [from, from + n), n <= CACHE_SEGMENT, into dst; called in ascending order. */
static bool patch_bytes(struct patch *p, size_t from, size_t n, uint8_t *dst)
{
    size_t end = from + n;
    size_t old = from < p->old_len ? least(p->old_len, end) - from : 0;
    bool covered = p->off <= from && end <= p->off + p->len;
    memset(dst + old, 0, n - old);
    if (old > 0 && !covered && cache_view_read(p->t, p->old, from, old, dst) != CACHE_OK)
        return false;
    size_t first = p->off > from ? p->off : from;
    size_t last = least(p->off + p->len, end);
    return first >= last || feed_copy(&p->feed, dst + (first - from), last - first);
}

static const void *next_piece(void *arg, size_t *len)
{
    struct patch *p = arg;
    *len = least(CACHE_SEGMENT, p->new_len - p->done);
    if (!patch_bytes(p, p->done, *len, p->piece))
        *len = 0;
    p->done += *len;
    return p->piece;
}

/* The whole value anew. */
static enum cache_status patch_whole(struct patch *p, struct cache_update *u)
{
    struct cache_source source = {.next = next_piece, .arg = p, .total = p->new_len};
    unsigned scratch = scratch_take(p->t);
    p->piece = p->t->scratch[scratch];
    enum cache_status status =
        cache_update_store(p->t, u, u->found ? u->view.type : CACHE_STRING, &source,
                           u->found ? u->view.expire_ms : CACHE_NO_EXPIRY);
    scratch_give(p->t, scratch);
    return status;
}

/* ---- long values, of which only some segments change ---- */

/* Makes segments first .. last of the new value; handles[] are theirs. */
static enum cache_status make_segments(struct patch *p, const struct cache_key *key, size_t first,
                                       size_t last, uint32_t *handles, size_t *made)
{
    enum cache_status status = CACHE_OK;
    unsigned scratch = scratch_take(p->t);
    uint8_t *piece = p->t->scratch[scratch];
    for (size_t i = first; i <= last && status == CACHE_OK; i++) {
        size_t n = segment_len(p->new_len, i);
        status = CACHE_DAMAGED;
        if (patch_bytes(p, i * CACHE_SEGMENT, n, piece))
            status = build_segment(p->t, key_text_of(key), piece, n, &handles[*made]);
        *made += status == CACHE_OK;
    }
    scratch_give(p->t, scratch);
    return status;
}

/* all[] = old handles, with room for the new; fresh[] replaces those from `first` on. */
static enum cache_status put_head(struct patch *p, struct cache_update *u, struct found *f,
                                  uint32_t *all, const uint32_t *fresh, size_t first, size_t made)
{
    struct cache_thread *t = p->t;
    size_t old_count = segment_count(p->old_len);
    size_t replaced = first < old_count ? least(made, old_count - first) : 0;
    struct item it = f->item;
    uint32_t head;
    uint32_t *gone = malloc((replaced + 1) * sizeof *gone);
    if (gone == NULL)
        return CACHE_OOM;
    memcpy(gone, all + first, replaced * sizeof *gone);
    memcpy(all + first, fresh, made * sizeof *all);
    it.raw_len = p->new_len;
    it.flags = (uint8_t)((it.flags & ~(ITEM_NURSERY | ITEM_CLOSE | ITEM_STUBBORN)) |
                         (build_flags(t->cache) & ITEM_NURSERY));
    enum cache_status status =
        segment_head(t, &it, key_text_of(u->key), all, segment_count(p->new_len), &head);
    if (status == CACHE_OK) {
        swap_locked(t, u->shard, u->key, f, head, &it);
        for (size_t i = 0; i < replaced; i++)
            segment_free(t, gone[i], segment_len(p->old_len, first + i));
        segment_lists_free(t, f->item.stored, p->old_len);
        /* The view keeps the old head pinned, and is no reader of the segments any more. */
        u->view.segmented = false;
        f->free_after = f->map.handle;
    }
    free(gone);
    return status;
}

static enum cache_status patch_segments(struct patch *p, struct cache_update *u)
{
    struct cache_thread *t = p->t;
    struct found f;
    size_t first = least(p->off, p->old_len) / CACHE_SEGMENT;
    size_t last = (p->off + p->len - 1) / CACHE_SEGMENT;
    size_t made = 0;
    if (!update_open(t, u, &f))
        return CACHE_DAMAGED;
    uint32_t *all = segment_handles(t, f.item.stored, p->old_len, segment_count(p->new_len));
    uint32_t *fresh = malloc((last - first + 1) * sizeof *fresh);
    enum cache_status status = CACHE_OOM;
    if (all != NULL && fresh != NULL)
        status = make_segments(p, u->key, first, last, fresh, &made);
    if (status == CACHE_OK)
        status = put_head(p, u, &f, all, fresh, first, made);
    if (status != CACHE_OK)
        for (size_t i = 0; i < made; i++)
            segment_free(t, fresh[i], segment_len(p->new_len, first + i));
    free(all);
    free(fresh);
    update_close(t, u, &f);
    return status;
}

enum cache_status cache_update_patch(struct cache_thread *t, struct cache_update *u, size_t off,
                                     const struct cache_source *value, size_t *new_len)
{
    struct patch p = {.t = t,
                      .old = u->found ? &u->view : NULL,
                      .feed = feed_begin(value),
                      .old_len = u->found ? u->view.raw_len : 0,
                      .off = off,
                      .len = value->total};
    if (__builtin_add_overflow(off, value->total, &p.new_len) || p.new_len > CACHE_MAX_VALUE)
        return CACHE_TOOBIG;
    if (p.new_len < p.old_len)
        p.new_len = p.old_len;
    *new_len = p.new_len;
    if (u->found && p.len == 0 && p.new_len == p.old_len)
        return CACHE_OK;
    /* Only we read it: the old segments can be given up. */
    if (p.len > 0 && u->found && u->view.segmented && readers_add_locked(t, u->view.handle, 0) == 1)
        return refused(t, patch_segments(&p, u));
    return patch_whole(&p, u);
}
