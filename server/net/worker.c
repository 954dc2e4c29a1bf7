#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/resident.h"
#include "pubsub/monitor.h"
#include "pubsub/pubsub.h"
#include "script/script_engine.h"
#include "server.h"
#include "tracking/tracking.h"

/* How long a stopping worker waits for peers that do not read. */
#define STOP_MS 4000

static const struct timeval cron_interval = {.tv_sec = 1};
static const struct timeval stop_interval = {.tv_usec = 50000};

void worker_time(struct worker *w)
{
    w->now_ms = clock_wall_ms();
}

void worker_reap(struct worker *w)
{
    while (w->dying != NULL) {
        struct connection *c = w->dying;
        w->dying = c->next_dying;
        connection_free(c);
    }
    if (w->stopping && w->connections == NULL)
        (void)event_base_loopbreak(w->base);
}

void worker_feed_later(struct worker *w, struct connection *c)
{
    static const struct timeval at_once = {0}, soon = {.tv_usec = 1000}, later = {.tv_usec = 10000};
    const struct timeval *when = c->paused ? &later : c->held_by != NULL ? &soon : &at_once;
    if (c->hungry || c->dying)
        return;
    if (w->hungry == NULL || when == &at_once)
        (void)event_add(w->on_hungry, when);
    c->hungry = true;
    c->next_hungry = w->hungry;
    w->hungry = c;
}

static void feed(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    (void)fd;
    (void)what;
    struct connection *all = w->hungry;
    w->hungry = NULL;
    worker_time(w);
    while (all != NULL) {
        struct connection *c = all;
        all = c->next_hungry;
        c->hungry = false;
        if (c->dying)
            continue;
        if (connection_is_paused(c) ||
            (c->held_by != NULL && mailbox_is_full(c->held_by) && !w->stopping)) {
            worker_feed_later(w, c);
            continue;
        }
        c->held_by = NULL;
        connection_end_pause(c);
        connection_serve(c, c->transport.more && !connection_has_commands(c));
    }
    worker_reap(w);
}

/* ---- mail ---- */

void worker_settle_later(struct worker *w, struct connection *c)
{
    if (c->pushed)
        return;
    c->pushed = true;
    c->next_pushed = w->pushed;
    w->pushed = c;
}

static void settle_pushed(struct worker *w)
{
    while (w->pushed != NULL) {
        struct connection *c = w->pushed;
        w->pushed = c->next_pushed;
        c->pushed = false;
        if (!c->dying)
            connection_settle(c);
    }
    w->pushes = 0;
}

bool worker_post(struct worker *to, struct mail *m, struct client *from)
{
    struct cache *cache = to->server->cache;
    if (mailbox_waits(&to->mailbox) + mail_bytes(m) > MAIL_FEW &&
        !cache_may_charge(cache, mail_bytes(m))) {
        free(m);
        return false;
    }
    m->charged = true;
    cache_charge(cache, (int64_t)mail_bytes(m));
    mailbox_post(&to->mailbox, m);
    if (from != NULL && from->connection != NULL && mailbox_is_full(&to->mailbox))
        from->connection->held_by = &to->mailbox;
    return true;
}

struct connection *worker_find(struct worker *w, uint64_t id)
{
    struct registry *r = &w->server->registry;
    lock_acquire(&r->lock);
    struct client *client = registry_find_locked(r, id);
    struct connection *c = client != NULL && client->worker == w && !client->connection->dying
                               ? client->connection
                               : NULL;
    lock_release(&r->lock);
    return c;
}

/* Answers what has come, and then only waits for the output to drain. */
static void stop(struct worker *w)
{
    w->stopping = true;
    w->stop_by_ms = w->now_ms + STOP_MS;
    (void)event_add(w->on_cron, &stop_interval);
    if (w->index == 0)
        listener_stop(&w->server->listener);
    for (struct connection *c = w->connections; c != NULL; c = c->next) {
        if (c->dying)
            continue;
        connection_serve(c, !c->hungry);
        if (c->dying || c->hungry)
            continue;
        c->end = CLOSE_AFTER_REPLY;
        connection_settle(c);
    }
}

static void take_mail(struct worker *w, struct mail *m)
{
    struct connection *c;
    switch (m->kind) {
    case MAIL_CONNECTION:
        if (w->stopping)
            close(m->fd);
        else
            (void)connection_create(w, m->fd, m->transport);
        break;
    case MAIL_KILL:
        if ((c = worker_find(w, m->client)) != NULL)
            connection_close(c);
        break;
    case MAIL_PUBLISH:
        pubsub_deliver(w, m);
        break;
    case MAIL_USERS:
        for (c = w->connections; c != NULL; c = c->next)
            if (c->client.subscriber && !c->dying && !acl_client_is_welcome(&c->client))
                connection_close(c);
        break;
    case MAIL_INVALIDATE:
    case MAIL_BROADCAST:
    case MAIL_REDIRECTED:
        tracking_deliver(w, m);
        break;
    case MAIL_MONITOR:
        monitor_deliver(w, m);
        break;
    case MAIL_STOP:
        stop(w);
        break;
    }
}

