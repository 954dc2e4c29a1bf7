#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "worker.h"

/* A writer's memory over this much goes to the queue as it is; less is copied. */
#define STEAL_FROM ((size_t)16 << 10)
/* What the worker's writer keeps between events. */
#define WRITER_KEEP ((size_t)128 << 10)
#define PARTS       16
/* A node, and what belongs to it beside the bytes of a flat one. */
#define NODE_BYTES (sizeof(struct out_node) + 64)

void output_init(struct output *o)
{
    *o = (struct output){.tail = &o->head};
}

static void add_node(struct output *o, struct out_node *n)
{
    *o->tail = n;
    o->tail = &n->next;
}

static void drop_head(struct output *o)
{
    struct out_node *n = o->head;
    o->head = n->next;
    if (o->head == NULL)
        o->tail = &o->head;
    o->held -= NODE_BYTES + (n->stream == NULL ? n->len : 0);
    free(n->data);
    free(n);
}

void output_free(struct connection *c)
{
    struct output *o = &c->out;
    struct worker *w = c->client.worker;
    bool entered = false;
    while (o->head != NULL) {
        if (o->head->stream != NULL) {
            if (!entered)
                cache_enter(w->cache, w->now_ms);
            entered = true;
            cache_stream_close(w->cache, o->head->stream);
        }
        drop_head(o);
    }
    if (entered)
        cache_exit(w->cache);
    o->bytes = 0;
}

/* Takes `data` over. */
static bool add_flat(struct output *o, char *data, size_t at, size_t len)
{
    struct out_node *n = malloc(sizeof *n);
    if (n == NULL) {
        free(data);
        return false;
    }
    *n = (struct out_node){.data = data, .at = at, .len = len};
    add_node(o, n);
    o->bytes += len - at;
    o->held += NODE_BYTES + len;
    return true;
}

bool output_append(struct output *o, const char *bytes, size_t len)
{
    char *copy = malloc(len);
    if (copy == NULL)
        return false;
    memcpy(copy, bytes, len);
    return add_flat(o, copy, 0, len);
}

/* Bytes of the writer from `at` on. */
static bool queue_from(struct output *o, struct resp_out *from, size_t at)
{
    bool ok;
    if (from->len - at < STEAL_FROM) {
        ok = output_append(o, from->data + at, from->len - at);
    } else {
        /* What the writer has grown to beyond that would be counted by nobody. */
        char *data = from->cap > from->len ? realloc(from->data, from->len) : NULL;
        ok = add_flat(o, data != NULL ? data : from->data, at, from->len);
        from->data = NULL;
        from->cap = 0;
    }
    from->len = 0;
    return ok;
}

bool output_queue(struct output *o, struct resp_out *from)
{
    return from->len == 0 || queue_from(o, from, 0);
}

bool output_stream(struct connection *c, struct cache_stream *s, size_t skip, size_t len)
{
    struct out_node *n = malloc(sizeof *n);
    if (n == NULL) {
        cache_stream_close(c->client.worker->cache, s);
        return false;
    }
    *n = (struct out_node){.stream = s, .skip = skip, .left = len};
    add_node(&c->out, n);
    c->out.bytes += len;
    c->out.held += NODE_BYTES;
    return output_append(&c->out, "\r\n", 2);
}

static enum output_status written(struct connection *c, ssize_t n, size_t wanted)
{
    struct worker_stats *stats = &c->client.worker->stats;
    counter_add(&stats->writes, 1);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? OUTPUT_BLOCKED : OUTPUT_BROKEN;
    counter_add(&stats->out_bytes, (uint64_t)n);
    counter_add(&c->client.sent_bytes, (uint64_t)n);
    return (size_t)n == wanted ? OUTPUT_DONE : OUTPUT_BLOCKED;
}

