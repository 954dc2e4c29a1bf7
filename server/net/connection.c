#include "connection.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dispatch.h"
#include "metrics/timing.h"
#include "peer.h"
#include "pubsub/monitor.h"
#include "pubsub/pubsub.h"
#include "server.h"
#include "tracking/tracking.h"
#include "transaction/transaction.h"

/* Input up to this long is copied to the worker's buffer and back; more stays where it is. */
#define SHARED_INPUT (READ_BUFFER / 2)
/* An argument is long from here on. */
#define LONG_ARGUMENT ((size_t)1 << 20)
/* ---- input ---- */

/* The buffer in which this event parses. */
struct window {
    char *buf;
    size_t len, cap;
    bool shared;
    bool filled; /* by reading: there may be more */
    bool came;   /* bytes, by reading */
};

static bool open_window(struct connection *c, struct window *win)
{
    struct worker *w = c->client.worker;
    if (c->in.len <= SHARED_INPUT) {
        *win = (struct window){.buf = w->in, .len = c->in.len, .cap = READ_BUFFER, .shared = true};
        if (c->in.len > 0)
            memcpy(w->in, c->in.data, c->in.len);
        return true;
    }
    if (c->in.cap - c->in.len < SHARED_INPUT) {
        size_t cap = c->in.cap * 2;
        char *data = realloc(c->in.data, cap);
        if (data == NULL)
            return false;
        c->in.data = data;
        c->in.cap = cap;
    }
    *win = (struct window){.buf = c->in.data, .len = c->in.len, .cap = c->in.cap};
    return true;
}

static void drop_input(struct connection *c)
{
    free(c->in.data);
    c->in = (struct input){0};
}

/* Keeps the bytes from `at` on for later. */
static bool close_window(struct connection *c, const struct window *win, size_t at)
{
    size_t left = win->len - at;
    if (left == 0) {
        if (c->in.data != NULL)
            drop_input(c);
        return true;
    }
    if (win->shared && c->in.cap < left) {
        drop_input(c);
        c->in.cap = left < 256 ? 256 : left;
        c->in.data = malloc(c->in.cap);
        if (c->in.data == NULL) {
            c->in.cap = 0;
            return false;
        }
    }
    memmove(c->in.data, win->buf + at, left);
    c->in.len = left;
    return true;
}

static void read_more(struct connection *c, struct window *win)
{
    struct worker *w = c->client.worker;
    ssize_t n = c->transport.type->read(&c->transport, win->buf + win->len, win->cap - win->len);
    if (n > 0) {
        counter_add(&w->stats.reads, 1);
        counter_add(&w->stats.in_bytes, (uint64_t)n);
        counter_add(&c->client.read_bytes, (uint64_t)n);
        win->len += (size_t)n;
        win->came = true;
        win->filled = win->len == win->cap;
    } else if (n == 0) {
        /* All that came before has been carried out, or reading would have been stopped. */
        c->end = CLOSE_AFTER_REPLY;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        c->end = CLOSE_NOW;
    }
}

/* ---- parsing ahead and carrying out ---- */

struct run {
    struct connection *c;
    struct window *win;
    struct resp_limits limits;
    size_t at;       /* where the next command begins */
    unsigned count;  /* of parsed commands */
    unsigned served; /* commands in this event */
    enum resp_status status;
};

static void set_limits(struct run *r)
{
    const struct client *c = &r->c->client;
    const struct settings *s = &c->worker->server->settings;
    if (c->authenticated)
        r->limits = (struct resp_limits){.max_bulk = (size_t)setting_get(&s->max_bulk),
                                         .max_args = 1048576,
                                         .max_inline = 65536};
    else
        r->limits = (struct resp_limits){
            .max_bulk = 16384, .max_args = 10, .max_inline = 65536, .unauthenticated = true};
}

static void wait_for_pause(struct connection *c)
{
    struct worker *w = c->client.worker;
    c->paused = true;
    c->paused_by = pause_number(&w->server->pause);
    counter_add(&w->stats.paused, 1);
}

