/* WATCH: who is to be told that a key changed.
 *
 *   heads:  256 lists by the key's hash      entries: one a key and client, with a copy of the key
 *           | . | . | -> [db, hash, key, client] -> ...
 *
 * A change sets `outdated` of each client that watches the key. It may come late: a worker has
 * changed the key and not yet told. So EXEC of a client that watches stops the world, which waits
 * until the others are out of their commands, and only then looks.
 *
 * Keys that expire, are evicted or flushed do not tell: EXEC looks whether a key that was there is
 * still there. One that went away and came back was written, and that tells. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include "base/lock.h"
#include "clients/client.h"

#define WATCH_LISTS 256

struct watched;

struct watch_list {
    struct lock lock;
    _Atomic(struct watched *) first;
};

struct watch_table {
    _Atomic unsigned count;   /* of entries */
    _Atomic unsigned clients; /* that have some */
    struct watch_list lists[WATCH_LISTS];
};

void watch_init(struct watch_table *t);

/* The key was changed. Any worker. */
void watch_changed(struct watch_table *t, const struct cache_key *key);
static inline bool watch_is_used(const struct watch_table *t)
{
    return atomic_load_explicit(&t->count, memory_order_relaxed) > 0;
}

/* Puts the key on the client's list `own`, unless it is there; *bytes grows by what that takes.
 * False without memory. */
bool watch_add(struct request *rq, struct watched **own, const struct cache_key *key,
               size_t *bytes);
/* Ends all watches of a list. */
void watch_end(struct watch_table *t, struct watched **own);
/* Whether a key has changed since WATCH. The world is locked. */
bool watch_is_outdated(struct request *rq, const struct watched *own);

#endif
