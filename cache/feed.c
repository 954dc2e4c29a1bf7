/* Reading a source piece by piece. */
#include <string.h>

#include "cache/cache.h"
#include "feed.h"

struct feed feed_begin(const struct cache_source *source)
{
    struct feed f = {.source = source};
    if (source->flat != NULL) {
        f.at = source->flat;
        f.left = source->total;
    }
    return f;
}

static bool feed_next(struct feed *f)
{
    if (f->left > 0)
        return true;
    if (f->source->flat != NULL || f->source->next == NULL)
        return false;
    f->at = f->source->next(f->source->arg, &f->left);
    return f->left > 0;
}

bool feed_copy(struct feed *f, uint8_t *dst, size_t len)
{
    while (len > 0) {
        if (!feed_next(f))
            return false;
        size_t n = f->left < len ? f->left : len;
        memcpy(dst, f->at, n);
        f->at += n;
        f->left -= n;
        dst += n;
        len -= n;
    }
    return true;
}

const uint8_t *feed_piece(struct feed *f, uint8_t *buf, size_t len)
{
    if (feed_next(f) && f->left >= len) {
        const uint8_t *p = f->at;
        f->at += len;
        f->left -= len;
        return p;
    }
    return feed_copy(f, buf, len) ? buf : NULL;
}
