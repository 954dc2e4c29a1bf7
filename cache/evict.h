/* Eviction. evict.c: the CLOCK; sample.c, reduce.c: the sampled policies. */
#ifndef CACHE_EVICT_H
#define CACHE_EVICT_H

#include "find.h"

/* Evicts about so many bytes of items; returns how many it did. 0 = nothing may be evicted. Only
 * tries to lock, so any lock may be held. */
size_t evict(struct cache_thread *t, size_t bytes);
size_t evict_sampled(struct cache_thread *t, size_t bytes);
/* One item of a shard whose table is full; returns its bytes, 0 = none may be evicted. */
size_t evict_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
size_t evict_sampled_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
/* Higher = to be evicted sooner; 0 = may not be. For the sampled policies. */
uint64_t evict_badness(struct cache_thread *t, unsigned policy, const struct found *f);
/* Evicts until end_us while there is far too much, more than samples could get rid of. The keeper
 * calls it and holds no lock. Returns bytes. */
size_t reduce(struct cache_thread *t, unsigned share, int64_t end_us);
/* Whether there is anything that the policy lets go. */
bool evict_has_victims(struct cache *c);
/* Fetches the items of a bucket that were not used more often. */
void evict_prefetch(struct cache *c, const struct bucket *b, unsigned frequency);
/* Evicts ahead of writers until end_us, once the high mark is passed. True when it is still. */
bool evict_slice(struct cache_thread *t, int64_t end_us);
/* The databases that exist; returns how many. */
unsigned databases_present(struct cache *c, unsigned out[CACHE_MAX_DATABASES]);
uint32_t clock_new(const struct cache_thread *t, unsigned policy);
uint32_t clock_touched(struct cache_thread *t, unsigned policy, uint32_t clock);
/* 0..255, decayed until now. */
unsigned clock_frequency(const struct cache_thread *t, uint32_t clock);
int64_t clock_idle_ms(const struct cache_thread *t, unsigned policy, uint32_t clock);

#endif
