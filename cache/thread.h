/* Buffers of a thread, for the thread alone. Who takes one gives it back on every way out; only
 * views and updates keep one for longer, until they end. */
#ifndef CACHE_THREAD_H
#define CACHE_THREAD_H

#include "state.h"

/* The number of a free one: t->scratch[number] has SCRATCH_BYTES. There are always enough. */
unsigned scratch_take(struct cache_thread *t);
static inline void scratch_give(struct cache_thread *t, unsigned i)
{
    t->scratch_busy &= ~(1u << i);
}

/* Frees what threads use for coding only, and empties the buffers of all. The world is locked. */
void threads_rest(struct cache_thread *t);

#endif
