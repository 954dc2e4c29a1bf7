/* Who wants to hear of what: topics and the clients that subscribed to them, of all workers.
 *
 *   topic "news" --first[0]--> subscription -> subscription      clients of worker 0
 *                --first[1]--> subscription                      clients of worker 1
 *   client --subscriptions[kind]--> subscription -> subscription
 *
 * The two kinds of lists are changed under the lock, and only by the thread of the worker that they
 * belong to: so that thread walks them without the lock. A topic is there as long as it has
 * subscribers. Memory is charged to the cache, and a subscription for which there is none is
 * refused. */
#ifndef SERVER_FANOUT_H
#define SERVER_FANOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/siphash.h"

struct cache;
struct client;

enum topic_kind {
    TOPIC_CHANNEL,
    TOPIC_PATTERN, /* glob over channels */
    TOPIC_SHARD,   /* channel of SSUBSCRIBE */
    TOPIC_PREFIX,  /* prefix of keys that CLIENT TRACKING BCAST wants to hear of */
    TOPIC_MONITOR, /* one without a name: all commands */
    TOPIC_KINDS,
};

struct subscription {
    struct topic *topic;
    struct client *client;
    struct subscription *next, *prev;         /* of the topic and the worker */
    struct subscription *next_own, *prev_own; /* of the client and the kind; before the first is the
                                                 last */
};

struct topic {
    struct topic *chained;
    struct topic *next, *prev; /* of its kind */
    uint64_t hash;
    size_t len, subscribers;
    enum topic_kind kind;
    char *name;                   /* behind first[] */
    struct subscription *first[]; /* by worker */
};

/* Workers that a message goes to, one bit each. */
typedef uint64_t worker_set;
#define FANOUT_WORKERS 64

struct fanout {
    struct lock lock;
    struct cache *cache;
    unsigned workers;
    struct topic **chains; /* by hash of kind and name */
    size_t chain_count, topic_count;
    struct topic *first[TOPIC_KINDS];
    _Atomic size_t topics[TOPIC_KINDS];
    uint8_t seed[SIPHASH_KEY_BYTES];
};

/* False when memory is short. `workers` is at most FANOUT_WORKERS. */
bool fanout_init(struct fanout *f, struct cache *cache, unsigned workers);
/* All clients are gone. */
void fanout_free(struct fanout *f);

/* ---- the thread of the client's worker only ---- */

enum fanout_status { FANOUT_OK, FANOUT_ALREADY, FANOUT_NOMEM };
enum fanout_status fanout_add(struct fanout *f, struct client *c, enum topic_kind kind,
                              const char *name, size_t len);
/* False when the client has not subscribed to it. */
bool fanout_remove(struct fanout *f, struct client *c, enum topic_kind kind, const char *name,
                   size_t len);
void fanout_remove_all(struct fanout *f, struct client *c, enum topic_kind kind);

/* ---- any thread ---- */

/* A message: a name in the space of channels, shard channels, keys (TOPIC_PREFIX) or monitors.
 * Counts the subscriptions that it meets, and tells their workers. */
size_t fanout_reach(struct fanout *f, enum topic_kind kind, const char *name, size_t len,
                    worker_set *to);
/* The topics that a message meets and that have subscribers on this worker, one after the other:
 * the channel, then patterns; `after` = the one before, NULL at first. The worker's thread only:
 * what it gets stays while it ends no subscription. */
struct topic *fanout_next(struct fanout *f, unsigned worker, enum topic_kind kind, const char *name,
                          size_t len, struct topic *after);
/* Subscribers of exactly this topic. */
size_t fanout_subscribers(struct fanout *f, enum topic_kind kind, const char *name, size_t len);
/* Calls fn with the name of each topic, under the lock. */
void fanout_each(struct fanout *f, enum topic_kind kind,
                 void (*fn)(void *arg, const char *name, size_t len), void *arg);
/* How many there are. */
static inline size_t fanout_topics(const struct fanout *f, enum topic_kind kind)
{
    return atomic_load_explicit(&f->topics[kind], memory_order_relaxed);
}

#endif
