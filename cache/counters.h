/* The counters: each thread adds to its own (count()), readers sum (counter_sum()). */
#ifndef CACHE_COUNTERS_H
#define CACHE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "cache/cache.h"
#include "learner.h"

enum counter {
    N_HITS,
    N_MISSES,
    N_EXPIRED,
    N_EVICTED,
    N_REFUSED,
    N_DAMAGED,
    N_ITEMS,
    N_RAW_BYTES,    /* values as they came, of items and segments */
    N_STORED_BYTES, /* the same as they are stored */
    N_KEY_BYTES,    /* as stored */
    N_CODEC,        /* four: raw, lz4, dense, segmented */
    N_INCOMPRESSIBLE = N_CODEC + 4,
    N_NURSERY_ITEMS,
    N_NURSERY_BYTES,
    N_LOOSE_BYTES, /* stored, of items in main that were not coded with all effort yet */
    N_HASTY,       /* items whose effort was made in haste */
    N_GHOST_HITS,
    N_ATTEMPTS,
    N_REJECTED,
    N_MISCODED,
    N_RECODED,
    N_WARMED,
    N_SEGMENTS_READ,
    N_SEGMENTS_WRITTEN,
    N_COMPRESS_US, /* CPU */
    N_RUNG_RUNS,   /* from here on arrays: by rung, by database, by dictionary */
    N_RUNG_BYTES = N_RUNG_RUNS + CACHE_RUNGS,
    N_RUNG_US = N_RUNG_BYTES + CACHE_RUNGS,
    N_DB_ITEMS = N_RUNG_US + CACHE_RUNGS,
    N_DB_EXPIRING = N_DB_ITEMS + CACHE_MAX_DATABASES,
    N_DICT_ITEMS = N_DB_EXPIRING + CACHE_MAX_DATABASES,
    N_DICT_RAW = N_DICT_ITEMS + LEARNER_DICTS,
    N_DICT_STORED = N_DICT_RAW + LEARNER_DICTS,
    COUNTERS = N_DICT_STORED + LEARNER_DICTS,
};

/* Of one place for a thread. */
struct counters {
    _Atomic int64_t n[COUNTERS];
};

#endif
