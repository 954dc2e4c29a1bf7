/* Eviction. evict.c: the default policy; sample.c, reduce.c: the sampled ones. */
#ifndef CACHE_EVICT_H
#define CACHE_EVICT_H

#include "find.h"

/* Evicts about so many bytes of items; returns how many it did. 0 = nothing may be evicted. Only
 * tries to lock, so any lock may be held. */
size_t evict(struct cache_thread *t, size_t bytes);
/* The same, for a policy that takes samples. */
size_t evict_sampled(struct cache_thread *t, size_t bytes);
/* One item of a shard whose table is full; returns its bytes, 0 = none may be evicted. */
size_t evict_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
/* The same, for a policy that takes samples. */
size_t evict_sampled_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
/* Higher = to be evicted sooner; 0 = may not be. For the sampled policies. */
uint64_t evict_badness(struct cache_thread *t, unsigned policy, const struct found *f);
/* Evicts until end_us, down to `share` (1/1024) of the cap, while there is far more, so much that
 * samples could not get rid of it. The keeper calls it and holds no lock. Returns bytes. */
size_t reduce(struct cache_thread *t, unsigned share, int64_t end_us);
/* Whether there is anything that the policy lets go. */
bool evict_has_victims(struct cache *c);
/* Starts to load the items of a bucket that were not used more often than `frequency`. */
void evict_prefetch(struct cache *c, const struct bucket *b, unsigned frequency);
/* The keeper's: evicts ahead of writers until end_us, once the high mark is passed. True when it
 * still is. */
bool evict_slice(struct cache_thread *t, int64_t end_us);
/* The databases that exist; returns how many. */
unsigned databases_present(struct cache *c, unsigned out[CACHE_MAX_DATABASES]);

/* ---- the clock of an item (ITEM_CLOCK), for policies that keep one; drawn in sample.c ---- */

/* Of an item that is stored now. */
uint32_t clock_new(const struct cache_thread *t, unsigned policy);
/* After a use. */
uint32_t clock_touched(struct cache_thread *t, unsigned policy, uint32_t clock);
/* Of the LFU policies: 0..255, decayed until now. */
unsigned clock_frequency(const struct cache_thread *t, uint32_t clock);
/* Since the last use, as finely as the clock has it: tenths of a second, or minutes for LFU. */
int64_t clock_idle_ms(const struct cache_thread *t, unsigned policy, uint32_t clock);

#endif
