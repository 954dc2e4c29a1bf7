#include "dispatch.h"

#include <string.h>
#include <strings.h>

#include "metrics/timing.h"
#include "request.h"
#include "server.h"
#include "transaction/transaction.h"

void dispatch_prepare(struct client *c, const struct resp_parser *p, struct batch_item *item)
{
    struct worker *w = c->worker;
    item->command = NULL;
    item->key.ptr = NULL;
    if (p->argc == 0 || p->argv[0].ptr == NULL)
        return;
    item->command = command_find(w->server->commands, p->argv[0].ptr, p->argv[0].len);
    if (item->command == NULL || item->command->first_key <= 0)
        return;
    size_t first = (size_t)item->command->first_key;
    if (first >= p->argc || p->argv[first].ptr == NULL)
        return;
    if (cache_key_init(w->cache, &item->key, client_db(c), p->argv[first].ptr, p->argv[first].len))
        cache_prefetch_shard(w->cache, &item->key);
    else
        item->key.ptr = NULL;
}

/* ---- requests that are refused ---- */

static void unknown_command(struct request *rq)
{
    char text[RESP_ERROR_MAX];
    const struct resp_arg *name = &rq->argv[0];
    int at = snprintf(text, sizeof text, "ERR unknown command '%.*s', with args beginning with: ",
                      name->ptr == NULL ? 0 : (int)(name->len < 128 ? name->len : 128),
                      name->ptr == NULL ? "" : name->ptr);
    int args = 0;
    for (size_t i = 1; i < rq->argc && args < 128; i++) {
        const struct resp_arg *a = &rq->argv[i];
        char piece[128];
        size_t room = (size_t)(128 - args), len = a->len < room ? a->len : room;
        resp_arg_copy(a, 0, len, piece);
        /* A piece with a zero byte ends there, and only what is shown counts. */
        int shown = snprintf(text + at, sizeof text - (size_t)at, "'%.*s' ", (int)len, piece);
        args += shown;
        at += shown;
    }
    resp_errorf(rq->out, "%s", text);
}