bool connection_is_paused(const struct connection *c)
{
    const struct worker *w = c->client.worker;
    const struct pause *p = &w->server->pause;
    return c->paused && !w->stopping && c->paused_by == pause_number(p) &&
           pause_is_on(p, w->now_ms);
}

void connection_end_pause(struct connection *c)
{
    if (c->paused)
        counter_add(&c->client.worker->stats.paused, (uint64_t)-1);
    c->paused = false;
}

/* Parses up to BATCH commands. One by one before AUTH, since that changes the limits. */
static void parse_ahead(struct run *r)
{
    struct worker *w = r->c->client.worker;
    const struct pause *pause = &w->server->pause;
    bool paused = pause_is_on(pause, w->now_ms);
    unsigned most = r->c->client.authenticated && !paused ? BATCH : 1;
    r->status = RESP_MORE;
    for (r->count = 0; r->count < most && r->at < r->win->len;) {
        /* An inline command is taken apart in place and cannot be parsed again: it goes alone. */
        bool is_inline = r->win->buf[r->at] != '*';
        if (is_inline && r->count > 0)
            return;
        struct resp_parser *p = &w->parsers[r->count];
        size_t there = r->win->len - r->at;
        if (paused && resp_parser_is_fresh(p) &&
            pause_holds(&r->c->client, r->win->buf + r->at, there)) {
            wait_for_pause(r->c);
            return;
        }
        r->status = resp_parse(p, &r->limits, r->win->buf + r->at, &there);
        r->win->len = r->at + there;
        if (r->status != RESP_COMMAND)
            return;
        w->batch[r->count].start = r->at;
        r->at += p->length;
        dispatch_prepare(&r->c->client, p, &w->batch[r->count]);
        r->count++;
        /* What came in chunks has left the buffer, so it cannot be parsed again either. */
        if (p->has_chains || is_inline)
            return;
    }
}

static bool must_wait(const struct connection *c)
{
    return c->held_by != NULL || c->out.bytes + c->client.worker->out.len > OUTPUT_MARK;
}

/* Forgets the parsed commands from `i` on; they will be parsed again. */
static void unparse(struct run *r, unsigned i)
{
    struct worker *w = r->c->client.worker;
    for (unsigned j = i; j < BATCH && (j < r->count || !resp_parser_is_fresh(&w->parsers[j])); j++)
        resp_parser_reset(&w->parsers[j]);
    r->at = w->batch[i].start;
    r->status = RESP_MORE;
}

/* Whether something parsed cannot be parsed again. */
static bool holds_chunks(const struct run *r)
{
    const struct worker *w = r->c->client.worker;
    return (r->count > 0 && w->parsers[r->count - 1].has_chains) ||
           (r->count < BATCH && w->parsers[r->count].has_chains);
}

static void prefetch(struct worker *w, unsigned count)
{
    struct cache_wanted wanted[BATCH];
    size_t n = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct batch_item *item = &w->batch[i];
        if (item->key.ptr != NULL)
            wanted[n++] =
                (struct cache_wanted){&item->key, (item->command->flags & CMD_READONLY) != 0};
    }
    cache_prefetch(w->cache, wanted, n);
}

static void run_batch(struct run *r)
{
    struct worker *w = r->c->client.worker;
    bool bound = holds_chunks(r);
    if (r->count > 1 && !w->outside)
        prefetch(w, r->count);
    unsigned i;
    for (i = 0; i < r->count; i++) {
        if (r->c->end != STAY)
            break;
        /* In a pause each is looked at before it is parsed. */
        if (i > 0 && !bound && (must_wait(r->c) || pause_is_on(&w->server->pause, w->now_ms))) {
            unparse(r, i);
            break;
        }
        dispatch_run(&r->c->client, &w->parsers[i], &w->batch[i]);
    }
    r->served += i;
    timing_end(w, &r->c->client, i);
    for (unsigned j = 0; j < r->count; j++)
        resp_parser_reset(&w->parsers[j]);
}

