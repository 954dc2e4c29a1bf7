#include "ghost.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    WAYS = 16,
    AGE_BITS = 12,
    AGE_MASK = (1 << AGE_BITS) - 1,
    /* Steps of age in a life. A quarter of what AGE_BITS can tell apart: an entry that nobody
     * replaced looks young again only after four lives, and by then 16 places of its bucket have
     * seen 48 insertions on average. */
    LIFE = 1024,
};

struct ghost {
    size_t capacity;
    atomic_uint life;      /* steps of age until an entry counts as gone, at most LIFE */
    atomic_size_t buckets; /* read by those, too, who count memory while it is resized */
    _Atomic(_Atomic uint32_t *) table;
    atomic_uint_fast64_t inserted;
};

static void set_capacity(struct ghost *g, size_t capacity)
{
    g->capacity = capacity < LIFE ? LIFE : capacity;
    atomic_store(&g->life, LIFE);
    /* A third more places than entries, as buckets fill unevenly. */
    atomic_store_explicit(&g->buckets, (g->capacity + g->capacity / 3) / WAYS + 1,
                          memory_order_relaxed);
}

static size_t buckets_of(const struct ghost *g)
{
    return atomic_load_explicit(&g->buckets, memory_order_relaxed);
}

struct ghost *ghost_create(size_t capacity)
{
    struct ghost *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    set_capacity(g, capacity);
    return g;
}

void ghost_resize(struct ghost *ghost, size_t capacity)
{
    free((void *)atomic_exchange(&ghost->table, NULL));
    set_capacity(ghost, capacity);
}

size_t ghost_capacity(const struct ghost *ghost)
{
    return ghost->capacity;
}

void ghost_destroy(struct ghost *ghost)
{
    if (!ghost)
        return;
    free((void *)atomic_load(&ghost->table));
    free(ghost);
}

void ghost_set_life(struct ghost *ghost, size_t insertions)
{
    size_t steps = insertions / (ghost->capacity / LIFE);
    atomic_store_explicit(&ghost->life, steps < LIFE ? (unsigned)steps : LIFE,
                          memory_order_relaxed);
}

static _Atomic uint32_t *table_make(struct ghost *g)
{
    _Atomic uint32_t *t = atomic_load_explicit(&g->table, memory_order_acquire);
    if (t)
        return t;
    size_t places = buckets_of(g) * WAYS;
    _Atomic uint32_t *fresh = aligned_alloc(64, places * sizeof(*fresh));
    if (!fresh)
        return NULL;
    for (size_t i = 0; i < places; i++)
        atomic_init(&fresh[i], 0);
    if (atomic_compare_exchange_strong(&g->table, &t, fresh))
        return fresh;
    free((void *)fresh);
    return t;
}

static _Atomic uint32_t *bucket_of(const struct ghost *g, _Atomic uint32_t *table, uint64_t hash)
{
    /* Multiply-shift over the upper half; the fingerprint comes from the lower. */
    return table + (((hash >> 32) * buckets_of(g)) >> 32) * WAYS;
}

/* Never 0, so that an entry is never taken for an empty place. */
static uint32_t fingerprint(uint64_t hash)
{
    uint32_t fp = (uint32_t)hash >> AGE_BITS;
    return fp ? fp : 1;
}

static uint32_t age_now(struct ghost *g)
{
    uint64_t n = atomic_load_explicit(&g->inserted, memory_order_relaxed);
    return (uint32_t)(n / (g->capacity / LIFE)) & AGE_MASK;
}

static uint32_t age_of(uint32_t entry, uint32_t now)
{
    return (now - entry) & AGE_MASK;
}

void ghost_add(struct ghost *ghost, uint64_t hash)
{
    _Atomic uint32_t *table = table_make(ghost);
    if (!table)
        return;
    _Atomic uint32_t *b = bucket_of(ghost, table, hash);
    uint32_t now = age_now(ghost), fp = fingerprint(hash);
    unsigned place = 0;
    uint32_t oldest = 0;
    for (unsigned i = 0; i < WAYS; i++) {
        uint32_t e = atomic_load_explicit(&b[i], memory_order_relaxed);
        if (e == 0 || e >> AGE_BITS == fp) {
            place = i;
            break;
        }
        if (age_of(e, now) >= oldest) {
            oldest = age_of(e, now);
            place = i;
        }
    }
    atomic_store_explicit(&b[place], fp << AGE_BITS | now, memory_order_relaxed);
    atomic_fetch_add_explicit(&ghost->inserted, 1, memory_order_relaxed);
}

bool ghost_take(struct ghost *ghost, uint64_t hash)
{
    _Atomic uint32_t *table = atomic_load_explicit(&ghost->table, memory_order_acquire);
    if (!table)
        return false;
    _Atomic uint32_t *b = bucket_of(ghost, table, hash);
    uint32_t fp = fingerprint(hash);
    for (unsigned i = 0; i < WAYS; i++) {
        uint32_t e = atomic_load_explicit(&b[i], memory_order_relaxed);
        if (e >> AGE_BITS != fp)
            continue;
        bool alive =
            age_of(e, age_now(ghost)) <= atomic_load_explicit(&ghost->life, memory_order_relaxed);
        return atomic_compare_exchange_strong(&b[i], &e, 0) && alive;
    }
    return false;
}

void ghost_clear(struct ghost *ghost)
{
    _Atomic uint32_t *table = atomic_load_explicit(&ghost->table, memory_order_acquire);
    if (!table)
        return;
    for (size_t i = 0; i < buckets_of(ghost) * WAYS; i++)
        atomic_store_explicit(&table[i], 0, memory_order_relaxed);
}

size_t ghost_bytes(const struct ghost *ghost)
{
    if (!atomic_load_explicit(&ghost->table, memory_order_relaxed))
        return 0;
    return buckets_of(ghost) * WAYS * sizeof(uint32_t);
}
