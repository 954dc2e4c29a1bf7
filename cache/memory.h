/* What the process takes, and keeping it below the cap. */
#ifndef CACHE_MEMORY_H
#define CACHE_MEMORY_H

#include "state.h"

/* What the machine, or the group of the process, may use. */
uint64_t machine_bytes(void);
/* Tells the pool how many pages are left for it. */
void memory_set_limit(struct cache *c);
/* After the pool refused: evicts and compacts a little. False when nothing can be freed. */
bool memory_room(struct cache_thread *t, size_t bytes);
bool memory_is_over(struct cache *c);
/* Bytes to evict until use is below this share (1/1024) of the cap; 0 = it is. */
size_t memory_over(struct cache *c, unsigned share);
/* The keeper evicts ahead of writers, from the first mark down to the second. */
#define MARK_HIGH 1020
#define MARK_LOW  1008
/* Measures what the process takes beside what is counted. */
void memory_measure(struct cache *c);
/* Finds out whether the cache is full. */
void memory_note_full(struct cache *c);
/* Gives free memory of the heap back to the system. The keeper's. */
void memory_trim_heap(struct cache *c);
/* Whether enough was taken or freed since. */
bool memory_is_worth_trimming(struct cache *c);

#endif
