#include "track_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cache/cache.h"
#include "rank.h"

#define FIRST_CHAINS 16

bool track_table_init(struct track_table *t, struct cache *cache)
{
    t->cache = cache;
    for (size_t i = 0; i < TRACK_SHARDS; i++)
        lock_init(&t->shards[i].lock, RANK_TRACKING);
    return random_secret(t->seed, sizeof t->seed);
}

void track_table_free(struct track_table *t)
{
    if (t->cache == NULL)
        return;
    track_table_clear(t);
}

/* ---- finding ---- */

static uint64_t hash_of(const struct track_table *t, unsigned db, const void *key, size_t len)
{
    return siphash13(key, len, t->seed) + db * 0x9E3779B97F4A7C15u;
}

static struct track_shard *shard_of(struct track_table *t, uint64_t hash)
{
    return &t->shards[hash >> 58];
}

/* Where the pointer to the key is, or would be. The shard has chains. */
static struct tracked **find_locked(const struct track_shard *s, uint64_t hash, unsigned db,
                                    const void *key, size_t len)
{
    struct tracked **at = &s->chains[hash & (s->chain_count - 1)];
    while (*at != NULL && !((*at)->hash == hash && (*at)->db == db && (*at)->len == len &&
                            memcmp((*at)->key, key, len) == 0))
        at = &(*at)->chained;
    return at;
}

/* ---- memory ---- */

static size_t bytes_of(const struct tracked *k)
{
    return sizeof *k + k->len + (k->readers != k->few ? k->cap * sizeof *k->readers : 0);
}

void tracked_free(struct track_table *t, struct tracked *k)
{
    cache_charge(t->cache, -(int64_t)bytes_of(k));
    if (k->readers != k->few)
        free(k->readers);
    free(k);
}

/* Chains for twice as many keys. False when there are none at all. */
static bool grow_locked(struct track_table *t, struct track_shard *s)
{
    size_t count = s->chain_count == 0 ? FIRST_CHAINS : s->chain_count * 2;
    struct tracked **chains = calloc(count, sizeof(struct tracked *));
    if (chains == NULL)
        return s->chains != NULL;
    cache_charge(t->cache, (int64_t)((count - s->chain_count) * sizeof(struct tracked *)));
    for (size_t i = 0; i < s->chain_count; i++) {
        for (struct tracked *k = s->chains[i], *next; k != NULL; k = next) {
            next = k->chained;
            k->chained = chains[k->hash & (count - 1)];
            chains[k->hash & (count - 1)] = k;
        }
    }
    free(s->chains);
    s->chains = chains;
    s->chain_count = count;
    return true;
}

static struct tracked *create(struct track_table *t, uint64_t hash, unsigned db, const void *key,
                              size_t len)
{
    struct tracked *k =
        cache_may_charge(t->cache, sizeof *k + len) ? malloc(sizeof *k + len) : NULL;
    if (k == NULL)
        return NULL;
    *k = (struct tracked){.hash = hash, .db = db, .cap = TRACK_FEW, .len = len};
    k->readers = k->few;
    memcpy(k->key, key, len);
    cache_charge(t->cache, (int64_t)bytes_of(k));
    return k;
}

static bool grow_readers(struct track_table *t, struct tracked *k)
{
    size_t more = k->cap * sizeof *k->readers * (k->readers == k->few ? 2 : 1);
    unsigned cap = k->cap > TRACK_FEW ? k->cap * 2 : TRACK_FEW * 2;
    if (!cache_may_charge(t->cache, more))
        return false;
    track_reader *readers =
        realloc(k->readers == k->few ? NULL : k->readers, cap * sizeof *readers);
    if (readers == NULL)
        return false;
    if (k->readers == k->few)
        memcpy(readers, k->few, sizeof k->few);
    k->readers = readers;
    k->cap = cap;
    cache_charge(t->cache, (int64_t)more);
    return true;
}

/* ---- adding ---- */

