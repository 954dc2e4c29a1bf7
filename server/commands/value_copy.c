/* From key to key without the whole value in one place. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A stream as the source of a store: each piece is decoded when the cache asks for it. */
struct stream_source {
    struct cache_thread *thread;
    struct cache_stream *stream;
    size_t left; /* bytes still owed */
    bool damaged;
    char piece[CACHE_SEGMENT];
};

/* Behind a damaged piece come zero bytes, so that the length announced is kept; copy_long() takes
 * them back. */
static const void *next_piece(void *arg, size_t *len)
{
    struct stream_source *s = arg;
    *len = 0;
    if (s->left == 0)
        return s->piece;
    if (!s->damaged)
        s->damaged = cache_stream_next(s->thread, s->stream, s->piece, len) != CACHE_OK;
    if (s->damaged) {
        *len = s->left < sizeof s->piece ? s->left : sizeof s->piece;
        memset(s->piece, 0, *len);
    }
    s->left -= *len;
    return s->piece;
}

static enum cache_status copy_long(struct request *rq, struct cache_view *from,
                                   const struct cache_key *to, int64_t expire_ms)
{
    struct cache_source source = {.next = next_piece, .total = from->raw_len};
    enum cache_type type = from->type;
    struct stream_source *s = malloc(sizeof *s);
    if (s == NULL) {
        cache_view_end(rq->cache, from);
        return CACHE_OOM;
    }
    s->thread = rq->cache;
    s->left = from->raw_len;
    s->damaged = false;
    s->stream = cache_stream_open(rq->cache, from);
    if (s->stream == NULL) {
        free(s);
        return CACHE_OOM;
    }
    source.arg = s;
    enum cache_status status = cache_set(rq->cache, to, type, &source, expire_ms, 0);
    if (s->damaged) {
        cache_delete(rq->cache, to);
        status = CACHE_MISS;
    }
    cache_stream_close(rq->cache, s->stream);
    free(s);
    return status;
}

enum cache_status copy_value(struct request *rq, struct cache_view *from,
                             const struct cache_key *to, int64_t expire_ms)
{
    char text[CACHE_SEGMENT];
    size_t len;
    if (from->segmented)
        return copy_long(rq, from, to, expire_ms);
    enum cache_type type = from->type;
    bool ok = view_text(rq, from, text, sizeof text, &len);
    cache_view_end(rq->cache, from);
    if (!ok)
        return CACHE_MISS;
    struct cache_source source = source_flat(text, len);
    return cache_set(rq->cache, to, type, &source, expire_ms, 0);
}
