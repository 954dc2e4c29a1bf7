/* Buckets and shards of the index.
 *
 * hash (64 bits, keyed):  [ shard : 10..14 ][ h14 : 14 ][ rest ]
 *
 * A shard is an array of buckets, a cache line each:
 *
 *   tag[10]  h14 << 2 | age        age: 0 just used, 3 idle for long (see the age pass)
 *   ref[10]  handle << 2 | frequency    0 = empty slot
 *   due      earliest expiry in the bucket, in seconds of cache time; may be too early, never too
 *            late; DUE_NEVER = none
 *
 * The home bucket of an item is (h14 * nbuckets) >> 14: it grows with h14, so homes keep their
 * order when the shard grows, and a cursor in terms of h14 stays good. An item lies in its home
 * bucket, or, when that is full, in the next that is not:
 *
 *   for an item with home b in bucket i: b <= i, and buckets b .. i - 1 are full.
 *
 * The array has a few buckets more than there are homes, for what runs over the end.
 */
#ifndef CACHE_BUCKET_H
#define CACHE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

#define BUCKET_SLOTS 10
#define DUE_NEVER    UINT32_MAX

struct bucket {
    uint16_t tag[BUCKET_SLOTS];
    uint32_t ref[BUCKET_SLOTS];
    uint32_t due;
} __attribute__((aligned(64)));

struct shard {
    struct lock lock;
    uint32_t nbuckets; /* homes; 0 = no array yet */
    uint32_t count;
    uint32_t due;      /* earliest of its buckets; may be too early */
    uint32_t hand;     /* bucket the eviction CLOCK looks at next */
    uint32_t expiring; /* items with an expiry */
    struct bucket *bucket;
};

/* A slot of a locked shard. */
struct slot {
    struct bucket *bucket;
    unsigned i;
};

static inline uint32_t ref_handle(uint32_t ref)
{
    return ref >> 2;
}
static inline unsigned ref_frequency(uint32_t ref)
{
    return ref & 3;
}
static inline uint32_t ref_make(uint32_t handle, unsigned frequency)
{
    return handle << 2 | frequency;
}
static inline unsigned tag_h14(uint16_t tag)
{
    return tag >> 2;
}
static inline unsigned tag_age(uint16_t tag)
{
    return tag & 3;
}
static inline uint32_t bucket_home(const struct shard *s, unsigned h14)
{
    return (uint32_t)(((uint64_t)h14 * s->nbuckets) >> 14);
}

/* All with the shard locked. */

/* Buckets of the array, those behind the last home included. */
uint32_t shard_buckets(uint32_t nbuckets);
/* Bytes of the array. */
size_t shard_bytes(const struct shard *s);
/* Puts a handle in; the key must not be there. False when memory is short. `due` in seconds. */
bool shard_insert(struct shard *s, unsigned h14, uint32_t handle, unsigned frequency, uint32_t due,
                  struct slot *out, int64_t *grown_bytes);
/* Empties a slot and moves others up, so that the rule above holds. Slots are not valid then. */
void shard_remove(struct shard *s, struct slot at);
/* The slot that holds the handle. */
bool shard_find_handle(const struct shard *s, unsigned h14, uint32_t handle, struct slot *out);
/* Notes an expiry of the item in the slot. */
void shard_note_due(struct shard *s, struct bucket *b, uint32_t due);
/* What does not hold, or NULL. */
const char *shard_check(const struct shard *s);

#endif
