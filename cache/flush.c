/* Emptying databases: tables are taken out at once, and what was in them is freed in slices, as are
 * long values. */
#include <stdatomic.h>
#include <stdlib.h>

#include "account.h"
#include "base/clock.h"
#include "base/lock.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "dead.h"
#include "find.h"
#include "keeper.h"
#include "key.h"
#include "state.h"
#include "stats.h"

/* Frees the items of a bucket of a table that is in no shard any more. Its shard is locked, for
 * the readers of long values. */
static unsigned free_bucket_locked(struct cache_thread *t, unsigned db, struct bucket *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
        struct found f;
        if (b->ref[i] == 0 || !found_open(t, (struct slot){b, i}, &f))
            continue;
        account(t, db, NULL, &f.item, -1);
        found_free_locked(t, &f);
        found_end(t, &f);
        n++;
    }
    return n;
}

static void free_table_locked(struct cache_thread *t, unsigned db, struct shard *table)
{
    for (uint32_t i = 0; i < table->nbuckets; i++)
        free_bucket_locked(t, db, shard_bucket(table, i));
    shard_free(table);
}

static void flush_shard(struct cache_thread *t, unsigned db, struct shard *s)
{
    struct cache *c = t->cache;
    lock_acquire(&s->lock);
    if (s->nbuckets == 0) {
        lock_release(&s->lock);
        return;
    }
    struct flushed *node = malloc(sizeof *node);
    count(t, N_DB_ITEMS + db, -(int64_t)s->count);
    count(t, N_DB_EXPIRING + db, -(int64_t)s->expiring);
    struct shard now = {0}, *table = node == NULL ? &now : &node->table;
    shard_detach(s, table);
    if (node == NULL) { /* no memory to do it later */
        free_table_locked(t, db, table);
    } else {
        node->shard = s;
        node->db = db;
    }
    lock_release(&s->lock);
    if (node == NULL)
        return;
    atomic_fetch_add_explicit(&c->flushed_items, node->table.count, memory_order_relaxed);
    lock_acquire(&c->flushed_lock);
    node->next = c->flushed;
    c->flushed = node;
    lock_release(&c->flushed_lock);
}

static struct flushed *take_flushed(struct cache *c)
{
    lock_acquire(&c->flushed_lock);
    struct flushed *node = c->flushed;
    if (node != NULL)
        c->flushed = node->next;
    lock_release(&c->flushed_lock);
    return node;
}

bool flush_slice(struct cache_thread *t, int64_t budget_us)
{
    struct cache *c = t->cache;
    int64_t begin = clock_mono_us();
    struct flushed *node;
    while (dead_free(t) > 0)
        if (clock_mono_us() - begin >= budget_us)
            return true;
    do {
        node = take_flushed(c);
        if (node == NULL)
            return false;
        lock_acquire(&node->shard->lock);
        free_table_locked(t, node->db, &node->table);
        lock_release(&node->shard->lock);
        atomic_fetch_sub_explicit(&c->flushed_items, node->table.count, memory_order_relaxed);
        free(node);
        while (dead_free(t) > 0 && clock_mono_us() - begin < budget_us)
            continue;
    } while (clock_mono_us() - begin < budget_us);
    return true;
}

void cache_flush(struct cache_thread *t, int db, bool sync)
{
    struct cache *c = t->cache;
    for (unsigned i = 0; i < c->databases; i++) {
        struct shard *shards = db_shards(c, i);
        if (shards == NULL || (db >= 0 && i != (unsigned)db))
            continue;
        for (size_t n = 0; n < (size_t)1 << c->shard_bits; n++)
            flush_shard(t, i, &shards[n]);
    }
    if (sync)
        flush_slice(t, INT64_MAX / 2);
}