static bool add_reader(struct track_table *t, struct tracked *k, track_reader reader)
{
    unsigned low = 0, high = k->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (k->readers[middle] < reader)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < k->count && k->readers[low] == reader)
        return true;
    if (k->count == k->cap && !grow_readers(t, k))
        return false;
    memmove(&k->readers[low + 1], &k->readers[low], (k->count - low) * sizeof reader);
    k->readers[low] = reader;
    k->count++;
    atomic_fetch_add_explicit(&t->readers, 1, memory_order_relaxed);
    return true;
}

static bool add_locked(struct track_table *t, struct track_shard *s, uint64_t hash, unsigned db,
                       const void *key, size_t len, track_reader reader)
{
    if (s->keys >= s->chain_count && !grow_locked(t, s))
        return false;
    struct tracked **at = find_locked(s, hash, db, key, len);
    if (*at != NULL)
        return add_reader(t, *at, reader);
    struct tracked *k = create(t, hash, db, key, len);
    if (k == NULL)
        return false;
    *at = k;
    s->keys++;
    atomic_fetch_add_explicit(&t->keys, 1, memory_order_relaxed);
    return add_reader(t, k, reader);
}

bool track_table_add(struct track_table *t, unsigned db, const void *key, size_t len,
                     track_reader reader)
{
    uint64_t hash = hash_of(t, db, key, len);
    struct track_shard *s = shard_of(t, hash);
    lock_acquire(&s->lock);
    bool ok = add_locked(t, s, hash, db, key, len, reader);
    lock_release(&s->lock);
    return ok;
}

/* ---- taking ---- */

static struct tracked *unlink_locked(struct track_table *t, struct track_shard *s,
                                     struct tracked **at)
{
    struct tracked *k = *at;
    *at = k->chained;
    s->keys--;
    atomic_fetch_sub_explicit(&t->keys, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&t->readers, k->count, memory_order_relaxed);
    return k;
}

struct tracked *track_table_take(struct track_table *t, unsigned db, const void *key, size_t len)
{
    uint64_t hash = hash_of(t, db, key, len);
    struct track_shard *s = shard_of(t, hash);
    struct tracked *k = NULL;
    lock_acquire(&s->lock);
    if (s->keys > 0) {
        struct tracked **at = find_locked(s, hash, db, key, len);
        if (*at != NULL)
            k = unlink_locked(t, s, at);
    }
    lock_release(&s->lock);
    return k;
}

static struct tracked *take_any_locked(struct track_table *t, struct track_shard *s,
                                       uint64_t random)
{
    size_t i = random & (s->chain_count - 1);
    while (s->chains[i] == NULL)
        i = (i + 1) & (s->chain_count - 1);
    return unlink_locked(t, s, &s->chains[i]);
}

struct tracked *track_table_take_any(struct track_table *t)
{
    struct random random = {atomic_fetch_add_explicit(&t->turn, 1, memory_order_relaxed)};
    uint64_t r = random_next(&random);
    for (size_t i = 0; i < TRACK_SHARDS; i++) {
        struct track_shard *s = &t->shards[(r + i) % TRACK_SHARDS];
        lock_acquire(&s->lock);
        struct tracked *k = s->keys > 0 ? take_any_locked(t, s, r >> 8) : NULL;
        lock_release(&s->lock);
        if (k != NULL)
            return k;
    }
    return NULL;
}

static void clear_locked(struct track_table *t, struct track_shard *s)
{
    for (size_t i = 0; i < s->chain_count; i++)
        while (s->chains[i] != NULL)
            tracked_free(t, unlink_locked(t, s, &s->chains[i]));
    cache_charge(t->cache, -(int64_t)(s->chain_count * sizeof(struct tracked *)));
    free(s->chains);
    s->chains = NULL;
    s->chain_count = 0;
}

void track_table_clear(struct track_table *t)
{
    for (size_t i = 0; i < TRACK_SHARDS; i++) {
        lock_acquire(&t->shards[i].lock);
        clear_locked(t, &t->shards[i]);
        lock_release(&t->shards[i].lock);
    }
}