/* The parser of the command that has begun moves out of the worker's slots. */
static void keep_parser(struct run *r)
{
    struct resp_parser *p = &r->c->client.worker->parsers[r->count];
    if (r->count == BATCH || resp_parser_is_fresh(p))
        return;
    r->c->parser = *p;
    *p = (struct resp_parser){0};
}

static void take_parser(struct run *r)
{
    struct resp_parser *p = &r->c->client.worker->parsers[0];
    if (resp_parser_is_fresh(&r->c->parser))
        return;
    resp_parser_free(p);
    *p = r->c->parser;
    r->c->parser = (struct resp_parser){0};
}

static void broken_stream(struct run *r)
{
    struct worker *w = r->c->client.worker;
    struct resp_parser *p = &w->parsers[r->count];
    if (r->status == RESP_ERROR && r->c->end == STAY) {
        resp_parser_error(p, &w->out);
        command_stats_error(&w->commands, "-ERR", 4);
    }
    if (r->c->end == STAY)
        r->c->end = CLOSE_AFTER_REPLY;
    resp_parser_reset(p);
}

/* Carries out what the window holds, as long as the output takes it and it is this client's turn.
 */
static void run_window(struct run *r)
{
    struct worker *w = r->c->client.worker;
    take_parser(r);
    do {
        set_limits(r);
        parse_ahead(r);
        timing_begin(w);
        run_batch(r);
        if (r->c->end != STAY && r->count < BATCH)
            resp_parser_reset(&w->parsers[r->count]);
        else if (r->status == RESP_ERROR || r->status == RESP_NOMEM)
            broken_stream(r);
    } while (r->status == RESP_COMMAND && r->c->end == STAY && r->served < EVENT_COMMANDS &&
             r->at < r->win->len && !must_wait(r->c));
    if (r->c->end != STAY)
        r->at = r->win->len;
    else if (r->status == RESP_MORE)
        keep_parser(r);
}

/* Reads and carries out once. True when a long argument is under way of which more is there. */
static bool serve_once(struct connection *c, bool read)
{
    struct worker *w = c->client.worker;
    struct window win;
    if (!open_window(c, &win)) {
        c->end = CLOSE_NOW;
        return false;
    }
    if (read)
        read_more(c, &win);
    struct run r = {.c = c, .win = &win};
    enum connection_end asked = c->end;
    /* The end of the stream ends no command that came before it. */
    c->end = asked == CLOSE_NOW ? CLOSE_NOW : STAY;
    if (win.len > 0 && c->end == STAY) {
        atomic_store_explicit(&c->client.active_ms, w->now_ms, memory_order_relaxed);
        w->out.proto = c->client.proto;
        w->outside = !worker_enter(w);
        w->window_len = &win.len;
        run_window(&r);
        if (!w->outside)
            cache_exit(w->cache);
        if (w->broadcast.count > 0)
            broadcast_send(&c->client);
    }
    if (c->end == STAY)
        c->end = asked;
    /* An error behind what was read is met in sending the reply; without one, by reading on. */
    if (win.came && c->transport.edges && w->out.len == 0 && c->out.head == NULL)
        c->transport.more = true;
    if (!close_window(c, &win, r.at) || connection_over_query_limit(c))
        c->end = CLOSE_NOW;
    return win.filled && r.served == 0 && resp_parser_wants(&c->parser) > READ_BUFFER;
}

size_t connection_unread(const struct request *rq)
{
    const struct worker *w = rq->worker;
    for (unsigned i = 0; i < BATCH; i++)
        if (w->parsers[i].argv == rq->argv)
            return *w->window_len - w->batch[i].start;
    return 0; /* one of a transaction or script */
}

bool connection_has_commands(const struct connection *c)
{
    return c->in.len > 0 && resp_parser_is_fresh(&c->parser);
}

/* What a long argument takes as it comes in is taken from items at once: the keeper could be late.
 */
static void make_room(struct worker *w)
{
    cache_enter(w->cache, w->now_ms);
    (void)cache_make_room(w->cache);
    cache_exit(w->cache);
}