void worker_read_mail(struct worker *w)
{
    if (w->mail == NULL)
        w->mail = mailbox_take(&w->mailbox);
    while (w->mail != NULL && w->pushes < EVENT_PUSHES) {
        struct mail *m = w->mail;
        w->mail = m->next;
        take_mail(w, m);
        if (m->charged)
            cache_charge(w->server->cache, -(int64_t)mail_bytes(m));
        mailbox_done(&w->mailbox, m);
    }
    tracking_tell_all(w);
    settle_pushed(w);
    if (w->mail != NULL)
        mailbox_wake(&w->mailbox); /* others have their turn before the rest */
}

static void mail_came(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    (void)fd;
    (void)what;
    worker_time(w);
    worker_read_mail(w);
    worker_reap(w);
}

/* ---- time ---- */

static void stop_the_rest(struct worker *w)
{
    for (struct connection *c = w->connections; c != NULL; c = c->next) {
        if (c->dying || c->hungry || (c->end == STAY && c->out.bytes > 0))
            continue;
        if (c->end == STAY) {
            c->end = CLOSE_AFTER_REPLY;
            connection_settle(c);
        }
    }
    if (w->now_ms >= w->stop_by_ms)
        (void)event_base_loopbreak(w->base);
}

/* After a second without a command the buffers are emptied. */
static void rest(struct worker *w)
{
    uint64_t commands = counter_get(&w->stats.commands);
    if (commands == w->commands_seen && !w->rested) {
        resident_discard(w->in, READ_BUFFER);
        resident_discard(w->piece, PIECE_BYTES);
        resp_out_clear(&w->out, 0);
        resp_out_clear(&w->push, 0);
    }
    w->rested = commands == w->commands_seen;
    w->commands_seen = commands;
}

static void cron(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    (void)fd;
    (void)what;
    worker_time(w);
    rest(w);
    for (struct connection *c = w->connections; c != NULL; c = c->next)
        if (!c->dying)
            connection_cron(c);
    if (w->stopping)
        stop_the_rest(w);
    worker_reap(w);
}

/* ---- the cache ---- */

/* How often is looked whether it is a script that keeps the cache locked. */
#define LOOK_MS 20

bool worker_enter(struct worker *w)
{
    const _Atomic unsigned *busy = &w->server->busy;
    while (atomic_load_explicit(busy, memory_order_relaxed) == 0)
        if (cache_enter_within(w->cache, w->now_ms, LOOK_MS))
            return true;
    return false;
}

bool worker_give_way(struct worker *w)
{
    w->outside = !cache_give_way(w->cache, LOOK_MS) && !worker_enter(w);
    return !w->outside;
}

/* ---- life ---- */

static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return NULL;
    struct event_base *base = NULL;
    /* Each base is used by its own thread alone. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool create_events(struct worker *w)
{
    w->on_mail = event_new(w->base, w->mailbox.fd, EV_READ | EV_PERSIST, mail_came, w);
    w->on_cron = event_new(w->base, -1, EV_PERSIST, cron, w);
    w->on_hungry = event_new(w->base, -1, 0, feed, w);
    return w->on_mail != NULL && w->on_cron != NULL && w->on_hungry != NULL &&
           event_add(w->on_mail, NULL) == 0 && event_add(w->on_cron, &cron_interval) == 0;
}

struct worker *worker_create(struct server *s, unsigned index)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->server = s;
    w->index = index;
    w->mailbox.fd = -1;
    resp_out_init(&w->out, 2);
    resp_out_init(&w->push, 3);
    broadcast_init(&w->broadcast);
    w->in = malloc(READ_BUFFER);
    w->piece = malloc(PIECE_BYTES);
    w->base = create_base();
    w->cache = cache_thread_create(s->cache);
    if (w->in != NULL && w->piece != NULL && w->base != NULL && w->cache != NULL &&
        command_stats_init(&w->commands, s->commands) && mailbox_init(&w->mailbox) &&
        create_events(w))
        return w;
    worker_destroy(w);
    return NULL;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    worker_time(w);
    (void)event_base_dispatch(w->base);
    while (w->connections != NULL)
        connection_free(w->connections);
    w->dying = NULL;
    atomic_fetch_sub(&w->server->running, 1);
    return NULL;
}

bool worker_start(struct worker *w)
{
    char name[16];
    atomic_fetch_add(&w->server->running, 1);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        atomic_fetch_sub(&w->server->running, 1);
        return false;
    }
    snprintf(name, sizeof name, "worker-%u", w->index);
    (void)pthread_setname_np(w->thread, name);
    w->started = true;
    return true;
}

void worker_join(struct worker *w)
{
    if (w->started)
        (void)pthread_join(w->thread, NULL);
    w->started = false;
}

void worker_destroy(struct worker *w)
{
    if (w == NULL)
        return;
    if (w->on_mail != NULL)
        event_free(w->on_mail);
    if (w->on_cron != NULL)
        event_free(w->on_cron);
    if (w->on_hungry != NULL)
        event_free(w->on_hungry);
    mailbox_drop(w->mail);
    mailbox_close(&w->mailbox);
    if (w->base != NULL)
        event_base_free(w->base);
    for (unsigned i = 0; i < BATCH; i++)
        resp_parser_free(&w->parsers[i]);
    resp_out_free(&w->out);
    resp_out_free(&w->push);
    broadcast_free(&w->broadcast);
    script_engine_destroy(w->engine);
    command_stats_free(&w->commands);
    if (w->cache != NULL)
        cache_thread_destroy(w->cache);
    free(w->absent.hashes);
    free(w->piece);
    free(w->in);
    free(w);
}
