/* Starting to load what lookups will touch.
 *
 *   key -> shard -> bucket -> word of the handle -> object
 *
 * Each is where the one before says, and with many items none is in a cache of the processor. So
 * each step is taken for all keys at hand before the next: then their waits overlap. */
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "key.h"
#include "state.h"
#include "zspool/zspool.h"

/* Buckets that are looked at for an item: nearly all lie in the first. */
#define LOOKS 3
/* Keys that are at hand at a time, and bytes of their objects: more would push each other out of
 * the first cache. What a long value has beyond, the processor sees coming. */
#define KEYS  32
#define BYTES 1024

/* The shard when it can be looked into, locked. Nobody waits for a prefetch. */
static struct shard *look_into(struct cache_thread *t, const struct cache_key *k)
{
    struct shard *shards = db_shards(t->cache, k->db);
    if (shards == NULL)
        return NULL;
    struct shard *s = &shards[shard_number(t->cache, k->hash)];
    return lock_try(&s->lock) ? s : NULL;
}

/* The table may go away under us, so only a locked look may follow it. */
static void prefetch_bucket(struct cache_thread *t, const struct cache_key *k)
{
    struct shard *s = look_into(t, k);
    if (s == NULL)
        return;
    if (s->nbuckets > 0)
        __builtin_prefetch(shard_bucket(s, bucket_home(s, hash_h14(t->cache, k->hash))));
    lock_release(&s->lock);
}

/* Handle of the first item that may be the key's; 0 = none. */
static uint32_t likely_handle(struct cache_thread *t, const struct cache_key *k)
{
    struct shard *s = look_into(t, k);
    if (s == NULL)
        return 0;
    unsigned h14 = hash_h14(t->cache, k->hash);
    uint32_t at = bucket_home(s, h14), handle = 0;
    for (unsigned looks = 0; looks < LOOKS && s->nbuckets > 0; looks++) {
        const struct bucket *b = shard_bucket(s, at);
        unsigned same = bucket_match(b, h14);
        if (same != 0)
            handle = ref_handle(b->ref[__builtin_ctz(same)]);
        if (same != 0 || !bucket_is_full(b))
            break;
        at = bucket_after(s, at);
    }
    lock_release(&s->lock);
    return handle;
}

static void prefetch_some(struct cache_thread *t, const struct cache_wanted *wanted, size_t n)
{
    struct zs_pool *pool = t->cache->pool;
    uint32_t handles[KEYS];
    for (size_t i = 0; i < n; i++)
        prefetch_bucket(t, wanted[i].key);
    for (size_t i = 0; i < n; i++) {
        handles[i] = likely_handle(t, wanted[i].key);
        zs_prefetch_handle(pool, handles[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (wanted[i].value)
            zs_prefetch_bytes(pool, handles[i], BYTES);
        else
            zs_prefetch(pool, handles[i]);
}

void cache_prefetch(struct cache_thread *t, const struct cache_wanted *wanted, size_t n)
{
    if (t->locked_count != 0)
        return;
    for (size_t some; n > 0; wanted += some, n -= some) {
        some = n < KEYS ? n : KEYS;
        prefetch_some(t, wanted, some);
    }
}

void cache_prefetch_shard(struct cache_thread *t, const struct cache_key *k)
{
    struct cache *c = t->cache;
    const struct shard *shards = db_shards(c, k->db);
    if (shards != NULL)
        __builtin_prefetch(&shards[shard_number(c, k->hash)]);
}
