#include "nursery_ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CHUNK = 255, WHEN_MASK = (1 << 28) - 1 };

struct chunk {
    struct chunk *next;
    uint32_t head, tail; /* entries[head..tail) are held */
    struct nursery_entry entries[CHUNK];
};

struct lane {
    _Alignas(64) pthread_mutex_t lock;
    struct chunk *first, *last; /* first == last and empty: the one kept */
    atomic_size_t count;
    /* `when` of the first entry, read without the lock to choose a lane. */
    atomic_uint oldest;
};

struct nursery_ring {
    unsigned lanes;
    atomic_size_t chunks;
    struct lane lane[];
};

struct nursery_ring *nursery_ring_create(unsigned lanes)
{
    if (lanes == 0)
        lanes = 1;
    size_t size = sizeof(struct nursery_ring) + lanes * sizeof(struct lane);
    struct nursery_ring *r = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!r)
        return NULL;
    r->lanes = lanes;
    atomic_init(&r->chunks, 0);
    for (unsigned i = 0; i < lanes; i++) {
        struct lane *l = &r->lane[i];
        pthread_mutex_init(&l->lock, NULL);
        l->first = l->last = NULL;
        atomic_init(&l->count, 0);
        atomic_init(&l->oldest, 0);
    }
    return r;
}

void nursery_ring_destroy(struct nursery_ring *ring)
{
    if (!ring)
        return;
    for (unsigned i = 0; i < ring->lanes; i++) {
        for (struct chunk *c = ring->lane[i].first, *next; c; c = next) {
            next = c->next;
            free(c);
        }
        pthread_mutex_destroy(&ring->lane[i].lock);
    }
    free(ring);
}

/* The chunk to add to, NULL when memory is short. */
static struct chunk *tail_locked(struct nursery_ring *r, struct lane *l)
{
    if (l->last && l->last->tail < CHUNK)
        return l->last;
    struct chunk *c = malloc(sizeof(*c));
    if (!c)
        return NULL;
    c->next = NULL;
    c->head = c->tail = 0;
    if (l->last)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
    atomic_fetch_add_explicit(&r->chunks, 1, memory_order_relaxed);
    return c;
}

bool nursery_ring_add(struct nursery_ring *ring, unsigned lane, const struct nursery_entry *e)
{
    struct lane *l = &ring->lane[lane % ring->lanes];
    pthread_mutex_lock(&l->lock);
    struct chunk *c = tail_locked(ring, l);
    if (c) {
        c->entries[c->tail++] = *e;
        if (atomic_fetch_add_explicit(&l->count, 1, memory_order_relaxed) == 0)
            atomic_store_explicit(&l->oldest, e->when, memory_order_relaxed);
    }
    pthread_mutex_unlock(&l->lock);
    return c != NULL;
}

static uint32_t age_of(uint32_t when, uint32_t now)
{
    uint32_t age = (now - when) & WHEN_MASK;
    /* A clock that went back makes an entry look almost a wrap old: take it as new. */
    return age > WHEN_MASK / 2 ? 0 : age;
}

/* Drops the first chunk when it is drained; the last one is emptied and kept. */
static void drained_locked(struct nursery_ring *r, struct lane *l)
{
    struct chunk *c = l->first;
    if (c->head < c->tail)
        return;
    if (!c->next) {
        c->head = c->tail = 0;
        return;
    }
    l->first = c->next;
    free(c);
    atomic_fetch_sub_explicit(&r->chunks, 1, memory_order_relaxed);
}

static unsigned take_locked(struct nursery_ring *r, struct lane *l, uint32_t now, uint32_t min_age,
                            struct nursery_entry *out, unsigned n)
{
    unsigned got = 0;
    size_t count = atomic_load_explicit(&l->count, memory_order_relaxed);
    while (got < n && got < count) {
        struct chunk *c = l->first;
        if (age_of(c->entries[c->head].when, now) < min_age)
            break;
        out[got++] = c->entries[c->head++];
        drained_locked(r, l);
    }
    atomic_store_explicit(&l->count, count - got, memory_order_relaxed);
    if (got < count)
        atomic_store_explicit(&l->oldest, l->first->entries[l->first->head].when,
                              memory_order_relaxed);
    return got;
}

static struct lane *oldest_lane(struct nursery_ring *r, uint32_t now)
{
    struct lane *best = NULL;
    uint32_t best_age = 0;
    for (unsigned i = 0; i < r->lanes; i++) {
        struct lane *l = &r->lane[i];
        if (atomic_load_explicit(&l->count, memory_order_relaxed) == 0)
            continue;
        uint32_t age = age_of(atomic_load_explicit(&l->oldest, memory_order_relaxed), now);
        if (!best || age > best_age) {
            best = l;
            best_age = age;
        }
    }
    return best;
}

unsigned nursery_ring_take(struct nursery_ring *ring, uint32_t now, uint32_t min_age,
                           struct nursery_entry *out, unsigned n)
{
    struct lane *l = oldest_lane(ring, now);
    if (!l)
        return 0;
    pthread_mutex_lock(&l->lock);
    unsigned got = take_locked(ring, l, now, min_age, out, n);
    pthread_mutex_unlock(&l->lock);
    return got;
}

size_t nursery_ring_count(const struct nursery_ring *ring)
{
    size_t n = 0;
    for (unsigned i = 0; i < ring->lanes; i++)
        n += atomic_load_explicit(&ring->lane[i].count, memory_order_relaxed);
    return n;
}

size_t nursery_ring_bytes(const struct nursery_ring *ring)
{
    return sizeof(*ring) + ring->lanes * sizeof(struct lane) +
           atomic_load_explicit(&ring->chunks, memory_order_relaxed) * sizeof(struct chunk);
}
