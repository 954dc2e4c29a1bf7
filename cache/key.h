/* Where a key belongs: its shard, and the lock of that. */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "state.h"

/* The shard of a hash, and the 14 bits by which the shard goes; see bucket.h. */
static inline unsigned shard_number(const struct cache *c, uint64_t hash)
{
    return (unsigned)(hash >> (64 - c->shard_bits));
}
static inline unsigned hash_h14(const struct cache *c, uint64_t hash)
{
    return (unsigned)(hash >> (64 - c->shard_bits - 14)) & 0x3fff;
}
/* The shards of a database; NULL when it was never written to. */
static inline struct shard *db_shards(struct cache *c, unsigned db)
{
    return atomic_load_explicit(&c->db[db], memory_order_acquire);
}
/* Makes the shards of a database; false when memory is short. */
bool db_begin(struct cache_thread *t, unsigned db);
/* Locks, unless cache_lock_keys() did. */
void shard_enter(struct cache_thread *t, struct shard *s);
void shard_leave(struct cache_thread *t, struct shard *s);
/* Seconds in which `due` counts, rounded down. */
static inline uint32_t due_of(int64_t expire_ms)
{
    return expire_ms >= (int64_t)DUE_NEVER * 1000 ? DUE_NEVER - 1 : (uint32_t)(expire_ms / 1000);
}

#endif