void connection_serve(struct connection *c, bool read)
{
    bool more;
    size_t before = counter_get(&c->client.read_bytes);
    do {
        more = serve_once(c, read);
        connection_settle(c);
        if (c->parser.held_bytes >= LONG_ARGUMENT && !c->dying)
            make_room(c->client.worker);
        if (c->out.bytes > OUTPUT_MARK)
            c->held_by = NULL; /* it waits for its output */
        if (c->dying || c->out.bytes > OUTPUT_MARK)
            return;
    } while (more && counter_get(&c->client.read_bytes) - before < EVENT_BYTES);
    if (c->held_by != NULL || (c->transport.more && c->end == STAY) || connection_has_commands(c))
        worker_feed_later(c->client.worker, c);
}

/* ---- events ---- */

static void readable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    struct worker *w = c->client.worker;
    (void)fd;
    c->transport.ended |= (what & EV_CLOSED) != 0;
    c->transport.more |= c->transport.edges && c->hungry; /* not read now, and not told again */
    worker_time(w);
    /* Whoever has seen the reply of a command that sent mail (PUBLISH, CLIENT KILL, a change of a
     * tracked key) may rely on it: it is read before what came in since. Of a flood not all is. */
    if (w->mail == NULL && mailbox_waits(&w->mailbox) > 0)
        worker_read_mail(w);
    /* Commands that wait go first, and before they are done nothing is read. */
    if (!c->dying)
        connection_serve(c, !c->hungry);
    worker_reap(w);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
    struct connection *c = arg;
    struct worker *w = c->client.worker;
    (void)fd;
    (void)what;
    worker_time(w);
    w->out.proto = c->client.proto;
    atomic_store_explicit(&c->client.active_ms, w->now_ms, memory_order_relaxed);
    if (c->transport.wants_write)
        connection_serve(c, !c->hungry);
    else
        connection_settle(c);
    if (!c->dying && c->out.bytes <= OUTPUT_MARK &&
        (connection_has_commands(c) || c->transport.more))
        worker_feed_later(w, c);
    worker_reap(w);
}

bool connection_spill(struct connection *c)
{
    c->client.worker->spills++;
    return output_queue(&c->out, &c->client.worker->out) && !connection_over_output_limit(c) &&
           connection_charge(c);
}

static void want(struct connection *c, bool read, bool write)
{
    if (read != c->reading) {
        if (read ? event_add(&c->on_read, NULL) != 0 : event_del(&c->on_read) != 0)
            c->end = CLOSE_NOW;
        c->reading = read;
    }
    /* With edges it is taken out and put in again, which tells whether there is room now: for what
     * was left so that others have their turn no edge would come. */
    if (c->writing && (!write || c->transport.edges))
        (void)event_del(&c->on_write);
    if (write && !event_pending(&c->on_write, EV_WRITE, NULL) && event_add(&c->on_write, NULL) != 0)
        c->end = CLOSE_NOW;
    c->writing = write;
}

void connection_settle(struct connection *c)
{
    enum output_status status = c->end == CLOSE_NOW ? OUTPUT_BROKEN : output_flush(c);
    if (status == OUTPUT_DONE && c->out.head == NULL && c->end == STAY && !c->writing &&
        c->reading && c->charged == 0 && c->in.cap == 0 && c->held_by == NULL &&
        c->client.transaction == NULL && !c->transport.wants_write)
        return; /* the usual case */
    resp_out_clear(&c->client.worker->out, READ_BUFFER);
    if (status == OUTPUT_BROKEN || (c->end == CLOSE_AFTER_REPLY && c->out.head == NULL) ||
        connection_over_output_limit(c) || !connection_charge(c)) {
        connection_close(c);
        return;
    }
    bool open = c->end == STAY && c->out.bytes <= OUTPUT_MARK && c->held_by == NULL && !c->paused;
    want(c, open, (c->out.head != NULL && !c->transport.handshaking) || c->transport.wants_write);
    if (c->end == CLOSE_NOW)
        connection_close(c);
}

