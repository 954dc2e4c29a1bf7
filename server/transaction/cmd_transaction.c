/* MULTI, EXEC, DISCARD, WATCH, UNWATCH. */
#include <string.h>

#include "dispatch.h"
#include "key_set.h"
#include "server.h"
#include "transaction.h"

/* ---- queueing ---- */

void transaction_add(struct request *rq)
{
    struct client *c = rq->client;
    /* What will not be carried out takes no memory. */
    bool lost = c->transaction->broken || atomic_load(&c->outdated);
    if (!lost && !transaction_queue(rq)) {
        c->transaction->broken = true;
        reply_oom(rq);
        return;
    }
    resp_raw(rq->out, "+QUEUED\r\n", 9);
}

static void exec_command(struct request *rq);

void transaction_refused(struct request *rq, size_t before)
{
    struct client *c = rq->client;
    if (transaction_is_open(c))
        c->transaction->broken = true;
    if (rq->command == NULL || rq->command->fn != exec_command)
        return;
    char text[RESP_ERROR_MAX];
    const char *error = rq->out->data + before;
    size_t len = rq->out->len - before;
    if (rq->out->failed || len < 7 || memcmp(error, "-ERR ", 5) != 0)
        return;
    snprintf(text, sizeof text, "%.*s", (int)(len - 7), error + 5);
    rq->out->len = before;
    resp_errorf(rq->out, "EXECABORT Transaction discarded because of: %s", text);
    transaction_end(c);
}

/* ---- the commands ---- */

static void multi_command(struct request *rq)
{
    struct transaction *t = transaction_of(rq->client);
    if (t == NULL) {
        reply_oom(rq);
    } else if (t->open) {
        resp_error(rq->out, "ERR MULTI calls can not be nested");
    } else {
        t->open = true;
        atomic_store_explicit(&rq->client->queued, 0, memory_order_relaxed);
        resp_ok(rq->out);
    }
}

static void discard_command(struct request *rq)
{
    if (!transaction_is_open(rq->client)) {
        resp_error(rq->out, "ERR DISCARD without MULTI");
        return;
    }
    transaction_end(rq->client);
    resp_ok(rq->out);
}

static void run_queue(struct request *rq, const struct transaction *t)
{
    size_t n = 0;
    for (const struct queued *q = t->first; q != NULL; q = q->next)
        n++;
    resp_array(rq->out, n);
    for (const struct queued *q = t->first; q != NULL; q = q->next) {
        struct request one = *rq;
        one.command = q->command;
        one.argc = q->argc;
        one.argv = q->argv;
        if (acl_may_all(rq->client, &rq->server->acl) || acl_may_run_at_exec(&one))
            dispatch_call(&one);
        (void)reply_goes_on(rq); /* the commands are carried out in any case */
    }
}

/* Locks what the commands touch. For a client that watches the world is stopped: then whoever
 * changed a key has told so, too. */
static bool lock_queue(struct request *rq, const struct transaction *t, struct key_set *set)
{
    set->whole = t->watched != NULL;
    for (const struct queued *q = t->first; q != NULL; q = q->next)
        if (!key_set_add(set, rq, q->command, q->argc, q->argv))
            return false;
    return key_set_lock(set, rq->cache);
}

static void exec_locked(struct request *rq, struct key_set *set)
{
    struct client *c = rq->client;
    bool outdated =
        c->transaction->watched != NULL && watch_is_outdated(rq, c->transaction->watched);
    /* Its own changes are none that it watches for; and UNWATCH among them ends nothing more. */
    struct transaction *t = transaction_take(c);
    if (outdated)
        resp_null_array(rq->out);
    else
        run_queue(rq, t);
    key_set_unlock(set, rq->cache);
    transaction_free(t);
}

static void exec_command(struct request *rq)
{
    struct client *c = rq->client;
    struct key_set set = {0};
    if (!transaction_is_open(c)) {
        resp_error(rq->out, "ERR EXEC without MULTI");
    } else if (c->transaction->broken) {
        transaction_end(c);
        resp_error(rq->out, "EXECABORT Transaction discarded because of previous errors.");
    } else if (atomic_load(&c->outdated)) {
        transaction_end(c);
        resp_null_array(rq->out);
    } else if (lock_queue(rq, c->transaction, &set)) {
        exec_locked(rq, &set);
    } else {
        transaction_end(c);
        reply_oom(rq);
    }
    key_set_free(&set);
    hooks_after_exec(rq);
}

static bool watch_one(struct request *rq, struct transaction *t, size_t i)
{
    struct client *c = rq->client;
    struct cache_key key;
    if (!request_key(rq, i, &key))
        return false;
    size_t bytes = 0;
    if (!watch_add(rq, &t->watched, &key, &bytes)) {
        reply_oom(rq);
        return false;
    }
    if (bytes > 0) {
        atomic_fetch_add_explicit(&c->watching, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->transaction_bytes, bytes, memory_order_relaxed);
    }
    return true;
}

static void watch_command(struct request *rq)
{
    struct transaction *t = transaction_of(rq->client);
    if (t == NULL) {
        reply_oom(rq);
        return;
    }
    if (t->open) {
        resp_error(rq->out, "ERR WATCH inside MULTI is not allowed");
        return;
    }
    for (size_t i = 1; i < rq->argc && !atomic_load(&rq->client->outdated); i++)
        if (!watch_one(rq, t, i))
            return;
    resp_ok(rq->out);
}

static void unwatch_command(struct request *rq)
{
    transaction_end(rq->client);
    resp_ok(rq->out);
}

#define TRANSACTION .group = GROUP_TRANSACTIONS
#define CONTROL     (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST)

const struct command commands_transaction[] = {
    {.name = "multi",
     .fn = multi_command,
     .arity = 1,
     TRANSACTION,
     .flags = CONTROL | CMD_ALLOW_BUSY | CMD_AT_ONCE,
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Starts a transaction.",
     .args = ""},
    {.name = "exec",
     .fn = exec_command,
     .arity = 1,
     TRANSACTION,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG | CMD_AT_ONCE,
     .since = "1.2.0",
     .complexity = "Depends on commands in the transaction",
     .summary = "Executes all commands in a transaction.",
     .args = "",
     .differs = "Whether memory suffices is seen by each command alone, not by the transaction "
                "before it begins."},
    {.name = "discard",
     .fn = discard_command,
     .arity = 1,
     TRANSACTION,
     .flags = CONTROL | CMD_ALLOW_BUSY | CMD_AT_ONCE,
     .since = "2.0.0",
     .complexity = "O(N), when N is the number of queued commands",
     .summary = "Discards a transaction.",
     .args = ""},
    {.name = "watch",
     .fn = watch_command,
     .arity = -2,
     TRANSACTION,
     .flags = CONTROL | CMD_AT_ONCE,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .since = "2.2.0",
     .complexity = "O(1) for every key.",
     .summary = "Monitors changes to keys to determine the execution of a transaction.",
     .args = "key [key ...]"},
    {.name = "unwatch",
     .fn = unwatch_command,
     .arity = 1,
     TRANSACTION,
     .flags = CONTROL | CMD_ALLOW_BUSY,
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Forgets about watched keys of a transaction.",
     .args = ""},
    {.name = NULL},
};
