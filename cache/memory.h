/* What the process takes, and keeping it below the cap.
 *
 * Use is the sum of what is counted (pages of the pool, index, dictionaries, what was charged) and
 * of the rest of RSS, which the keeper measures. All in bytes. No lock is needed, but where said
 * otherwise; any thread may call what is not the keeper's. */
#ifndef CACHE_MEMORY_H
#define CACHE_MEMORY_H

#include "state.h"

/* The keeper evicts ahead of writers, from the first mark down to the second; in 1/1024 of the
 * cap. */
#define MARK_HIGH 1020
#define MARK_LOW  1008

/* What the machine has. */
uint64_t machine_bytes(void);
/* Tells the pool how many pages are left for it. */
void memory_set_limit(struct cache *c);
/* After the pool refused `bytes`: evicts and compacts a little. False when nothing can be freed, or
 * the thread is making room already. Shards may be held: others are only tried. */
bool memory_room(struct cache_thread *t, size_t bytes);
/* Whether use is above the cap. */
bool memory_is_over(struct cache *c);
/* Bytes to evict until use is below this share (1/1024) of the cap; 0 = it is. What will be given
 * back in any case is not counted. */
size_t memory_over(struct cache *c, unsigned share);
/* Finds out whether the cache is full: above the cap, with nothing that may be evicted. */
void memory_note_full(struct cache *c);

/* ---- the keeper's ---- */

/* Measures what the process takes beside what is counted. */
void memory_measure(struct cache *c);
/* Gives free memory of the heap back to the system, and measures again. Takes milliseconds. */
void memory_trim_heap(struct cache *c);
/* Whether enough was taken or freed since the last time. */
bool memory_is_worth_trimming(struct cache *c);

#endif