void connection_push(struct connection *c, const char *bytes, size_t len)
{
    if (c->dying || c->end != STAY)
        return;
    c->client.worker->pushes++;
    if (!output_append(&c->out, bytes, len))
        c->end = CLOSE_NOW;
    else if (c->writing && (connection_over_output_limit(c) || !connection_charge(c)))
        connection_close(c);
    else if (!c->writing && c->out.bytes > OUTPUT_MARK)
        connection_settle(c);
    if (!c->dying)
        worker_settle_later(c->client.worker, c);
}

/* ---- coming and going ---- */

/* Plain sockets tell what is new, and not again and again what is there: so the kernel's list of
 * those that are ready is in the order in which things came. Otherwise it begins with those that
 * were ready last time, and what came before their next command waits behind that: p99 of eight
 * connections was a quarter higher. */
static bool watch(struct connection *c, struct worker *w)
{
    const int features = EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE;
    short in = EV_READ | EV_PERSIST, out = EV_WRITE | EV_PERSIST;
    c->transport.edges = c->transport.type == &transport_socket &&
                         (event_base_get_features(w->base) & features) == features;
    if (c->transport.edges) {
        in |= EV_ET | EV_CLOSED;
        out |= EV_ET;
    }
    if (event_assign(&c->on_read, w->base, c->transport.fd, in, readable, c) != 0 ||
        event_assign(&c->on_write, w->base, c->transport.fd, out, writable, c) != 0 ||
        event_add(&c->on_read, NULL) != 0)
        return false;
    c->reading = true;
    return true;
}

static void init_client(struct client *c, struct worker *w, struct connection *conn, int fd)
{
    c->worker = w;
    c->connection = conn;
    c->proto = 2;
    atomic_store_explicit(&c->queued, -1, memory_order_relaxed);
    atomic_store_explicit(&c->proto_seen, 2, memory_order_relaxed);
    c->fd = fd;
    c->created_ms = w->now_ms;
    atomic_store_explicit(&c->active_ms, w->now_ms, memory_order_relaxed);
}

struct connection *connection_create(struct worker *w, int fd, enum transport_kind kind)
{
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL || !peer_admit(w->server, fd, kind)) {
        free(c);
        close(fd);
        worker_lost_one(w);
        return NULL;
    }
    init_client(&c->client, w, c, fd);
    peer_addresses(fd, kind, c->client.address, c->client.local);
    c->transport = (struct transport){.type = &transport_socket, .fd = fd};
    output_init(&c->out);
    if ((kind == TRANSPORT_TLS && !tls_accept(w->server, &c->transport)) || !watch(c, w)) {
        c->transport.type->close(&c->transport);
        close(fd);
        free(c);
        worker_lost_one(w);
        return NULL;
    }
    c->next = w->connections;
    if (c->next != NULL)
        c->next->prev = c;
    w->connections = c;
    counter_add(&w->stats.connections, 1);
    acl_client_begin(&c->client);
    registry_add(&w->server->registry, &c->client);
    return c;
}

void connection_close(struct connection *c)
{
    struct worker *w = c->client.worker;
    if (c->dying)
        return;
    c->dying = true;
    c->end = CLOSE_NOW;
    connection_end_pause(c);
    want(c, false, false);
    c->next_dying = w->dying;
    w->dying = c;
}

void connection_free(struct connection *c)
{
    struct worker *w = c->client.worker;
    (void)event_del(&c->on_read);
    (void)event_del(&c->on_write);
    for (struct connection **at = &w->hungry; *at != NULL; at = &(*at)->next_hungry) {
        if (*at == c) {
            *at = c->next_hungry;
            break;
        }
    }
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        w->connections = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    worker_lost_one(w);
    pubsub_leave(&c->client);
    tracking_off(&c->client);
    monitor_leave(&c->client);
    transaction_end(&c->client);
    registry_remove(&w->server->registry, &c->client);
    acl_client_end(&c->client);
    output_free(c);
    drop_input(c);
    resp_parser_free(&c->parser);
    connection_give_back(c, c->charged);
    c->transport.type->close(&c->transport);
    close(c->transport.fd);
    free(c);
}
