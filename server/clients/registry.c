#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "net/worker.h"
#include "rank.h"

void registry_init(struct registry *r)
{
    lock_init(&r->lock, RANK_REGISTRY);
    r->next_id = 1;
}

static struct client **chain_of(struct registry *r, uint64_t id)
{
    return &r->chains[id % REGISTRY_CHAINS];
}

void registry_add(struct registry *r, struct client *c)
{
    lock_acquire(&r->lock);
    c->id = r->next_id++;
    c->prev = r->last;
    c->next = NULL;
    if (r->last != NULL)
        r->last->next = c;
    else
        r->first = c;
    r->last = c;
    c->chained = *chain_of(r, c->id);
    *chain_of(r, c->id) = c;
    atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);
    lock_release(&r->lock);
}

void registry_remove(struct registry *r, struct client *c)
{
    lock_acquire(&r->lock);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        r->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        r->last = c->prev;
    struct client **at = chain_of(r, c->id);
    while (*at != c)
        at = &(*at)->chained;
    *at = c->chained;
    if (!c->killed)
        atomic_fetch_sub_explicit(&r->count, 1, memory_order_relaxed);
    lock_release(&r->lock);
    free(c->name);
    free(c->lib_name);
    free(c->lib_version);
}

struct client *registry_find_locked(struct registry *r, uint64_t id)
{
    struct client *c = *chain_of(r, id);
    while (c != NULL && c->id != id)
        c = c->chained;
    return c;
}

bool registry_kill_locked(struct registry *r, struct client *c)
{
    struct mail *m = c->killed ? NULL : mail_create(MAIL_KILL, 0);
    if (m == NULL)
        return false;
    m->client = c->id;
    c->killed = true;
    atomic_fetch_sub_explicit(&r->count, 1, memory_order_relaxed);
    mailbox_post(&c->worker->mailbox, m);
    return true;
}

size_t registry_count(const struct registry *r)
{
    return atomic_load_explicit(&r->count, memory_order_relaxed);
}

bool registry_name(struct registry *r, char **field, const char *text, size_t len)
{
    char *copy = NULL;
    if (len > 0) {
        copy = malloc(len + 1);
        if (copy == NULL)
            return false;
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    lock_acquire(&r->lock);
    char *old = *field;
    *field = copy;
    lock_release(&r->lock);
    free(old);
    return true;
}
