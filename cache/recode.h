/* Coding items again. */
#ifndef CACHE_RECODE_H
#define CACHE_RECODE_H

#include "item.h"
#include "state.h"

/* The value of a pinned item of one piece: its stored bytes, or decoded into buf (SCRATCH_BYTES).
 * NULL = damaged. */
const uint8_t *raw_of(struct cache_thread *t, const struct item *it, uint8_t *buf);

enum recoded {
    RECODED_SMALLER,
    RECODED_SAME, /* it stays as it is */
    RECODED_GONE, /* the handle is in no slot any more */
};
/* Bits. */
enum recode_how {
    RECODE_CLOSE = 1,   /* the item is idle: with all effort */
    RECODE_AGAIN = 2,   /* what was not worth it may be now: there is a new dictionary */
    RECODE_RETIRED = 4, /* there are dictionaries to get rid of */
};
/* Codes an item again where that makes its size class smaller, and ends its time in the nursery;
 * makes it raw when compression is off. The shard is locked by the caller, and unlocked at return;
 * *saved grows by bytes. */
enum recoded recode_item(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                         uint32_t handle, unsigned how, size_t *saved);
/* Uses of an item, this one included, from which on it is hot. */
#define HOT_FREQUENCY 2
/* While there is memory to spare, stores a dense item that is read again and again as it is, so
 * that the next reads cost no decoding; growing idle, it is coded again. `raw` is its value. Locks
 * the shard. */
void warm_up(struct cache_thread *t, struct cache_view *v, const void *raw);
/* Locks the shard; only tries while the thread helps out inside an operation, and may hold
 * another. */
bool shard_seize(struct cache_thread *t, struct shard *s);

#endif
