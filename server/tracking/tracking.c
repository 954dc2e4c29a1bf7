#include "tracking.h"

#include <stdlib.h>
#include <string.h>

#include "key_text.h"
#include "options/option.h"
#include "pubsub/pubsub.h"
#include "server.h"

/* Keys that one more key pushes out at most, when the table was made smaller. */
#define TRIM 8

const struct option options_tracking[] = {
    {.name = "tracking-table-max-keys",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, tracking_max),
     .max = INT64_MAX,
     .preset = "1000000",
     .summary = "keys that clients who track may have read; over that, keys chosen at random are "
                "invalidated; 0 = no limit"},
    {.name = NULL},
};

/* ---- clients ---- */

static unsigned flags_of(const struct client *c)
{
    return atomic_load_explicit(&c->tracking, memory_order_relaxed);
}

static void set_flags(struct client *c, unsigned flags)
{
    atomic_store_explicit(&c->tracking, flags, memory_order_relaxed);
}

static void count_client(struct client *c, int by)
{
    counter *n = &c->worker->stats.trackers;
    counter_set(n, counter_get(n) + (uint64_t)(int64_t)by);
    hooks_update(c->worker->server);
}

unsigned tracking_hooks(const struct server *s)
{
    return server_sum(s, offsetof(struct worker_stats, trackers)) > 0 ? HOOK_TRACKING : 0;
}

void tracking_on(struct client *c, unsigned modes, uint64_t redirect)
{
    bool was_on = flags_of(c) & TRACKING_ON;
    atomic_store_explicit(&c->redirect, redirect, memory_order_relaxed);
    set_flags(c, TRACKING_ON | modes);
    if (!was_on)
        count_client(c, 1);
}

void tracking_off(struct client *c)
{
    bool was_on = flags_of(c) & TRACKING_ON;
    fanout_remove_all(&c->worker->server->fanout, c, TOPIC_PREFIX);
    atomic_store_explicit(&c->redirect, 0, memory_order_relaxed);
    set_flags(c, 0);
    if (was_on)
        count_client(c, -1);
}

/* ---- reading ---- */

/* Over the limit, keys that others have read have to go. */
static void trim(struct server *s);

static void remember(struct request *rq, const struct cache_key *key)
{
    struct server *s = rq->server;
    if (!track_table_add(&s->tracked, key->db, key->ptr, key->len,
                         track_reader_of(rq->client->id, rq->worker->index)))
        tracking_lost(rq->worker);
    trim(s);
}

/* CLIENT CACHING is for the next command, or for all of the next transaction. */
static unsigned spend(const struct request *rq, unsigned flags)
{
    const struct command *c = rq->command;
    if (request_is(rq, 0, "client") || !(flags & TRACKING_CACHING))
        return flags;
    if (flags & TRACKING_SPENT)
        return flags & ~(unsigned)(TRACKING_CACHING | TRACKING_SPENT);
    return strcmp(c->name, "multi") == 0 ? flags : flags | TRACKING_SPENT;
}

void tracking_before(struct request *rq, bool inner)
{
    struct client *c = rq->client;
    unsigned flags = flags_of(c);
    if (!inner)
        set_flags(c, flags = spend(rq, flags));
    bool caching = flags & TRACKING_CACHING;
    /* A script reads what the commands in it read. */
    if (!(rq->command->flags & CMD_READONLY) || rq->command->group == GROUP_SCRIPTING ||
        flags & TRACKING_BCAST || (flags & TRACKING_OPTIN && !caching) ||
        (flags & TRACKING_OPTOUT && caching))
        return;
    if (!hooks_each_key(rq, remember))
        tracking_lost(rq->worker);
}

/* ---- changes ---- */

/* The key, with room for more behind it. */
static struct mail *invalidation(const struct client *from, const void *key, size_t len,
                                 size_t more)
{
    struct mail *m = mail_create(MAIL_INVALIDATE, KEY_TEXT_HEAD + len + more);
    if (m == NULL)
        return NULL;
    m->client = from == NULL ? 0 : from->id;
    m->name_len = KEY_TEXT_HEAD + len;
    (void)key_text_put(m->bytes, key, len);
    return m;
}

static void post(struct worker *to, struct mail *m, struct client *from)
{
    if (m == NULL || !worker_post(to, m, from))
        tracking_lost(to);
}

