/* What a change of a key sets in motion. */
#include "hooks.h"
#include "notify.h"
#include "server.h"

void request_touched(struct request *rq, const struct cache_key *key, const char *event)
{
    counter_add(&rq->worker->stats.changes, 1);
    if (watch_is_used(&rq->server->watch))
        watch_changed(&rq->server->watch, key);
    if (hooks_wanted(&rq->server->hooks) != 0)
        notify_touched(rq, key, event);
}

void request_flushed(struct request *rq, int db)
{
    (void)db;
    counter_add(&rq->worker->stats.changes, 1);
}

void request_missed(struct request *rq, const struct cache_key *key)
{
    if (hooks_wanted(&rq->server->hooks) & HOOK_MISSED)
        notify_missed(rq, key);
}
