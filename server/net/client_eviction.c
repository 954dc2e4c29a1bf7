#include "client_eviction.h"

#include "server.h"

/* 0 = none */
static int64_t limit_of(const struct server *s)
{
    int64_t set = setting_get(&s->settings.clients_memory);
    return set >= 0 ? set : setting_get(&s->settings.maxmemory) / 100 * -set;
}

static int64_t memory_of(const struct client *c)
{
    return (int64_t)atomic_load_explicit(&c->held_bytes, memory_order_relaxed);
}

static bool may_go(const struct client *c)
{
    return !c->killed && !atomic_load_explicit(&c->no_evict, memory_order_relaxed);
}

/* Of those that may go the one with the most memory; adds up that of all. */
static struct client *largest_locked(const struct registry *r, const struct client *but,
                                     int64_t *sum)
{
    struct client *most = NULL;
    *sum = 0;
    for (struct client *c = r->first; c != NULL; c = c->next) {
        if (c->killed || c == but)
            continue;
        *sum += memory_of(c);
        if (may_go(c) && memory_of(c) > 0 && (most == NULL || memory_of(c) > memory_of(most)))
            most = c;
    }
    return most;
}

bool client_evict(struct worker *by, const struct client *self)
{
    struct registry *r = &by->server->registry;
    const struct client *gone = NULL;
    int64_t limit = limit_of(by->server), sum;
    if (limit == 0)
        return true;
    lock_acquire(&r->lock);
    for (;;) {
        struct client *c = largest_locked(r, gone, &sum);
        if (sum <= limit || c == NULL)
            break;
        if (c == self)
            gone = c;
        else if (!registry_kill_locked(r, c))
            break;
        counter_add(&by->stats.evicted_clients, 1);
    }
    lock_release(&r->lock);
    return gone == NULL;
}

bool client_memory_changed(struct worker *by, struct client *c, int64_t bytes)
{
    struct server *s = by->server;
    int64_t sum = atomic_fetch_add_explicit(&s->clients_bytes, bytes, memory_order_relaxed) + bytes;
    int64_t limit = limit_of(s);
    return limit == 0 || bytes <= 0 || sum <= limit || client_evict(by, c);
}