/* One mail with the key and those of its readers that this worker has. */
static void tell_worker(struct server *s, unsigned worker, const struct tracked *k,
                        struct client *from)
{
    size_t n = 0;
    for (unsigned i = 0; i < k->count; i++)
        n += track_reader_worker(k->readers[i]) == worker;
    struct mail *m = invalidation(from, k->key, k->len, n * sizeof(track_reader));
    if (m != NULL) {
        char *at = m->bytes + m->name_len;
        for (unsigned i = 0; i < k->count; i++) {
            if (track_reader_worker(k->readers[i]) != worker)
                continue;
            memcpy(at, &k->readers[i], sizeof(track_reader));
            at += sizeof(track_reader);
        }
    }
    post(s->workers[worker], m, from);
}

/* Ends the key. */
static void tell_readers(struct server *s, struct tracked *k, struct client *from)
{
    worker_set told = 0;
    for (unsigned i = 0; i < k->count; i++) {
        unsigned worker = track_reader_worker(k->readers[i]);
        if (told >> worker & 1)
            continue;
        told |= (worker_set)1 << worker;
        tell_worker(s, worker, k, from);
    }
    tracked_free(&s->tracked, k);
}

static void trim(struct server *s)
{
    size_t most = (size_t)setting_get(&s->settings.tracking_max);
    for (unsigned i = 0; i < TRIM && most > 0 && track_table_keys(&s->tracked) > most; i++) {
        struct tracked *k = track_table_take_any(&s->tracked);
        if (k != NULL)
            tell_readers(s, k, NULL);
    }
}

void tracking_changed(struct server *s, struct client *from, unsigned db, const void *key,
                      size_t len)
{
    struct tracked *k = track_table_take(&s->tracked, db, key, len);
    if (k != NULL)
        tell_readers(s, k, from);
    worker_set to = 0;
    if (fanout_topics(&s->fanout, TOPIC_PREFIX) > 0)
        (void)fanout_reach(&s->fanout, TOPIC_PREFIX, key, len, &to);
    if (to != 0 && from != NULL)
        broadcast_add(from, key, len, to);
    else if (to != 0)
        broadcast_one(s->workers, key, len, to);
}

void tracking_lost(struct worker *w)
{
    atomic_store(&w->tracking_lost, true);
    mailbox_wake(&w->mailbox);
}

void tracking_flushed(struct server *s)
{
    track_table_clear(&s->tracked);
    for (unsigned i = 0; i < s->worker_count; i++)
        tracking_lost(s->workers[i]);
}

/* ---- messages ---- */

static void put_keys(struct resp_out *out, const struct key_text *keys)
{
    const char *key;
    size_t len, n = 0;
    for (size_t at = 0; key_text_next(keys, &at, &key, &len);)
        n++;
    resp_array(out, n);
    for (size_t at = 0; key_text_next(keys, &at, &key, &len);)
        resp_bulk(out, key, len);
}

/* To the client that gets them. NULL stands for all keys. */
static void push(struct connection *c, bool redirected, const struct key_text *keys)
{
    struct resp_out *out = &c->client.worker->push;
    resp_out_clear(out, PIECE_BYTES);
    out->proto = c->client.proto;
    if (out->proto == 3) {
        resp_push(out, 2);
        resp_bulk(out, "invalidate", 10);
    } else if (redirected && c->client.subscriber) {
        resp_array(out, 3);
        resp_bulk(out, "message", 7);
        resp_bulk(out, "__redis__:invalidate", 20);
    } else {
        return; /* RESP2 has no messages for others */
    }
    if (keys == NULL)
        resp_null(out);
    else
        put_keys(out, keys);
    if (out->failed)
        connection_close(c);
    else
        connection_push(c, out->data, out->len);
}

static void tell_broken(struct connection *c, uint64_t redirect)
{
    struct resp_out *out = &c->client.worker->push;
    set_flags(&c->client, flags_of(&c->client) | TRACKING_BROKEN);
    if (c->client.proto != 3)
        return;
    resp_out_clear(out, PIECE_BYTES);
    out->proto = 3;
    resp_push(out, 2);
    resp_bulk(out, "tracking-redir-broken", 21);
    resp_integer(out, (int64_t)redirect);
    if (out->failed)
        connection_close(c);
    else
        connection_push(c, out->data, out->len);
}

