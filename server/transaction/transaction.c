#include "transaction.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"

/* What others see of it. */
static void show(struct client *c, int queued, size_t bytes)
{
    atomic_store_explicit(&c->queued, queued, memory_order_relaxed);
    atomic_store_explicit(&c->transaction_bytes, bytes, memory_order_relaxed);
}

struct transaction *transaction_of(struct client *c)
{
    if (c->transaction != NULL)
        return c->transaction;
    struct transaction *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->last = &t->first;
    c->transaction = t;
    show(c, -1, sizeof *t);
    return t;
}

/* Gives back the chunks of a long argument one by one, so that it is in memory once. */
static void copy_argument(const struct resp_arg *from, char *to)
{
    if (from->ptr != NULL || from->len == 0) {
        resp_arg_copy(from, 0, from->len, to);
        return;
    }
    struct resp_arg_reader reader;
    resp_arg_reader_init(&reader, from);
    size_t len, at = 0;
    for (const void *piece; (piece = resp_arg_next(&reader, &len)) != NULL && len > 0; at += len)
        memcpy(to + at, piece, len);
}

static struct queued *queued_create(const struct request *rq, size_t size)
{
    struct queued *q = malloc(size);
    if (q == NULL)
        return NULL;
    *q = (struct queued){.command = rq->command, .argc = rq->argc};
    char *bytes = (char *)&q->argv[rq->argc];
    for (size_t i = 0; i < rq->argc; i++) {
        q->argv[i] = (struct resp_arg){.ptr = bytes, .len = rq->argv[i].len};
        copy_argument(&rq->argv[i], bytes);
        bytes += rq->argv[i].len;
    }
    return q;
}

bool transaction_queue(struct request *rq)
{
    struct client *c = rq->client;
    struct transaction *t = c->transaction;
    size_t held = atomic_load_explicit(&c->transaction_bytes, memory_order_relaxed);
    size_t size = sizeof(struct queued) + rq->argc * sizeof(struct resp_arg);
    for (size_t i = 0; i < rq->argc; i++)
        size += rq->argv[i].len; /* all of them are in memory */
    struct queued *q = cache_may_charge(rq->server->cache, size) ? queued_create(rq, size) : NULL;
    if (q == NULL)
        return false;
    *t->last = q;
    t->last = &q->next;
    show(c, atomic_load_explicit(&c->queued, memory_order_relaxed) + 1, held + size);
    return true;
}

struct transaction *transaction_take(struct client *c)
{
    struct transaction *t = c->transaction;
    c->transaction = NULL;
    if (t != NULL)
        watch_end(&c->worker->server->watch, &t->watched);
    atomic_store(&c->outdated, false);
    atomic_store_explicit(&c->watching, 0, memory_order_relaxed);
    show(c, -1, 0);
    return t;
}

void transaction_free(struct transaction *t)
{
    if (t == NULL)
        return;
    while (t->first != NULL) {
        struct queued *q = t->first;
        t->first = q->next;
        free(q);
    }
    free(t);
}

void transaction_end(struct client *c)
{
    if (c->transaction != NULL)
        transaction_free(transaction_take(c));
}
