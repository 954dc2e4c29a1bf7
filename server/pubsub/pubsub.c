#include "pubsub.h"

#include <string.h>

#include "server.h"

/* ---- publishing ---- */

static struct mail *write_mail(enum topic_kind kind, const char *name, size_t len,
                               const struct resp_arg *message)
{
    struct mail *m = mail_create(MAIL_PUBLISH, len + message->len);
    if (m == NULL)
        return NULL;
    m->topic = kind;
    m->name_len = len;
    memcpy(m->bytes, name, len);
    resp_arg_copy(message, 0, message->len, m->bytes + len);
    return m;
}

bool pubsub_publish(struct server *s, struct client *from, enum topic_kind kind, const char *name,
                    size_t len, const struct resp_arg *message, size_t *reached)
{
    worker_set to;
    *reached = fanout_reach(&s->fanout, kind, name, len, &to);
    for (unsigned i = 0; to != 0; i++, to >>= 1) {
        if (!(to & 1))
            continue;
        struct mail *m = write_mail(kind, name, len, message);
        if (m == NULL || !worker_post(s->workers[i], m, from))
            return false;
    }
    return true;
}

/* ---- delivery ---- */

/* As RESP3 has it; for RESP2 the first letter is another. */
static void encode(struct resp_out *out, const struct topic *t, const struct mail *m)
{
    resp_out_clear(out, PIECE_BYTES);
    out->proto = 3;
    resp_push(out, t->kind == TOPIC_PATTERN ? 4 : 3);
    if (t->kind == TOPIC_PATTERN) {
        resp_bulk(out, "pmessage", 8);
        resp_bulk(out, t->name, t->len);
    } else if (t->kind == TOPIC_SHARD) {
        resp_bulk(out, "smessage", 8);
    } else {
        resp_bulk(out, "message", 7);
    }
    resp_bulk(out, m->bytes, m->name_len);
    resp_bulk(out, m->bytes + m->name_len, m->len - m->name_len);
}

void pubsub_deliver(struct worker *w, const struct mail *m)
{
    struct resp_out *out = &w->push;
    struct topic *t = NULL;
    while ((t = fanout_next(&w->server->fanout, w->index, m->topic, m->bytes, m->name_len, t)) !=
           NULL) {
        encode(out, t, m);
        for (struct subscription *s = t->first[w->index]; s != NULL; s = s->next) {
            if (out->failed) {
                connection_close(s->client->connection);
                continue;
            }
            out->data[0] = s->client->proto == 3 ? '>' : '*';
            connection_push(s->client->connection, out->data, out->len);
        }
    }
}

/* ---- clients ---- */

unsigned pubsub_subscribed(const struct client *c, enum topic_kind kind)
{
    unsigned n = atomic_load_explicit(&c->subscribed[kind], memory_order_relaxed);
    if (kind == TOPIC_CHANNEL)
        n += atomic_load_explicit(&c->subscribed[TOPIC_PATTERN], memory_order_relaxed);
    return n;
}

bool pubsub_is_subscriber(const struct client *c)
{
    return pubsub_subscribed(c, TOPIC_CHANNEL) + pubsub_subscribed(c, TOPIC_SHARD) > 0;
}

void pubsub_update(struct client *c)
{
    bool is = pubsub_is_subscriber(c);
    if (is == c->subscriber)
        return;
    c->subscriber = is;
    counter *n = &c->worker->stats.subscribers;
    counter_set(n, counter_get(n) + (is ? 1 : -(uint64_t)1));
}

void pubsub_leave(struct client *c)
{
    struct fanout *f = &c->worker->server->fanout;
    fanout_remove_all(f, c, TOPIC_CHANNEL);
    fanout_remove_all(f, c, TOPIC_PATTERN);
    fanout_remove_all(f, c, TOPIC_SHARD);
    pubsub_update(c);
}
