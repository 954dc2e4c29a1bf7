/* Items: the bytes of an object of the pool.
 *
 *   raw or segmented
 *     flags:1  key length:varint  raw length:varint  rest
 *   LZ4 or dense
 *     flags:1  dictionary:1  | kind of key:2 | slack:2 | count of key:4 |  [ count of key:varint ]
 *     raw length:varint  [ stored length:varint ]  checksum:1, 2 or 4  rest
 *   rest
 *   [ expiry:6 ]                             milliseconds since 1970, all ones = none; with
 *                                            ITEM_EXPIRES, which segmented items always have
 *   [ clock:3 ]                              with ITEM_CLOCK; see sample.c
 *   key  stored value
 *
 * A coded item with a dictionary stores its key in one of the forms of key_form.h, and its own
 * length as what it leaves of the object it lies in: the slack. Where that is 3 bytes or more, they
 * have room for the stored length. A count of 15 or more stands in a varint, as all lengths do:
 * seven bits a byte. The checksum is longer for longer values; see coding.c.
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
#include "key_form.h"

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
#define ITEM_HEADER_MAX  (3 + 5 + 5 + 5 + 4 + 6 + 3)
#define ITEM_CLOCK_BYTES 3

struct item {
    uint8_t flags;
    uint8_t dict;
    uint8_t expiry_at, clock_at; /* offsets in the object; 0 = none */
    uint32_t check;              /* of a coded value */
    struct key_form key_form;
    size_t raw_len;
    size_t stored_len;
    int64_t expire_ms;  /* CACHE_NO_EXPIRY = none */
    const uint8_t *key; /* as it is stored */
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

static inline bool item_is_hasty(const struct item *it)
{
    return (it->flags & ITEM_HASTY) != 0 && (it->flags & ITEM_CODEC) != 0;
}

/* In main, and not coded with all effort yet. */
static inline bool item_is_loose(const struct item *it)
{
    return (it->flags & (ITEM_NURSERY | ITEM_STUBBORN | ITEM_CLOSE)) == 0;
}

/* Of an item that counts in N_LOOSE_BYTES. */
static inline size_t item_loose_bytes(const struct item *it)
{
    return item_codec(it) == ITEM_SEGMENTED ? it->raw_len : it->stored_len;
}
static inline enum cache_type item_type(const struct item *it)
{
    return (it->flags & ITEM_HASH) != 0 ? CACHE_HASH : CACHE_STRING;
}
static inline bool item_is_coded(const struct item *it)
{
    unsigned codec = item_codec(it);
    return codec != CODEC_RAW && codec != ITEM_SEGMENTED;
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

/* Reads an object of `usable` bytes, all of them. False when it cannot be one. */
bool item_read(const uint8_t *object, size_t usable, struct item *out);
/* Bytes of the object of an item, from flags, key_form, raw_len, stored_len. */
size_t item_bytes(const struct item *it);
/* Writes all that stands before the key of an object of `usable` bytes, from the same and dict,
 * check and expire_ms; returns its length. `clock` is used with ITEM_CLOCK. */
size_t item_write_header(const struct item *it, size_t usable, uint32_t clock,
                         uint8_t out[ITEM_HEADER_MAX]);
/* The fields of the header, `p` at the field itself. Milliseconds since 1970, or
 * CACHE_NO_EXPIRY. */
int64_t item_read_expiry(const uint8_t *p);
void item_write_expiry(uint8_t *p, int64_t expire_ms);
/* ITEM_CLOCK_BYTES; what they mean the policy tells: see clock_new(). */
uint32_t item_read_clock(const uint8_t *p);
void item_write_clock(uint8_t *p, uint32_t clock);

/* ---- segments ---- */

#define SEGMENT_HEADER      8u
#define SEGMENT_LIST_HEADER 4u
#define LIST_HANDLES        512u
#define READERS_ORPHAN      (1u << 31) /* in the readers of a head: it is in no slot any more */

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