static void unknown_subcommand(struct request *rq)
{
    char name[65], sub[129];
    size_t n = rq->argv[1].len < sizeof sub - 1 ? rq->argv[1].len : sizeof sub - 1;
    resp_arg_copy(&rq->argv[1], 0, n, sub);
    sub[n] = '\0';
    size_t i;
    for (i = 0; i < sizeof name - 1 && rq->command->name[i] != '\0'; i++) {
        char letter = rq->command->name[i];
        name[i] = (char)(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
    }
    name[i] = '\0';
    resp_errorf(rq->out, "ERR unknown subcommand '%s'. Try %s HELP.", sub, name);
}

static bool arity_holds(const struct request *rq)
{
    int arity = rq->command->arity;
    return arity >= 0 ? rq->argc == (size_t)arity : rq->argc >= (size_t)-arity;
}

/* A browser that was led to this port: what it sends must not be carried out line by line. */
static bool is_http(const struct request *rq)
{
    return request_is(rq, 0, "post") || request_is(rq, 0, "host:");
}

/* Sets rq->command to the row that will run. False when there is none (replied). */
static bool resolve(struct request *rq)
{
    if (rq->command == NULL) {
        unknown_command(rq);
        return false;
    }
    if (rq->command->subcommands != NULL && (rq->argc > 1 || rq->command->fn == NULL)) {
        if (rq->argc == 1) {
            reply_arity_error(rq);
            return false;
        }
        const struct resp_arg *name = &rq->argv[1];
        const struct command *sub =
            name->ptr == NULL ? NULL : command_find_sub(rq->command, name->ptr, name->len);
        if (sub == NULL) {
            unknown_subcommand(rq);
            rq->command = NULL;
            return false;
        }
        rq->command = sub;
    }
    if (!arity_holds(rq)) {
        reply_arity_error(rq);
        return false;
    }
    return true;
}

/* RESP2 cannot tell replies from messages. */
static void subscribers_only(struct request *rq)
{
    char name[COMMAND_NAME_MAX];
    command_full_name(rq->command, name, sizeof name);
    resp_errorf(rq->out,
                "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                "RESET are allowed in this context",
                name);
}

bool dispatch_has_room(const struct request *rq)
{
    int64_t cap = setting_get(&rq->server->settings.maxmemory);
    if (!(rq->command->flags & CMD_DENYOOM))
        return true;
    return (cap == 0 || cap >= (int64_t)CACHE_LEAST_MEMORY) && !cache_is_full(rq->server->cache);
}

static bool may_run(struct request *rq)
{
    if (!resolve(rq) || !(acl_may_all(rq->client, &rq->server->acl) || acl_may_run(rq)))
        return false;
    if (rq->client->subscriber && rq->client->proto == 2 &&
        !(rq->command->flags & CMD_SUBSCRIBED)) {
        subscribers_only(rq);
        return false;
    }
    if (rq->worker->outside && !(rq->command->flags & CMD_ALLOW_BUSY)) {
        reply_busy(rq);
        return false;
    }
    if (!dispatch_has_room(rq)) {
        reply_oom(rq);
        return false;
    }
    if (rq->command->flags & CMD_NO_MULTI && transaction_is_open(rq->client)) {
        resp_error(rq->out, "ERR Command not allowed inside a transaction");
        return false;
    }
    return true;
}

/* ---- running ---- */

/* Where a reply begins. */
struct reply_mark {
    size_t at;
    unsigned spills;
};

static struct reply_mark mark_reply(const struct request *rq)
{
    return (struct reply_mark){.at = rq->out->len, .spills = rq->worker->spills};
}

/* Counts the reply from the mark on if it is an error. One that was spilled is none. */
static void count_error(const struct request *rq, struct command_count *count,
                        struct reply_mark mark, bool ran)
{
    const struct resp_out *out = rq->out;
    if (out->len <= mark.at || rq->worker->spills != mark.spills || out->data[mark.at] != '-')
        return;
    command_stats_error(&rq->worker->commands, out->data + mark.at, out->len - mark.at);
    if (count != NULL)
        counter_add(ran ? &count->failed : &count->rejected, 1);
}

/* CLIENT REPLY OFF and SKIP: the reply is written, but not sent. */
static void silence(struct client *c, size_t before)
{
    if (c->reply == REPLY_SKIP_NEXT) {
        c->reply = REPLY_SKIP;
        return;
    }
    if (c->reply == REPLY_SKIP)
        c->reply = REPLY_ON;
    if (c->worker->out.len > before && !c->pushed)
        c->worker->out.len = before;
    c->pushed = false;
}

static struct command_count *count_of(const struct request *rq)
{
    struct worker *w = rq->worker;
    if (rq->command == NULL)
        return NULL;
    return &w->commands.counts[command_index(w->server->commands, rq->command)];
}

void dispatch_call(struct request *rq)
{
    struct command_count *count = count_of(rq);
    struct reply_mark mark = mark_reply(rq);
    rq->worker->ready_key = NULL;
    if (hooks_wanted(&rq->server->hooks) & HOOKS_BEFORE)
        hooks_before(rq, true);
    timing_call(rq, count);
    request_scratch_free(rq->worker);
    counter_add(&count->calls, 1);
    count_error(rq, count, mark, true);
}

/* Runs a command that may run, or lets it wait for EXEC. What is left in the batch is timed with
 * it.
 */
static void run_or_queue(struct request *rq, struct batch_item *item, struct command_count *count)
{
    struct worker *w = rq->worker;
    struct client *c = rq->client;
    atomic_store_explicit(&c->last, rq->command, memory_order_relaxed);
    item->command = NULL;
    if (c->transaction != NULL && c->transaction->open && !(rq->command->flags & CMD_AT_ONCE)) {
        transaction_add(rq);
        return;
    }
    w->ready_key = item->key.ptr != NULL ? &item->key : NULL;
    counter_add(&count->calls, 1);
    if (hooks_wanted(&rq->server->hooks) & HOOKS_BEFORE)
        hooks_before(rq, false);
    if (w->time_each || (rq->command->flags & CMD_TIMED)) {
        timing_run(rq, count);
    } else {
        item->command = rq->command;
        rq->command->fn(rq);
    }
    w->ready_key = NULL;
    request_scratch_free(w);
}

static void refuse(struct request *rq, struct batch_item *item, size_t before)
{
    item->command = NULL;
    transaction_refused(rq, before);
}

void dispatch_run(struct client *c, struct resp_parser *p, struct batch_item *item)
{
    struct worker *w = c->worker;
    if (p->argc == 0)
        return;
    struct request rq = {
        .server = w->server,
        .worker = w,
        .client = c,
        .cache = w->cache,
        .command = item->command,
        .argc = p->argc,
        .argv = p->argv,
        .out = &w->out,
        .now_ms = w->now_ms,
    };
    struct reply_mark mark = mark_reply(&rq);
    if (item->command == NULL && is_http(&rq)) {
        c->connection->end = CLOSE_NOW;
        return;
    }
    bool ran = may_run(&rq);
    struct command_count *count = count_of(&rq);
    if (ran)
        run_or_queue(&rq, item, count);
    else
        refuse(&rq, item, mark.at);
    count_error(&rq, count, mark, ran);
    if (c->reply != REPLY_ON)
        silence(c, mark.at);
    counter_add(&c->commands, 1);
}
