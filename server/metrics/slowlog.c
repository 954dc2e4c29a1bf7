#include "slowlog.h"

#include <stdlib.h>
#include <string.h>

#include "acl/secret.h"
#include "clients/client.h"
#include "rank.h"

/* Room for "... (4294967296 more arguments)". */
#define NOTE_MAX 48

void slowlog_init(struct slowlog *l)
{
    lock_init(&l->lock, RANK_SLOWLOG);
}

/* ---- making an entry ---- */

/* Lays texts one behind the other; with bytes == NULL it only adds up what they take. */
struct layout {
    char *bytes;
    size_t at;
};

static struct slow_text put(struct layout *l, const char *bytes, size_t len)
{
    struct slow_text t = {.len = len};
    if (l->bytes != NULL) {
        memcpy(l->bytes + l->at, bytes, len);
        t.bytes = l->bytes + l->at;
    }
    l->at += len;
    return t;
}

static struct slow_text put_argument(struct layout *l, const struct request *rq, size_t i)
{
    const struct resp_arg *a = &rq->argv[i];
    char text[SLOWLOG_BYTES + NOTE_MAX];
    if (argument_is_secret(rq, i))
        return put(l, "(redacted)", 10);
    if (a->ptr != NULL && a->len <= SLOWLOG_BYTES)
        return put(l, a->ptr, a->len);
    /* An argument in chunks may have gone to the cache by now. */
    size_t shown = a->ptr == NULL ? 0 : SLOWLOG_BYTES;
    if (shown > 0)
        memcpy(text, a->ptr, shown);
    int n = snprintf(text + shown, NOTE_MAX, "... (%zu more bytes)", a->len - shown);
    return put(l, text, shown + (size_t)n);
}

static struct slow_text put_rest(struct layout *l, const struct request *rq)
{
    char text[NOTE_MAX];
    int n = snprintf(text, sizeof text, "... (%zu more arguments)", rq->argc - (SLOWLOG_ARGS - 1));
    return put(l, text, (size_t)n);
}

static void fill(struct slow_entry *e, struct layout *l, const struct request *rq, size_t argc)
{
    const struct client *c = rq->client;
    /* Only this thread changes the name. */
    const char *name = c->name == NULL ? "" : c->name;
    struct slow_text unused, *args = e == NULL ? NULL : e->args;
    for (size_t i = 0; i < argc; i++) {
        bool last = i + 1 == argc && argc < rq->argc;
        *(args == NULL ? &unused : &args[i]) = last ? put_rest(l, rq) : put_argument(l, rq, i);
    }
    *(e == NULL ? &unused : &e->address) = put(l, c->address, strlen(c->address));
    *(e == NULL ? &unused : &e->name) = put(l, name, strlen(name));
}

static struct slow_entry *make_entry(const struct request *rq, int64_t us)
{
    size_t argc = rq->argc < SLOWLOG_ARGS ? rq->argc : SLOWLOG_ARGS;
    struct layout l = {0};
    fill(NULL, &l, rq, argc);
    size_t head = sizeof(struct slow_entry) + argc * sizeof(struct slow_text);
    size_t size = head + l.at;
    if (!cache_may_charge(request_cache(rq), size))
        return NULL;
    struct slow_entry *e = malloc(size);
    if (e == NULL)
        return NULL;
    *e = (struct slow_entry){.size = size, .at_s = rq->now_ms / 1000, .us = us, .argc = argc};
    l = (struct layout){.bytes = (char *)e + head};
    fill(e, &l, rq, argc);
    return e;
}

/* ---- the list ---- */

/* Takes out all behind the first `most`. */
static struct slow_entry *cut_locked(struct slowlog *l, size_t most)
{
    struct slow_entry **link = &l->first;
    if (l->len <= most)
        return NULL;
    for (size_t i = 0; i < most; i++)
        link = &(*link)->next;
    struct slow_entry *rest = *link;
    *link = NULL;
    l->len = most;
    return rest;
}

static void free_all(struct slow_entry *e, struct cache *cache)
{
    while (e != NULL) {
        struct slow_entry *next = e->next;
        cache_charge(cache, -(int64_t)e->size);
        free(e);
        e = next;
    }
}

void slowlog_add(struct slowlog *l, const struct request *rq, int64_t us, size_t most)
{
    struct slow_entry *e = most > 0 ? make_entry(rq, us) : NULL;
    struct cache *cache = request_cache(rq);
    if (e != NULL)
        cache_charge(cache, (int64_t)e->size);
    lock_acquire(&l->lock);
    if (e != NULL) {
        e->id = l->next_id++;
        e->next = l->first;
        l->first = e;
        l->len++;
    }
    struct slow_entry *rest = cut_locked(l, most);
    lock_release(&l->lock);
    free_all(rest, cache);
}

size_t slowlog_len(struct slowlog *l)
{
    lock_acquire(&l->lock);
    size_t len = l->len;
    lock_release(&l->lock);
    return len;
}

void slowlog_reset(struct slowlog *l, struct cache *cache)
{
    lock_acquire(&l->lock);
    struct slow_entry *all = cut_locked(l, 0);
    lock_release(&l->lock);
    free_all(all, cache);
}

void slowlog_each(struct slowlog *l, size_t most, void (*begin)(void *arg, size_t n),
                  void (*fn)(void *arg, const struct slow_entry *e), void *arg)
{
    lock_acquire(&l->lock);
    begin(arg, l->len < most ? l->len : most);
    size_t n = 0;
    for (const struct slow_entry *e = l->first; e != NULL && n < most; e = e->next, n++)
        fn(arg, e);
    lock_release(&l->lock);
}
