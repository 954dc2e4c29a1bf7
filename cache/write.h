/* Putting objects in their place. What ends in _locked: with the shard `s` of the key locked. */
#ifndef CACHE_WRITE_H
#define CACHE_WRITE_H

#include "build.h"
#include "find.h"

/* Passes the outcome of a write on; counts it when it was refused. */
enum cache_status refused(struct cache_thread *t, enum cache_status status);
/* Puts a new object in the place of the found one (f may be NULL: the key is absent), which is
 * freed; its pin stays. On failure the object is still the caller's. */
enum cache_status place_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                               struct found *f, uint32_t handle, const struct item *it);
/* The same without freeing the old object. */
void swap_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f, uint32_t handle, const struct item *it);
/* Builds and places; or deletes, when it would have expired already. The pin of f stays. */
enum cache_status store_locked(struct cache_thread *t, struct shard *s, const struct build *b,
                               struct found *f);
/* Sets the expiry of a found item, in place or by a new object. The pin of f stays. */
enum cache_status expire_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                                struct found *f, int64_t expire_ms);

#endif
