/* What a change of a key sets in motion. */
#include "hooks.h"
#include "pubsub/notify.h"
#include "server.h"
#include "tracking/tracking.h"

void request_touched(struct request *rq, const struct cache_key *key, const char *event)
{
    counter_add(&rq->worker->stats.changes, 1);
    if (watch_is_used(&rq->server->watch))
        watch_changed(&rq->server->watch, key);
    unsigned wanted = hooks_wanted(&rq->server->hooks);
    if (wanted & HOOK_EVENTS)
        notify_touched(rq, key, event);
    if (wanted & HOOK_TRACKING)
        tracking_changed(rq->server, rq->client, key->db, key->ptr, key->len);
}

void request_flushed(struct request *rq, int db)
{
    (void)db;
    counter_add(&rq->worker->stats.changes, 1);
    if (hooks_wanted(&rq->server->hooks) & HOOK_TRACKING)
        tracking_flushed(rq->server);
}

void request_missed(struct request *rq, const struct cache_key *key)
{
    if (hooks_wanted(&rq->server->hooks) & HOOK_MISSED)
        notify_missed(rq, key);
}
