/* Buffers of a thread. */
#ifndef CACHE_THREAD_H
#define CACHE_THREAD_H

#include "state.h"

/* A buffer of SCRATCH_BYTES; there are always enough. */
unsigned scratch_take(struct cache_thread *t);
/* Frees what threads use for coding only, and empties their buffers. The world is locked. */
void threads_rest(struct cache_thread *t);
static inline void scratch_give(struct cache_thread *t, unsigned i)
{
    t->scratch_busy &= ~(1u << i);
}

#endif
