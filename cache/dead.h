/* Long values that are gone and wait to be freed. Both take dead_lock; a shard may be held. */
#ifndef CACHE_DEAD_H
#define CACHE_DEAD_H

#include "state.h"

/* Takes over a head that nobody reads and that is in no slot, with all of its value. False when it
 * is so short that the caller frees it itself. */
bool dead_add(struct cache_thread *t, uint32_t handle, size_t raw_len);
/* Frees some segments of what is dead; returns how many, 0 = nothing is left. */
size_t dead_free(struct cache_thread *t);

#endif
