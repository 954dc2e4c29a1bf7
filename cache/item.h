/* Items: the bytes of an object of the pool.
 *
 *   flags:1  key length:varint  raw length:varint
 *   [ stored length:varint  dictionary:1     LZ4 and dense only; the checksum is longer
 *     checksum:1, 2 or 4 ]                   for longer values; see coding.c
 *   [ expiry:6 ]                             milliseconds since 1970, all ones = none; with
 *                                            ITEM_EXPIRES, which segmented items always have
 *   [ clock:3 ]                              with ITEM_CLOCK; see sample.c
 *   key  stored value
 *
 * A segmented value has as stored value: readers:4, and a handle (4 bytes) for each 16 KiB,
 * or, for more than LIST_HANDLES of them, for each list of so many.
 *
 * Segment object: codec:1  dictionary:1  stored length:2  checksum:4 (0 when raw)  stored bytes.
 */
#ifndef CACHE_ITEM_H
#define CACHE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "codec/codec.h"

enum item_flags {
    ITEM_CODEC = 3,     /* enum codec_id, or ITEM_SEGMENTED */
    ITEM_HASH = 1 << 2, /* CACHE_HASH */
    ITEM_EXPIRES = 1 << 3,
    ITEM_NURSERY = 1 << 4,
    ITEM_CLOCK = 1 << 5,
    ITEM_STUBBORN = 1 << 6, /* raw: coding was tried and is not worth it */
    ITEM_HASTY = 1 << 6,    /* coded or long: the effort of ITEM_CLOSE was made in haste */
    ITEM_CLOSE = 1 << 7,    /* coded with all effort already */
};
#define ITEM_SEGMENTED   3
#define ITEM_HEADER_MAX  (1 + 5 + 5 + 5 + 1 + 4 + 6 + 3)
#define ITEM_CLOCK_BYTES 3
/* Of the header, what LZ4 and dense have more, as a rule and without the checksum. */
#define ITEM_CODED_BYTES 3

struct item {
    uint8_t flags;
    uint8_t dict;
    uint8_t expiry_at, clock_at; /* offsets in the object; 0 = none */
    uint32_t key_len;
    uint32_t check; /* of a coded value */
    size_t raw_len;
    size_t stored_len;
    int64_t expire_ms; /* CACHE_NO_EXPIRY = none */
    const uint8_t *key;
    const uint8_t *stored;
};

static inline unsigned item_codec(const struct item *it)
{
    return it->flags & ITEM_CODEC;
}
static inline bool item_is_stubborn(const struct item *it)
{
    return (it->flags & (ITEM_CODEC | ITEM_STUBBORN)) == ITEM_STUBBORN; /* CODEC_RAW is 0 */
}
static inline enum cache_type item_type(const struct item *it)
{
    return (it->flags & ITEM_HASH) != 0 ? CACHE_HASH : CACHE_STRING;
}
/* Bytes of the checksum of a coded value. A percent of what is stored: what is long is worth more,
 * and has more bytes that may be hit. */
static inline unsigned check_bytes(size_t raw_len)
{
    if (raw_len < 256)
        return 1;
    return raw_len < 2048 ? 2 : 4;
}
/* Bytes of the whole object. */
static inline size_t item_size(const struct item *it, const uint8_t *object)
{
    return (size_t)(it->stored - object) + it->stored_len;
}

/* Reads an object. False when it cannot be one. */
bool item_read(const uint8_t *object, size_t usable, struct item *out);
/* Writes all that stands before the key, from flags, key_len, raw_len, stored_len, dict, expire_ms;
 * returns its length. `clock` is used with ITEM_CLOCK. */
size_t item_write_header(const struct item *it, uint32_t clock, uint8_t out[ITEM_HEADER_MAX]);
int64_t item_read_expiry(const uint8_t *p);
void item_write_expiry(uint8_t *p, int64_t expire_ms);
uint32_t item_read_clock(const uint8_t *p);
void item_write_clock(uint8_t *p, uint32_t clock);

/* ---- segments ---- */

#define SEGMENT_HEADER      8u
#define SEGMENT_LIST_HEADER 4u
#define LIST_HANDLES        512u
#define READERS_ORPHAN      0x8000u /* in the readers of a head: it is in no slot any more */

static inline size_t segment_count(size_t raw_len)
{
    return (raw_len + CACHE_SEGMENT - 1) / CACHE_SEGMENT;
}
/* Raw bytes of segment i. */
static inline size_t segment_len(size_t raw_len, size_t i)
{
    size_t from = i * CACHE_SEGMENT;
    return raw_len - from < CACHE_SEGMENT ? raw_len - from : CACHE_SEGMENT;
}

#endif
