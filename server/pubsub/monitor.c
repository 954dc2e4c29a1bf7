#include "monitor.h"

#include <stdio.h>
#include <string.h>

#include "acl/secret.h"
#include "base/clock.h"
#include "server.h"

/* Longer arguments and lines are cut, which Redis does not do: a line is copied for each monitor.
 */
#define ARGUMENT_MAX   ((size_t)16 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 10)

unsigned monitor_hooks(const struct server *s)
{
    return fanout_topics(&s->fanout, TOPIC_MONITOR) > 0 ? HOOK_MONITOR : 0;
}

/* ---- the line ---- */

static void put_byte(struct resp_out *out, unsigned char byte)
{
    static const char escaped[] = "\n\r\t\a\b\\\"", letters[] = "nrtab\\\"";
    char text[5];
    const char *at = byte == '\0' ? NULL : strchr(escaped, byte);
    if (at != NULL)
        resp_raw(out, (char[]){'\\', letters[at - escaped]}, 2);
    else if (byte >= ' ' && byte <= '~')
        resp_raw(out, &byte, 1);
    else
        resp_raw(out, text, (size_t)snprintf(text, sizeof text, "\\x%02x", byte));
}

static void put_argument(struct resp_out *out, const struct resp_arg *arg)
{
    size_t most = arg->len < ARGUMENT_MAX ? arg->len : ARGUMENT_MAX;
    char piece[1024];
    for (size_t off = 0; off < most; off += sizeof piece) {
        size_t len = most - off < sizeof piece ? most - off : sizeof piece;
        resp_arg_copy(arg, off, len, piece);
        for (size_t i = 0; i < len; i++)
            put_byte(out, (unsigned char)piece[i]);
    }
    if (arg->len > most) {
        char text[64];
        int n = snprintf(text, sizeof text, "... (%zu more bytes)", arg->len - most);
        resp_raw(out, text, (size_t)n);
    }
}

static void put_source(struct resp_out *out, const struct request *rq)
{
    const struct client *c = rq->client;
    char text[CLIENT_ADDRESS + 192];
    int64_t us = clock_wall_us();
    bool lua = rq->out != &rq->worker->out; /* what scripts call writes elsewhere */
    bool unix_socket = !lua && strncmp(c->address, "unixsocket", 10) == 0;
    int n = snprintf(text, sizeof text, "+%lld.%06lld [%u %s%.*s]", (long long)(us / 1000000),
                     (long long)(us % 1000000), client_db(c), unix_socket ? "unix:" : "", 128,
                     lua           ? "lua"
                     : unix_socket ? rq->server->settings.unixsocket
                                   : c->address);
    resp_raw(out, text, (size_t)n);
}

static void put_line(struct resp_out *out, const struct request *rq)
{
    resp_out_clear(out, PIECE_BYTES);
    put_source(out, rq);
    for (size_t i = 0; i < rq->argc; i++) {
        if (out->len > LINE_MAX_BYTES) {
            char text[64];
            int n = snprintf(text, sizeof text, " \"... (%zu more arguments)\"", rq->argc - i);
            resp_raw(out, text, (size_t)n);
            break;
        }
        resp_raw(out, " \"", 2);
        if (argument_is_secret(rq, i))
            resp_raw(out, "(redacted)", 10);
        else
            put_argument(out, &rq->argv[i]);
        resp_raw(out, "\"", 1);
    }
    resp_raw(out, "\r\n", 2);
}

/* ---- to whom ---- */

/* Redis shows scripts, which have the flag, on another way: before what they call. */
static bool is_shown(const struct command *c)
{
    return !(c->flags & CMD_ADMIN) &&
           (!(c->flags & CMD_SKIP_MONITOR) || c->group == GROUP_SCRIPTING);
}

void monitor_show(struct request *rq)
{
    struct server *s = rq->server;
    struct resp_out *line = &rq->worker->push;
    worker_set to;
    if (!is_shown(rq->command) || fanout_reach(&s->fanout, TOPIC_MONITOR, "", 0, &to) == 0)
        return;
    put_line(line, rq);
    for (unsigned i = 0; to != 0 && !line->failed; i++, to >>= 1) {
        struct mail *m = to & 1 ? mail_create(MAIL_MONITOR, line->len) : NULL;
        if (m == NULL)
            continue;
        memcpy(m->bytes, line->data, line->len);
        (void)worker_post(s->workers[i], m, rq->client); /* without memory, monitors miss a line */
    }
}

void monitor_deliver(struct worker *w, const struct mail *m)
{
    struct topic *t = fanout_next(&w->server->fanout, w->index, TOPIC_MONITOR, "", 0, NULL);
    for (struct subscription *s = t == NULL ? NULL : t->first[w->index]; s != NULL; s = s->next)
        connection_push(s->client->connection, m->bytes, m->len);
}

void monitor_leave(struct client *c)
{
    if (c->subscriptions[TOPIC_MONITOR] == NULL)
        return;
    fanout_remove_all(&c->worker->server->fanout, c, TOPIC_MONITOR);
    hooks_update(c->worker->server);
}

static void monitor_command(struct request *rq)
{
    if (fanout_add(&rq->server->fanout, rq->client, TOPIC_MONITOR, "", 0) == FANOUT_NOMEM) {
        reply_oom(rq);
        return;
    }
    hooks_update(rq->server);
    resp_ok(rq->out);
}

const struct command commands_monitor[] = {
    {.name = "monitor",
     .fn = monitor_command,
     .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Listens for all requests received by the server in real-time.",
     .args = "",
     .differs = "Commands are shown before they run; of an argument the first 16 KiB."},
    {.name = NULL},
};
