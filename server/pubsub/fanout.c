#include "fanout.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cache/cache.h"
#include "clients/client.h"
#include "commands/glob.h"
#include "net/worker.h"
#include "rank.h"

#define FIRST_CHAINS 64

bool fanout_init(struct fanout *f, struct cache *cache, unsigned workers)
{
    lock_init(&f->lock, RANK_FANOUT);
    f->cache = cache;
    f->workers = workers;
    f->chain_count = FIRST_CHAINS;
    f->chains = calloc(f->chain_count, sizeof(struct topic *));
    return f->chains != NULL && random_secret(f->seed, sizeof f->seed);
}

void fanout_free(struct fanout *f)
{
    free(f->chains);
    f->chains = NULL;
}

/* ---- topics ---- */

static uint64_t hash_of(const struct fanout *f, enum topic_kind kind, const char *name, size_t len)
{
    return siphash13(name, len, f->seed) + (uint64_t)kind;
}

static struct topic **chain_of(const struct fanout *f, uint64_t hash)
{
    return &f->chains[hash & (f->chain_count - 1)];
}

static struct topic *find_locked(const struct fanout *f, enum topic_kind kind, const char *name,
                                 size_t len)
{
    uint64_t hash = hash_of(f, kind, name, len);
    struct topic *t = *chain_of(f, hash);
    while (t != NULL && !(t->hash == hash && t->kind == kind && t->len == len &&
                          memcmp(t->name, name, len) == 0))
        t = t->chained;
    return t;
}

static size_t topic_bytes(const struct fanout *f, size_t len)
{
    return sizeof(struct topic) + f->workers * sizeof(struct subscription *) + len;
}

/* Twice as many chains; without memory for that the chains grow longer. */
static void grow_locked(struct fanout *f)
{
    size_t count = f->chain_count * 2;
    struct topic **chains = calloc(count, sizeof(struct topic *));
    if (chains == NULL)
        return;
    struct topic **old = f->chains;
    size_t old_count = f->chain_count;
    f->chains = chains;
    f->chain_count = count;
    cache_charge(f->cache, (int64_t)(old_count * sizeof(struct topic *)));
    for (size_t i = 0; i < old_count; i++) {
        for (struct topic *t = old[i], *next; t != NULL; t = next) {
            next = t->chained;
            t->chained = *chain_of(f, t->hash);
            *chain_of(f, t->hash) = t;
        }
    }
    free(old);
}

static struct topic *create_locked(struct fanout *f, enum topic_kind kind, const char *name,
                                   size_t len)
{
    size_t bytes = topic_bytes(f, len);
    struct topic *t = cache_may_charge(f->cache, bytes) ? calloc(1, bytes) : NULL;
    if (t == NULL)
        return NULL;
    if (f->topic_count >= f->chain_count)
        grow_locked(f);
    t->kind = kind;
    t->hash = hash_of(f, kind, name, len);
    t->len = len;
    t->name = (char *)&t->first[f->workers];
    memcpy(t->name, name, len);
    t->chained = *chain_of(f, t->hash);
    *chain_of(f, t->hash) = t;
    t->next = f->first[kind];
    if (t->next != NULL)
        t->next->prev = t;
    f->first[kind] = t;
    f->topic_count++;
    atomic_fetch_add_explicit(&f->topics[kind], 1, memory_order_relaxed);
    cache_charge(f->cache, (int64_t)bytes);
    return t;
}

static void destroy_locked(struct fanout *f, struct topic *t)
{
    struct topic **at = chain_of(f, t->hash);
    while (*at != t)
        at = &(*at)->chained;
    *at = t->chained;
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        f->first[t->kind] = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    f->topic_count--;
    atomic_fetch_sub_explicit(&f->topics[t->kind], 1, memory_order_relaxed);
    cache_charge(f->cache, -(int64_t)topic_bytes(f, t->len));
    free(t);
}

/* ---- subscriptions ---- */

/* Looks through the subscribers of the topic and the subscriptions of the client at the same time,
 * so that the shorter of both lists decides how long it takes. */
static struct subscription *own_subscription(const struct topic *t, const struct client *c)
{
    struct subscription *s = t->first[c->worker->index], *own = c->subscriptions[t->kind];
    for (; s != NULL && own != NULL; s = s->next, own = own->next_own) {
        if (s->client == c)
            return s;
        if (own->topic == t)
            return own;
    }
    return NULL;
}

/* Behind those that the client has: it is told of them in this order when it gives all up. */
static void link_own(struct subscription *s, struct subscription **own)
{
    struct subscription *last = *own == NULL ? s : (*own)->prev_own;
    s->prev_own = last;
    if (*own == NULL) {
        *own = s;
        return;
    }
    last->next_own = s;
    (*own)->prev_own = s;
}

static void unlink_own(struct subscription *s, struct subscription **own)
{
    if (s->next_own != NULL)
        s->next_own->prev_own = s->prev_own;
    else
        (*own)->prev_own = s->prev_own;
    if (*own == s)
        *own = s->next_own;
    else
        s->prev_own->next_own = s->next_own;
}

static void link_locked(struct subscription *s, struct topic *t, struct client *c)
{
    struct subscription **first = &t->first[c->worker->index];
    *s = (struct subscription){.topic = t, .client = c, .next = *first};
    if (s->next != NULL)
        s->next->prev = s;
    *first = s;
    link_own(s, &c->subscriptions[t->kind]);
    t->subscribers++;
    atomic_fetch_add_explicit(&c->subscribed[t->kind], 1, memory_order_relaxed);
}

