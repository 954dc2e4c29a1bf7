#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "rank.h"
#include "server.h"

struct watched {
    struct watched *next;   /* of the client */
    struct watched *listed; /* of the table's list */
    _Atomic bool *outdated; /* the client's */
    bool existed;           /* when it was watched */
    unsigned db;
    uint64_t hash;
    size_t len;
    char key[];
};

void watch_init(struct watch_table *t)
{
    for (unsigned i = 0; i < WATCH_LISTS; i++)
        lock_init(&t->lists[i].lock, RANK_WATCH);
}

/* Of the low bits, since the high ones choose the shard. */
static struct watch_list *list_of(struct watch_table *t, uint64_t hash)
{
    return &t->lists[hash % WATCH_LISTS];
}

static bool is_key(const struct watched *e, const struct cache_key *key)
{
    return e->hash == key->hash && e->db == key->db && e->len == key->len &&
           memcmp(e->key, key->ptr, key->len) == 0;
}

void watch_changed(struct watch_table *t, const struct cache_key *key)
{
    struct watch_list *list = list_of(t, key->hash);
    /* A client that watches is put on the list first, and then looks at the key with its shard
     * locked; so whoever changes the key after that finds it here. */
    if (atomic_load_explicit(&list->first, memory_order_relaxed) == NULL)
        return;
    lock_acquire(&list->lock);
    for (struct watched *e = atomic_load(&list->first); e != NULL; e = e->listed)
        if (is_key(e, key))
            atomic_store(e->outdated, true);
    lock_release(&list->lock);
}

static bool exists(struct request *rq, const struct cache_key *key)
{
    struct cache_view view;
    if (cache_get(rq->cache, key, 0, &view) != CACHE_OK)
        return false;
    cache_view_end(rq->cache, &view);
    return true;
}

static bool watches(struct watch_list *list, const struct cache_key *key, const struct client *c)
{
    lock_acquire(&list->lock);
    const struct watched *e = atomic_load(&list->first);
    while (e != NULL && !(e->outdated == &c->outdated && is_key(e, key)))
        e = e->listed;
    lock_release(&list->lock);
    return e != NULL;
}

bool watch_add(struct request *rq, struct watched **own, const struct cache_key *key, size_t *bytes)
{
    struct watch_table *t = &rq->server->watch;
    if (watches(list_of(t, key->hash), key, rq->client))
        return true;
    size_t size = sizeof(struct watched) + key->len;
    struct watched *e = cache_may_charge(rq->server->cache, size) ? malloc(size) : NULL;
    if (e == NULL)
        return false;
    *e = (struct watched){.next = *own,
                          .outdated = &rq->client->outdated,
                          .db = key->db,
                          .hash = key->hash,
                          .len = key->len};
    memcpy(e->key, key->ptr, key->len);
    if (*own == NULL)
        atomic_fetch_add(&t->clients, 1);
    *own = e;
    *bytes += size;
    struct watch_list *list = list_of(t, key->hash);
    lock_acquire(&list->lock);
    e->listed = atomic_load(&list->first);
    atomic_store(&list->first, e);
    lock_release(&list->lock);
    atomic_fetch_add(&t->count, 1);
    e->existed = exists(rq, key);
    return true;
}

static void unlist(struct watch_table *t, struct watched *gone)
{
    struct watch_list *list = list_of(t, gone->hash);
    lock_acquire(&list->lock);
    struct watched *e = atomic_load(&list->first);
    if (e == gone) {
        atomic_store(&list->first, gone->listed);
    } else {
        while (e->listed != gone)
            e = e->listed;
        e->listed = gone->listed;
    }
    lock_release(&list->lock);
    atomic_fetch_sub(&t->count, 1);
}

void watch_end(struct watch_table *t, struct watched **own)
{
    if (*own != NULL)
        atomic_fetch_sub(&t->clients, 1);
    while (*own != NULL) {
        struct watched *e = *own;
        *own = e->next;
        unlist(t, e);
        free(e);
    }
}

bool watch_is_outdated(struct request *rq, const struct watched *own)
{
    if (atomic_load(&rq->client->outdated))
        return true;
    for (const struct watched *e = own; e != NULL; e = e->next) {
        const struct cache_key key = {.ptr = e->key, .len = e->len, .db = e->db, .hash = e->hash};
        if (e->existed && !exists(rq, &key))
            return true;
    }
    return false;
}
