/* Which clients have read which keys.
 *
 *   shard (by hash) --chains--> tracked --chained--> tracked
 *                                  readers: | id | worker |  64-bit words, ascending
 *                                            58 b  6 b
 *
 * Thread safe: a lock a shard, of which none is held while another is taken. Memory is charged to
 * the cache. */
#ifndef SERVER_TRACK_TABLE_H
#define SERVER_TRACK_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/siphash.h"

struct cache;

#define TRACK_SHARDS      64
#define TRACK_FEW         2
#define TRACK_WORKER_BITS 6

typedef uint64_t track_reader;

static inline track_reader track_reader_of(uint64_t client, unsigned worker)
{
    return client << TRACK_WORKER_BITS | worker;
}

static inline unsigned track_reader_worker(track_reader r)
{
    return r & ((1u << TRACK_WORKER_BITS) - 1);
}

static inline uint64_t track_reader_client(track_reader r)
{
    return r >> TRACK_WORKER_BITS;
}

struct tracked {
    struct tracked *chained;
    uint64_t hash;
    unsigned db, count, cap;
    track_reader *readers; /* few, or a block of its own */
    track_reader few[TRACK_FEW];
    size_t len;
    char key[];
};

struct track_shard {
    struct lock lock;
    struct tracked **chains;
    size_t chain_count, keys;
};

struct track_table {
    struct cache *cache;
    _Atomic size_t keys, readers;
    _Atomic uint64_t turn; /* for choosing at random */
    uint8_t seed[SIPHASH_KEY_BYTES];
    struct track_shard shards[TRACK_SHARDS];
};

/* False when the system has no random bytes. */
bool track_table_init(struct track_table *t, struct cache *cache);
void track_table_free(struct track_table *t);
/* False when memory is short. */
bool track_table_add(struct track_table *t, unsigned db, const void *key, size_t len,
                     track_reader reader);
/* Takes a key out; NULL when nobody has read it. The caller ends it with tracked_free(). */
struct tracked *track_table_take(struct track_table *t, unsigned db, const void *key, size_t len);
/* The same with a key chosen at random. NULL when there is none. */
struct tracked *track_table_take_any(struct track_table *t);
void tracked_free(struct track_table *t, struct tracked *k);
/* Forgets all. */
void track_table_clear(struct track_table *t);

static inline size_t track_table_keys(const struct track_table *t)
{
    return atomic_load_explicit(&t->keys, memory_order_relaxed);
}

static inline size_t track_table_readers(const struct track_table *t)
{
    return atomic_load_explicit(&t->readers, memory_order_relaxed);
}

#endif
