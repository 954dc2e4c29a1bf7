/* Reading a source piece by piece. One thread at a time. */
#ifndef CACHE_FEED_H
#define CACHE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

struct feed {
    const struct cache_source *source;
    const uint8_t *at;
    size_t left; /* of the range at hand */
};

/* The source must outlive it. */
struct feed feed_begin(const struct cache_source *source);
/* Copies exactly len bytes; false when the source ends before (it then lied about its total). */
bool feed_copy(struct feed *f, uint8_t *dst, size_t len);
/* len bytes in one piece: where they are, or copied to buf. NULL as feed_copy(). */
const uint8_t *feed_piece(struct feed *f, uint8_t *buf, size_t len);

#endif
