/* Counting, and the sums of it. */
#ifndef CACHE_STATS_H
#define CACHE_STATS_H

#include "state.h"

static inline void count(struct cache_thread *t, unsigned what, int64_t delta)
{
    _Atomic int64_t *n = &t->counters->n[what];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

static inline void rung(struct cache_thread *t, enum cache_rung r, size_t bytes, int64_t us)
{
    count(t, N_RUNG_RUNS + r, 1);
    count(t, N_RUNG_BYTES + r, (int64_t)bytes);
    count(t, N_RUNG_US + r, us);
}

int64_t counter_sum(struct cache *c, unsigned what);
uint64_t index_bytes(struct cache *c);

#endif