static void unlink_locked(struct fanout *f, struct subscription *s)
{
    struct topic *t = s->topic;
    struct client *c = s->client;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        t->first[c->worker->index] = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    unlink_own(s, &c->subscriptions[t->kind]);
    atomic_fetch_sub_explicit(&c->subscribed[t->kind], 1, memory_order_relaxed);
    cache_charge(f->cache, -(int64_t)sizeof *s);
    free(s);
    if (--t->subscribers == 0)
        destroy_locked(f, t);
}

static enum fanout_status add_locked(struct fanout *f, struct client *c, enum topic_kind kind,
                                     const char *name, size_t len)
{
    struct topic *t = find_locked(f, kind, name, len);
    if (t != NULL && own_subscription(t, c) != NULL)
        return FANOUT_ALREADY;
    struct subscription *s = cache_may_charge(f->cache, sizeof *s) ? malloc(sizeof *s) : NULL;
    if (s != NULL && t == NULL)
        t = create_locked(f, kind, name, len);
    if (s == NULL || t == NULL) {
        free(s);
        return FANOUT_NOMEM;
    }
    cache_charge(f->cache, (int64_t)sizeof *s);
    link_locked(s, t, c);
    return FANOUT_OK;
}

enum fanout_status fanout_add(struct fanout *f, struct client *c, enum topic_kind kind,
                              const char *name, size_t len)
{
    lock_acquire(&f->lock);
    enum fanout_status status = add_locked(f, c, kind, name, len);
    lock_release(&f->lock);
    return status;
}

bool fanout_remove(struct fanout *f, struct client *c, enum topic_kind kind, const char *name,
                   size_t len)
{
    lock_acquire(&f->lock);
    struct topic *t = find_locked(f, kind, name, len);
    struct subscription *s = t == NULL ? NULL : own_subscription(t, c);
    if (s != NULL)
        unlink_locked(f, s);
    lock_release(&f->lock);
    return s != NULL;
}

void fanout_remove_all(struct fanout *f, struct client *c, enum topic_kind kind)
{
    if (c->subscriptions[kind] == NULL)
        return;
    lock_acquire(&f->lock);
    while (c->subscriptions[kind] != NULL)
        unlink_locked(f, c->subscriptions[kind]);
    lock_release(&f->lock);
}

/* ---- messages ---- */

static bool meets(const struct topic *t, const char *name, size_t len)
{
    if (t->kind == TOPIC_PATTERN)
        return glob_match(t->name, t->len, name, len, false);
    return t->len <= len && memcmp(t->name, name, t->len) == 0; /* TOPIC_PREFIX */
}

static struct topic *next_locked(const struct fanout *f, enum topic_kind kind, const char *name,
                                 size_t len, const struct topic *after)
{
    enum topic_kind walked = kind == TOPIC_CHANNEL ? TOPIC_PATTERN : kind;
    if (kind != TOPIC_PREFIX && after == NULL) {
        struct topic *exact = find_locked(f, kind, name, len);
        if (exact != NULL || kind != TOPIC_CHANNEL)
            return exact;
    }
    if (walked != TOPIC_PATTERN && walked != TOPIC_PREFIX)
        return NULL;
    struct topic *t = after != NULL && after->kind == walked ? after->next : f->first[walked];
    while (t != NULL && !meets(t, name, len))
        t = t->next;
    return t;
}

static worker_set workers_of(const struct fanout *f, const struct topic *t)
{
    worker_set set = 0;
    for (unsigned i = 0; i < f->workers; i++)
        if (t->first[i] != NULL)
            set |= (worker_set)1 << i;
    return set;
}

size_t fanout_reach(struct fanout *f, enum topic_kind kind, const char *name, size_t len,
                    worker_set *to)
{
    size_t reached = 0;
    *to = 0;
    lock_acquire(&f->lock);
    for (struct topic *t = NULL; (t = next_locked(f, kind, name, len, t)) != NULL;) {
        reached += t->subscribers;
        *to |= workers_of(f, t);
    }
    lock_release(&f->lock);
    return reached;
}

struct topic *fanout_next(struct fanout *f, unsigned worker, enum topic_kind kind, const char *name,
                          size_t len, struct topic *after)
{
    lock_acquire(&f->lock);
    struct topic *t = after;
    do {
        t = next_locked(f, kind, name, len, t);
    } while (t != NULL && t->first[worker] == NULL);
    lock_release(&f->lock);
    return t;
}

size_t fanout_subscribers(struct fanout *f, enum topic_kind kind, const char *name, size_t len)
{
    lock_acquire(&f->lock);
    const struct topic *t = find_locked(f, kind, name, len);
    size_t n = t == NULL ? 0 : t->subscribers;
    lock_release(&f->lock);
    return n;
}

void fanout_each(struct fanout *f, enum topic_kind kind,
                 void (*fn)(void *arg, const char *name, size_t len), void *arg)
{
    lock_acquire(&f->lock);
    for (const struct topic *t = f->first[kind]; t != NULL; t = t->next)
        fn(arg, t->name, t->len);
    lock_release(&f->lock);
}