/* Writes flat nodes from the head on, up to the next stream. */
static enum output_status write_flat(struct connection *c)
{
    struct output *o = &c->out;
    struct iovec parts[PARTS];
    int count = 0;
    size_t wanted = 0;
    for (struct out_node *n = o->head; n != NULL && n->stream == NULL && count < PARTS;
         n = n->next) {
        parts[count++] = (struct iovec){.iov_base = n->data + n->at, .iov_len = n->len - n->at};
        wanted += n->len - n->at;
    }
    ssize_t sent = c->transport.type->writev(&c->transport, parts, count);
    enum output_status status = written(c, sent, wanted);
    for (size_t left = sent > 0 ? (size_t)sent : 0; left > 0;) {
        struct out_node *n = o->head;
        size_t take = n->len - n->at < left ? n->len - n->at : left;
        n->at += take;
        left -= take;
        o->bytes -= take;
        if (n->at == n->len)
            drop_head(o);
    }
    return status;
}

/* Decodes what comes next of the stream at the head into the worker's piece; its length, or 0 when
 * the value is damaged. */
static size_t fill_piece(struct worker *w, struct out_node *n)
{
    size_t filled = 0;
    while (n->left > 0 && filled + CACHE_SEGMENT <= PIECE_BYTES) {
        size_t len;
        if (cache_stream_next(w->cache, n->stream, w->piece + filled, &len) != CACHE_OK || len == 0)
            return 0;
        size_t skip = n->skip < len ? n->skip : len;
        n->skip -= skip;
        len -= skip;
        memmove(w->piece + filled, w->piece + filled + skip, len);
        if (len > n->left)
            len = n->left;
        n->left -= len;
        filled += len;
    }
    return filled;
}

/* What the socket does not take of a piece becomes a flat node before the stream. */
static bool keep_piece(struct output *o, const char *bytes, size_t len)
{
    struct out_node *n = malloc(sizeof *n);
    char *copy = malloc(len);
    if (n == NULL || copy == NULL) {
        free(n);
        free(copy);
        return false;
    }
    memcpy(copy, bytes, len);
    *n = (struct out_node){.data = copy, .len = len, .next = o->head};
    if (o->head == NULL)
        o->tail = &n->next;
    o->head = n;
    o->held += NODE_BYTES + len;
    return true;
}

static enum output_status write_stream(struct connection *c)
{
    struct worker *w = c->client.worker;
    struct out_node *n = c->out.head;
    cache_enter(w->cache, w->now_ms);
    size_t len = fill_piece(w, n);
    bool ended = n->left == 0 || len == 0;
    if (ended) {
        cache_stream_close(w->cache, n->stream);
        drop_head(&c->out);
    }
    cache_exit(w->cache);
    if (len == 0)
        return OUTPUT_BROKEN;
    struct iovec part = {.iov_base = w->piece, .iov_len = len};
    ssize_t sent = c->transport.type->writev(&c->transport, &part, 1);
    enum output_status status = written(c, sent, len);
    size_t done = sent > 0 ? (size_t)sent : 0;
    c->out.bytes -= done;
    if (status == OUTPUT_BLOCKED && !keep_piece(&c->out, w->piece + done, len - done))
        return OUTPUT_BROKEN;
    return status;
}

/* Writes at most about EVENT_BYTES of a queue, so that others have their turn. */
static enum output_status drain(struct connection *c)
{
    enum output_status status = OUTPUT_DONE;
    size_t end = c->out.bytes > EVENT_BYTES ? c->out.bytes - EVENT_BYTES : 0;
    while (c->out.head != NULL && status == OUTPUT_DONE) {
        if (c->out.bytes < end)
            return OUTPUT_BLOCKED;
        status = c->out.head->stream != NULL ? write_stream(c) : write_flat(c);
    }
    return status;
}

enum output_status output_flush(struct connection *c)
{
    struct resp_out *out = &c->client.worker->out;
    if (out->failed)
        return OUTPUT_BROKEN;
    if (c->out.head == NULL) {
        if (out->len == 0)
            return OUTPUT_DONE;
        struct iovec part = {.iov_base = out->data, .iov_len = out->len};
        ssize_t sent = c->transport.type->writev(&c->transport, &part, 1);
        enum output_status status = written(c, sent, out->len);
        if (status == OUTPUT_BLOCKED && !queue_from(&c->out, out, sent > 0 ? (size_t)sent : 0))
            status = OUTPUT_BROKEN;
        resp_out_clear(out, WRITER_KEEP);
        return status;
    }
    if (!output_queue(&c->out, out))
        return OUTPUT_BROKEN;
    resp_out_clear(out, WRITER_KEEP);
    return drain(c);
}
