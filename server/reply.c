/* Replies that several commands share. */
#include "command.h"

#include <string.h>

#include "net/output.h"
#include "server.h"

/* Longer values are sent as a stream, so that none is ever whole in memory. */
#define STREAM_FROM ((size_t)128 << 10)
/* What a reply may grow to that is not sent (CLIENT REPLY OFF). */
#define UNSENT_MOST ((size_t)64 << 20)

/* Whether the reply goes to a client, who gets it. A script's calls are answered elsewhere. */
static bool is_direct(const struct request *rq)
{
    return rq->client->connection != NULL && rq->out == &rq->worker->out &&
           rq->client->reply == REPLY_ON;
}

bool reply_goes_on(struct request *rq)
{
    struct resp_out *out = rq->out;
    if (out->len < OUTPUT_MARK || out->failed)
        return !out->failed;
    if (is_direct(rq))
        out->failed = !connection_spill(rq->client->connection);
    else if (out == &rq->worker->out)
        out->failed = out->len > UNSENT_MOST;
    return !out->failed;
}

void reply_syntax_error(struct request *rq)
{
    resp_error(rq->out, "ERR syntax error");
}

void reply_arity_error(struct request *rq)
{
    char name[COMMAND_NAME_MAX];
    command_full_name(rq->command, name, sizeof name);
    resp_errorf(rq->out, "ERR wrong number of arguments for '%s' command", name);
}

void reply_subcommand_error(struct request *rq, const char *command)
{
    char name[129];
    size_t len = rq->argv[1].len < sizeof name - 1 ? rq->argv[1].len : sizeof name - 1;
    resp_arg_copy(&rq->argv[1], 0, len, name);
    name[len] = '\0';
    resp_errorf(rq->out,
                "ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.", name,
                command);
}

void reply_help(struct request *rq, const char *const *lines)
{
    size_t n = 0;
    while (lines[n] != NULL)
        n++;
    resp_array(rq->out, n + 2);
    for (size_t i = 0; i < n; i++)
        resp_simple(rq->out, lines[i]);
    resp_simple(rq->out, "HELP");
    resp_simple(rq->out, "    Print this help.");
}

void reply_wrong_type(struct request *rq)
{
    resp_error(rq->out, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_oom(struct request *rq)
{
    resp_error(rq->out, "OOM command not allowed when used memory > 'maxmemory'.");
}

void reply_busy(struct request *rq)
{
    resp_error(rq->out, "BUSY Redis is busy running a script. You can only call SCRIPT KILL or "
                        "SHUTDOWN NOSAVE.");
}

void reply_cache_error(struct request *rq, enum cache_status status)
{
    if (status == CACHE_TOOBIG)
        resp_error(rq->out, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    else if (status == CACHE_DAMAGED)
        resp_error(rq->out, "ERR the stored value was damaged and has been dropped");
    else
        reply_oom(rq);
}

/* What a damaged value is answered with: as if the key were absent. */
enum miss { MISS_NULL, MISS_EMPTY };

static void copy_part(struct request *rq, struct cache_view *v, size_t off, size_t len,
                      enum miss miss)
{
    size_t before = rq->out->len;
    char *to = resp_bulk_begin(rq->out, len);
    if (to == NULL)
        return;
    if (len == 0 || cache_view_read(rq->cache, v, off, len, to) == CACHE_OK) {
        resp_bulk_end(rq->out);
    } else {
        rq->out->len = before;
        if (miss == MISS_NULL)
            resp_null(rq->out);
        else
            resp_bulk(rq->out, "", 0);
    }
}

/* What the writer holds so far goes first. */
static void stream_part(struct request *rq, struct cache_view *v, size_t off, size_t len)
{
    struct connection *c = rq->client->connection;
    struct cache_stream *s = cache_stream_open(rq->cache, v);
    if (s == NULL) {
        reply_oom(rq);
        return;
    }
    off -= cache_stream_skip(s, off);
    resp_bulk_header(rq->out, len);
    if (rq->out->failed || !connection_spill(c)) {
        cache_stream_close(rq->cache, s);
        rq->out->failed = true;
    } else if (!output_stream(c, s, off, len)) {
        rq->out->failed = true;
    }
}

static void reply_part(struct request *rq, struct cache_view *v, size_t off, size_t len,
                       enum miss miss)
{
    (void)reply_goes_on(rq);
    if (v->segmented && len >= STREAM_FROM && is_direct(rq)) {
        stream_part(rq, v, off, len);
    } else {
        copy_part(rq, v, off, len, miss);
        cache_view_end(rq->cache, v);
    }
}

void reply_view(struct request *rq, struct cache_view *v)
{
    reply_part(rq, v, 0, v->raw_len, MISS_NULL);
}

void reply_view_part(struct request *rq, struct cache_view *v, size_t off, size_t len)
{
    reply_part(rq, v, off, len, MISS_EMPTY);
}
