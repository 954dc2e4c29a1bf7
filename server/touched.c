/* What a change of a key sets in motion. */
#include "server.h"

void request_touched(struct request *rq, const struct cache_key *key, const char *event)
{
    (void)event;
    counter_add(&rq->worker->stats.changes, 1);
    if (watch_is_used(&rq->server->watch))
        watch_changed(&rq->server->watch, key);
}

void request_flushed(struct request *rq, int db)
{
    (void)db;
    counter_add(&rq->worker->stats.changes, 1);
}
