#include "hooks.h"

#include <stdlib.h>

#include "notify.h"
#include "rank.h"
#include "server.h"

void hooks_init(struct hooks *h)
{
    lock_init(&h->lock, RANK_HOOKS);
}

void hooks_update(struct server *s)
{
    lock_acquire(&s->hooks.lock);
    unsigned wanted = notify_hooks(s);
    atomic_store(&s->hooks.wanted, wanted);
    cache_listen(s->cache, wanted != 0);
    lock_release(&s->hooks.lock);
}

void hooks_before(struct request *rq)
{
    unsigned wanted = hooks_wanted(&rq->server->hooks);
    if (wanted & HOOK_NEW && rq->command->flags & CMD_WRITE)
        notify_before(rq);
}

#define FEW_KEYS 64

void hooks_each_key(struct request *rq, void (*fn)(struct request *rq, const struct cache_key *key))
{
    int few[FEW_KEYS], *at = few;
    int n = command_key_positions(rq->command, rq->argc, rq->argv, few, FEW_KEYS);
    if (n > FEW_KEYS) {
        at = calloc((size_t)n, sizeof *at);
        if (at == NULL)
            return;
        n = command_key_positions(rq->command, rq->argc, rq->argv, at, n);
    }
    for (int i = 0; i < n; i++) {
        size_t len = rq->argv[at[i]].len;
        const char *name = len > CACHE_MAX_KEY ? NULL : request_flat(rq, (size_t)at[i], &len);
        struct cache_key key;
        if (name != NULL && cache_key_init(rq->cache, &key, request_db(rq), name, len))
            fn(rq, &key);
    }
    if (at != few)
        free(at);
}

void hooks_cache_event(void *arg, enum cache_event what, unsigned db, const void *key, size_t len)
{
    struct server *s = arg;
    if (hooks_wanted(&s->hooks) & HOOK_EVENTS)
        notify_event(s, NULL, what == CACHE_EXPIRED ? "expired" : "evicted", db, key, len);
}
