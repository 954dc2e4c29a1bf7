#include "broadcast.h"

#include "clients/client.h"
#include "key_text.h"
#include "net/worker.h"
#include "server.h"
#include "tracking.h"

/* The most of one message. */
#define KEYS_MOST  64
#define BYTES_MOST ((size_t)64 << 10)
#define BYTES_KEEP ((size_t)4 << 10)

void broadcast_init(struct broadcast *b)
{
    resp_out_init(&b->keys, 2);
}

void broadcast_free(struct broadcast *b)
{
    resp_out_free(&b->keys);
}

static void lose_all(struct worker **workers, worker_set to)
{
    for (unsigned i = 0; to != 0; i++, to >>= 1)
        if (to & 1)
            tracking_lost(workers[i]);
}

static void post_all(struct worker **workers, worker_set to, const char *keys, size_t len,
                     struct client *from)
{
    for (unsigned i = 0; to != 0; i++, to >>= 1) {
        if (!(to & 1))
            continue;
        struct mail *m = mail_create(MAIL_BROADCAST, len);
        if (m != NULL) {
            m->client = from == NULL ? 0 : from->id;
            m->name_len = len;
            memcpy(m->bytes, keys, len);
        }
        if (m == NULL || !worker_post(workers[i], m, from))
            tracking_lost(workers[i]);
    }
}

void broadcast_send(struct client *from)
{
    struct worker *w = from->worker;
    struct broadcast *b = &w->broadcast;
    if (b->keys.failed)
        lose_all(w->server->workers, b->to);
    else
        post_all(w->server->workers, b->to, b->keys.data, b->keys.len, from);
    resp_out_clear(&b->keys, BYTES_KEEP);
    b->count = 0;
    b->to = 0;
}

void broadcast_add(struct client *from, const void *key, size_t len, worker_set to)
{
    struct broadcast *b = &from->worker->broadcast;
    if (b->count == KEYS_MOST || b->keys.len > BYTES_MOST)
        broadcast_send(from);
    char *at = resp_out_reserve(&b->keys, KEY_TEXT_HEAD + len);
    if (at != NULL) {
        (void)key_text_put(at, key, len);
        b->keys.len += KEY_TEXT_HEAD + len;
    }
    b->count++;
    b->to |= to;
}

void broadcast_one(struct worker **workers, const void *key, size_t len, worker_set to)
{
    struct resp_out one;
    resp_out_init(&one, 2);
    char *at = resp_out_reserve(&one, KEY_TEXT_HEAD + len);
    if (at != NULL) {
        (void)key_text_put(at, key, len);
        post_all(workers, to, at, KEY_TEXT_HEAD + len, NULL);
    } else {
        lose_all(workers, to);
    }
    resp_out_free(&one);
}
