/* What else happens when a command runs or a key changes. Nearly always nothing: one word tells
 * whether anybody wants any of it, so that to find out costs a load and a branch. */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include <stdatomic.h>

#include "base/lock.h"
#include "cache/cache.h"

struct request;
struct server;

enum hook {
    HOOK_EVENTS = 1,   /* keyspace events are published */
    HOOK_NEW = 2,      /* and among them that a key came into being */
    HOOK_MISSED = 4,   /* and that a key was not there */
    HOOK_TRACKING = 8, /* clients keep what they read */
    HOOK_MONITOR = 16, /* clients see all commands */
};
/* Those that must act before a command runs. */
#define HOOKS_BEFORE (HOOK_NEW | HOOK_TRACKING | HOOK_MONITOR)
/* Those that act when a key has changed. */
#define HOOKS_TOUCHED (HOOK_EVENTS | HOOK_TRACKING)

struct hooks {
    struct lock lock; /* one update at a time */
    _Atomic unsigned wanted;
};

static inline unsigned hooks_wanted(const struct hooks *h)
{
    return atomic_load_explicit(&h->wanted, memory_order_relaxed);
}

void hooks_init(struct hooks *h);
/* Finds out anew what is wanted. To be called when that may have changed. Any thread. */
void hooks_update(struct server *s);
/* Before a command runs, when HOOKS_BEFORE are wanted. `inner`: one of a transaction or script. */
void hooks_before(struct request *rq, bool inner);
/* After EXEC, which is shown behind what it carried out. */
void hooks_after_exec(struct request *rq);
/* Calls fn with each key of the request. False when memory was short for one of them. */
bool hooks_each_key(struct request *rq,
                    void (*fn)(struct request *rq, const struct cache_key *key));
/* What the cache tells; its `arg` is the server. */
cache_event_fn hooks_cache_event;

#endif
