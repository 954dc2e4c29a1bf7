/* Finding a key of the wanted type, and what most commands do with its value. */
#include <string.h>

#define XXH_INLINE_ALL /* the header is all that is needed of the library */
#include <xxhash.h>

#include "internal.h"

#define PIECE CACHE_SEGMENT

enum lookup lookup_type(struct request *rq, const struct cache_key *key, enum cache_type type,
                        unsigned flags, struct cache_view *view)
{
    if (cache_get(rq->cache, key, flags, view) != CACHE_OK) {
        request_missed(rq, key);
        return LOOKUP_MISSING;
    }
    if (view->type == type)
        return LOOKUP_FOUND;
    cache_view_end(rq->cache, view);
    reply_wrong_type(rq);
    return LOOKUP_REPLIED;
}

bool lock_key(struct request *rq, const struct cache_key *key)
{
    enum cache_status status = cache_lock_keys(rq->cache, key, 1);
    if (status == CACHE_OK)
        return true;
    reply_cache_error(rq, status);
    return false;
}

bool view_text(struct request *rq, struct cache_view *view, char *buf, size_t cap, size_t *len)
{
    *len = view->raw_len;
    return view->raw_len <= cap &&
           cache_view_read(rq->cache, view, 0, view->raw_len, buf) == CACHE_OK;
}

bool view_equals(struct request *rq, struct cache_view *view, const char *text, size_t len)
{
    if (view->raw_len != len)
        return false;
    char piece[PIECE];
    for (size_t off = 0; off < len; off += PIECE) {
        size_t n = len - off < PIECE ? len - off : PIECE;
        if (cache_view_read(rq->cache, view, off, n, piece) != CACHE_OK ||
            memcmp(piece, text + off, n) != 0)
            return false;
    }
    return true;
}

static bool digest_pieces(struct request *rq, struct cache_view *view, XXH3_state_t *state)
{
    char piece[PIECE];
    XXH3_64bits_reset(state);
    for (size_t off = 0; off < view->raw_len; off += PIECE) {
        size_t n = view->raw_len - off < PIECE ? view->raw_len - off : PIECE;
        if (cache_view_read(rq->cache, view, off, n, piece) != CACHE_OK)
            return false;
        XXH3_64bits_update(state, piece, n);
    }
    return true;
}

bool view_digest(struct request *rq, struct cache_view *view, uint64_t *digest)
{
    if (view->raw_len <= PIECE) {
        char text[PIECE];
        size_t len;
        if (!view_text(rq, view, text, sizeof text, &len))
            return false;
        *digest = XXH3_64bits(text, len);
        return true;
    }
    XXH3_state_t *state = XXH3_createState();
    bool ok = state != NULL && digest_pieces(rq, view, state);
    if (ok)
        *digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return ok;
}

struct cache_source source_flat(const void *bytes, size_t len)
{
    /* A flat range of nothing still needs a place. */
    return (struct cache_source){.flat = len > 0 ? bytes : "", .total = len};
}

static const void *next_chunk(void *arg, size_t *len)
{
    struct argument_reader *r = arg;
    const void *chunk = resp_arg_next(&r->reader, len);
    if (r->at > 0)
        request_give_back(r->rq, r->at);
    r->at = *len;
    return chunk;
}

struct cache_source source_argument(struct request *rq, size_t i, struct argument_reader *reader)
{
    const struct resp_arg *arg = &rq->argv[i];
    reader->rq = rq;
    reader->at = 0;
    resp_arg_reader_init(&reader->reader, arg);
    if (arg->ptr != NULL || arg->len == 0)
        return source_flat(arg->ptr, arg->len);
    return (struct cache_source){.next = next_chunk, .arg = reader, .total = arg->len};
}
