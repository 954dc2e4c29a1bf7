#include "hooks.h"

#include <stdlib.h>
#include <string.h>

#include "pubsub/monitor.h"
#include "pubsub/notify.h"
#include "rank.h"
#include "server.h"
#include "tracking/tracking.h"

void hooks_init(struct hooks *h)
{
    lock_init(&h->lock, RANK_HOOKS);
}

void hooks_update(struct server *s)
{
    lock_acquire(&s->hooks.lock);
    unsigned before = hooks_wanted(&s->hooks);
    unsigned wanted = notify_hooks(s) | tracking_hooks(s) | monitor_hooks(s);
    atomic_store(&s->hooks.wanted, wanted);
    cache_listen(s->cache, (wanted & HOOKS_TOUCHED) != 0);
    /* Under the lock, so that nobody who begins to track is forgotten. */
    if (before & HOOK_TRACKING && !(wanted & HOOK_TRACKING))
        track_table_clear(&s->tracked);
    lock_release(&s->hooks.lock);
}

void hooks_before(struct request *rq, bool inner)
{
    unsigned wanted = hooks_wanted(&rq->server->hooks);
    if (wanted & HOOK_NEW && rq->command->flags & CMD_WRITE)
        notify_before(rq);
    if (atomic_load_explicit(&rq->client->tracking, memory_order_relaxed) != 0)
        tracking_before(rq, inner);
    if (wanted & HOOK_MONITOR && strcmp(rq->command->name, "exec") != 0)
        monitor_show(rq);
}

void hooks_after_exec(struct request *rq)
{
    if (hooks_wanted(&rq->server->hooks) & HOOK_MONITOR)
        monitor_show(rq);
}

#define FEW_KEYS 64

bool hooks_each_key(struct request *rq, void (*fn)(struct request *rq, const struct cache_key *key))
{
    int few[FEW_KEYS], *at = few;
    size_t before = rq->out->len;
    bool all = true;
    int n = command_key_positions(rq->command, rq->argc, rq->argv, few, FEW_KEYS);
    if (n > FEW_KEYS) {
        at = calloc((size_t)n, sizeof *at);
        if (at == NULL)
            return false;
        n = command_key_positions(rq->command, rq->argc, rq->argv, at, n);
    }
    for (int i = 0; i < n; i++) {
        size_t len = rq->argv[at[i]].len;
        const char *name = len > CACHE_MAX_KEY ? NULL : request_flat(rq, (size_t)at[i], &len);
        struct cache_key key;
        if (name != NULL && cache_key_init(rq->cache, &key, request_db(rq), name, len))
            fn(rq, &key);
        all &= name != NULL || len > CACHE_MAX_KEY;
    }
    if (at != few)
        free(at);
    rq->out->len = before; /* that memory was short, the command itself will say */
    return all;
}

void hooks_cache_event(void *arg, enum cache_event what, unsigned db, const void *key, size_t len)
{
    struct server *s = arg;
    if (hooks_wanted(&s->hooks) & HOOK_EVENTS)
        notify_event(s, NULL, what == CACHE_EXPIRED ? "expired" : "evicted", db, key, len);
    if (hooks_wanted(&s->hooks) & HOOK_TRACKING)
        tracking_changed(s, NULL, db, key, len);
}
