/* Memory of the index: one reservation of addresses, cut into buckets. Runs of 1, 2, 4, ... 256 of
 * them are handed out, each aligned to its length, and of the free ones always the lowest:
 *
 *   base                                        begun
 *   | taken, here and there a free run          | never touched, or given back
 *   +-------------------------------------------+-------------------------------- - - -
 *
 * So what the index takes is what lies below `begun`. Tables that shrink leave free runs behind;
 * then the keeper moves the highest runs into them (see fit.c), and the end goes back to the
 * system.
 *
 * All functions but create and destroy are thread safe.
 */
#ifndef CACHE_BUCKET_STORE_H
#define CACHE_BUCKET_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

/* Of which tables are made; longer runs are for lists of them. */
#define RUN_MOST 4u
#define RUN_BITS 9 /* lengths of runs */

struct bucket;
struct bucket_store {
    struct bucket *base;
    uint64_t *taken; /* a bit for each bucket */
    uint64_t *full;  /* a bit for each word of `taken` that is all ones */
    struct lock lock;
    uint32_t low[RUN_BITS];  /* words of `taken` before it have no free run of 1 << i */
    uint32_t used;           /* taken ones */
    _Atomic uint32_t begun;  /* those from here on are not resident; changed under the lock */
    bool (*fail)(void *arg); /* for tests: true = there is no memory; NULL = never */
    void *fail_arg;
};

/* False when the system has no addresses. */
bool bucket_store_create(struct bucket_store *st, unsigned rank, bool (*fail)(void *arg),
                         void *fail_arg);
/* One of zeros is fine, too. */
void bucket_store_destroy(struct bucket_store *st);
/* Takes n runs of `run` buckets, all or none; their first buckets go to `out`. What is
 * in them is anything. */
bool bucket_store_take(struct bucket_store *st, unsigned run, uint32_t n, uint32_t *out);
void bucket_store_give(struct bucket_store *st, unsigned run, uint32_t n, const uint32_t *runs);
/* A run below `run` for it, or false: there is none. */
bool bucket_store_take_lower(struct bucket_store *st, unsigned run, uint32_t *number);
/* From which bucket on runs should move down; UINT32_MAX = nothing would be won. */
uint32_t bucket_store_goal(struct bucket_store *st);
/* Gives what lies behind the last run back to the system. */
void bucket_store_trim(struct bucket_store *st);
/* Bytes that are resident. */
size_t bucket_store_bytes(const struct bucket_store *st);
/* What does not hold, or NULL; `used` as counted by the caller. */
const char *bucket_store_check(struct bucket_store *st, size_t used);

#endif
