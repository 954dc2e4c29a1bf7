/* Counting, and the sums of it. No lock is needed for either: each thread adds to counters of its
 * own, and a sum that is taken meanwhile may be off by what they are just adding. */
#ifndef CACHE_STATS_H
#define CACHE_STATS_H

#include "state.h"

/* Adds to a counter (enum counter). Nobody else writes to it, so that it takes no locked
 * instruction. */
static inline void count(struct cache_thread *t, unsigned what, int64_t delta)
{
    _Atomic int64_t *n = &t->counters->n[what];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

/* A rung of the ladder did something: gained so many bytes, in so many microseconds of CPU. */
static inline void rung(struct cache_thread *t, enum cache_rung r, size_t bytes, int64_t us)
{
    count(t, N_RUNG_RUNS + r, 1);
    count(t, N_RUNG_BYTES + r, (int64_t)bytes);
    count(t, N_RUNG_US + r, us);
}

/* What all threads have counted since the last reset. May be less than 0 for a moment: one thread
 * counts an item in and another out, and they are not read at one time. */
int64_t counter_sum(struct cache *c, unsigned what);
/* Bytes that the index takes: shards, and what of the store of buckets is resident. */
uint64_t index_bytes(struct cache *c);

#endif
