/* Keys, the shards they belong to, and locking those. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/siphash.h"
#include "bucket.h"
#include "cache/cache.h"
#include "key.h"
#include "state.h"

bool cache_key_init(struct cache_thread *t, struct cache_key *k, unsigned db, const void *ptr,
                    size_t len)
{
    k->ptr = ptr;
    k->len = len;
    k->db = db;
    if (len > CACHE_MAX_KEY)
        return false;
    k->hash = siphash13(ptr, len, t->cache->hash_seed);
    return true;
}

bool db_begin(struct cache_thread *t, unsigned db)
{
    struct cache *c = t->cache;
    size_t n = (size_t)1 << c->shard_bits;
    struct shard *shards = aligned_alloc(64, n * sizeof *shards);
    if (shards == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        shard_init(&shards[i], RANK_SHARD, &c->buckets);
    struct shard *none = NULL;
    if (!atomic_compare_exchange_strong(&c->db[db], &none, shards))
        free(shards); /* another thread was first */
    return true;
}

/* ---- locking ---- */

static bool is_locked_already(const struct cache_thread *t, const struct shard *s)
{
    size_t from = 0, to = t->locked_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (t->locked[middle] == s)
            return true;
        if (t->locked[middle] < s)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

void shard_enter(struct cache_thread *t, struct shard *s)
{
    if (t->locked_count == 0 || !is_locked_already(t, s))
        lock_acquire(&s->lock);
}

void shard_leave(struct cache_thread *t, struct shard *s)
{
    if (t->locked_count == 0 || !is_locked_already(t, s))
        lock_release(&s->lock);
}

static int compare_shards(const void *a, const void *b)
{
    const struct shard *x = *(struct shard *const *)a;
    const struct shard *y = *(struct shard *const *)b;
    return x < y ? -1 : x > y;
}

enum cache_status cache_lock_keys(struct cache_thread *t, const struct cache_key *keys, size_t n)
{
    struct cache *c = t->cache;
    if (t->locked_count > 0) {
        for (size_t i = 0; i < n; i++)
            assert(is_locked_already(t, &db_shards(c, keys[i].db)[shard_number(c, keys[i].hash)]));
        t->locked_again++;
        return CACHE_OK;
    }
    if (n == 0)
        return CACHE_OK;
    struct shard **shards = malloc(n * sizeof(struct shard *));
    if (shards == NULL)
        return CACHE_OOM;
    for (size_t i = 0; i < n; i++) {
        if (db_shards(c, keys[i].db) == NULL && !db_begin(t, keys[i].db)) {
            free(shards);
            return CACHE_OOM;
        }
        shards[i] = &db_shards(c, keys[i].db)[shard_number(c, keys[i].hash)];
    }
    qsort(shards, n, sizeof(struct shard *), compare_shards);
    size_t unique = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || shards[i] != shards[i - 1])
            shards[unique++] = shards[i];
    for (size_t i = 0; i < unique; i++)
        lock_acquire(&shards[i]->lock);
    t->locked = shards;
    t->locked_count = unique;
    return CACHE_OK;
}

void cache_unlock_keys(struct cache_thread *t)
{
    if (t->locked_again > 0) {
        t->locked_again--;
        return;
    }
    for (size_t i = t->locked_count; i-- > 0;)
        lock_release(&t->locked[i]->lock);
    free(t->locked);
    t->locked = NULL;
    t->locked_count = 0;
}

bool cache_holds_key(const struct cache_thread *t, const struct cache_key *k)
{
    if (t->has_world)
        return true;
    struct shard *shards = db_shards(t->cache, k->db);
    return shards != NULL && is_locked_already(t, &shards[shard_number(t->cache, k->hash)]);
}

bool cache_holds_world(const struct cache_thread *t)
{
    return t->has_world;
}