/* The keys that are meant, NULL = all, for a client that gets them in place of another. */
static struct mail *redirection(const struct key_text *keys)
{
    const char *key;
    size_t len, bytes = 0;
    for (size_t at = 0; keys != NULL && key_text_next(keys, &at, &key, &len);)
        bytes += KEY_TEXT_HEAD + len;
    struct mail *m = mail_create(MAIL_REDIRECTED, bytes);
    if (m == NULL)
        return NULL;
    m->all = keys == NULL;
    m->name_len = bytes;
    char *to = m->bytes;
    for (size_t at = 0; keys != NULL && key_text_next(keys, &at, &key, &len);)
        to = key_text_put(to, key, len);
    return m;
}

/* To a client that tracks, or to whom it has them sent. */
static void tell(struct connection *c, const struct key_text *keys)
{
    struct server *s = c->client.worker->server;
    uint64_t redirect = atomic_load_explicit(&c->client.redirect, memory_order_relaxed);
    if (!(flags_of(&c->client) & TRACKING_ON))
        return;
    if (redirect == 0) {
        push(c, false, keys);
        return;
    }
    struct mail *m = redirection(keys);
    size_t bytes = m == NULL ? 0 : mail_bytes(m);
    if (m == NULL || !cache_may_charge(s->cache, bytes)) {
        free(m);
        connection_close(c); /* its cache goes with it */
        return;
    }
    m->charged = true;
    cache_charge(s->cache, (int64_t)bytes);
    if (!server_mail(s, redirect, m)) {
        cache_charge(s->cache, -(int64_t)bytes);
        tell_broken(c, redirect);
    }
}

static bool skips(const struct client *c, const struct mail *m)
{
    return flags_of(c) & TRACKING_NOLOOP && c->id == m->client;
}

static struct key_text text_of(const struct mail *m)
{
    return (struct key_text){.bytes = m->bytes, .len = m->name_len, .prefix = ""};
}

/* All keys of the mail that begin with the topic's name, in one message to each. */
static void tell_topic(struct worker *w, const struct mail *m, const struct topic *t)
{
    struct key_text keys = text_of(m);
    keys.prefix = t->name;
    keys.prefix_len = t->len;
    for (struct subscription *s = t->first[w->index]; s != NULL; s = s->next)
        if (!skips(s->client, m))
            tell(s->client->connection, &keys);
}

/* Whether a key of the mail before `end` begins with the topic's name: then it has been told. */
static bool is_told(const struct mail *m, const struct topic *t, size_t end)
{
    struct key_text before = text_of(m);
    const char *key;
    size_t len, at = 0;
    before.len = end;
    before.prefix = t->name;
    before.prefix_len = t->len;
    return key_text_next(&before, &at, &key, &len);
}

static void deliver_broadcast(struct worker *w, const struct mail *m)
{
    struct key_text keys = text_of(m);
    const char *key;
    size_t len;
    for (size_t begin = 0, at = 0; key_text_next(&keys, &at, &key, &len); begin = at) {
        struct topic *t = NULL;
        while ((t = fanout_next(&w->server->fanout, w->index, TOPIC_PREFIX, key, len, t)) != NULL)
            if (!is_told(m, t, begin))
                tell_topic(w, m, t);
    }
}

static void deliver_to_readers(struct worker *w, const struct mail *m)
{
    struct key_text key = text_of(m);
    for (size_t at = m->name_len; at < m->len; at += sizeof(track_reader)) {
        track_reader reader;
        memcpy(&reader, m->bytes + at, sizeof reader);
        struct connection *c = worker_find(w, track_reader_client(reader));
        if (c != NULL && !(flags_of(&c->client) & TRACKING_BCAST) && !skips(&c->client, m))
            tell(c, &key);
    }
}

void tracking_deliver(struct worker *w, const struct mail *m)
{
    struct connection *c;
    struct key_text keys = text_of(m);
    if (m->kind == MAIL_BROADCAST)
        deliver_broadcast(w, m);
    else if (m->kind == MAIL_INVALIDATE)
        deliver_to_readers(w, m);
    else if ((c = worker_find(w, m->client)) != NULL)
        push(c, true, m->all ? NULL : &keys);
}

void tracking_tell_all(struct worker *w)
{
    if (!atomic_exchange(&w->tracking_lost, false))
        return;
    for (struct connection *c = w->connections; c != NULL; c = c->next)
        if (!c->dying)
            tell(c, NULL);
}
