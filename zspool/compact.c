/* Compaction: objects of the emptiest zspages move into the fullest, until whole zspages are empty.
 *
 * A zspage that somebody has mapped is passed over and the next is tried: one slow reader must not
 * keep a class from shrinking. */
#include "internal.h"

/* Mapped zspages that are passed over in one list before the next list is tried. */
#define PASSES 16

/* What is left of a budget, and what was done. */
struct work {
    struct zs_budget budget;
    struct zs_compact_result done;
};

static bool is_spent(const struct work *w)
{
    return (w->budget.max_moves != 0 && w->done.objects_moved >= w->budget.max_moves) ||
           (w->budget.max_bytes != 0 && w->done.bytes_moved >= w->budget.max_bytes);
}

/* zspages that fit into the holes of the others. */
static size_t freeable(const struct zs_class *c)
{
    size_t used = atomic_load_explicit(&c->obj_used, memory_order_relaxed);
    size_t allocated = atomic_load_explicit(&c->obj_allocated, memory_order_relaxed);
    return c->objects > 1 && allocated > used ? (allocated - used) / c->objects : 0;
}

/* The emptiest zspage nobody maps, marked as moving; 0 = none. */
static uint32_t source_locked(struct zs_pool *pool, const struct zs_class *c, struct work *w)
{
    for (unsigned group = 0; group < ZS_FULL_GROUP; group++) {
        uint32_t number = c->list[group];
        for (unsigned i = 0; number != 0 && i < PASSES; i++) {
            if (pin_for_move(pool, number))
                return number;
            w->done.pinned++;
            number = pool->zspage[number].next;
        }
    }
    return 0;
}

/* The fullest with room that is not the source and not emptier than it; 0 = none. */
static uint32_t destination_locked(const struct zs_pool *pool, const struct zs_class *c,
                                   uint32_t source)
{
    for (unsigned group = ZS_FULL_GROUP; group-- > pool->zspage[source].group;) {
        uint32_t number = c->list[group];
        if (number == source)
            number = pool->zspage[number].next;
        if (number != 0)
            return number;
    }
    return 0;
}

static void copy_object(struct zs_pool *pool, const struct zs_class *c, const struct zs_place *from,
                        const struct zs_place *to)
{
    uint8_t piece[512];
    for (size_t at = ZS_HEADER; at < c->size;) {
        size_t n = c->size - at < sizeof piece ? c->size - at : sizeof piece;
        object_read(pool, from, at, piece, n);
        object_write(pool, to, at, piece, n);
        at += n;
    }
}

static void move_object_locked(struct zs_pool *pool, struct zs_class *c,
                               const struct zs_place *from, uint32_t to_zspage, struct work *w)
{
    uint32_t handle = *zspage_header(pool, c, from) >> 2;
    struct zs_place to;
    zspage_take_object_locked(pool, c, to_zspage, handle, &to);
    copy_object(pool, c, from, &to);
    atomic_store_explicit(&pool->word[handle], place_word(pool, c, &to), memory_order_release);
    zspage_free_object_locked(pool, c, from);
    zspage_relist_locked(pool, c, to_zspage);
    w->done.objects_moved++;
    w->done.bytes_moved += c->size;
}

/* Moves what fits. The source keeps its list meanwhile. */
static void empty_source_locked(struct zs_pool *pool, struct zs_class *c, uint32_t source,
                                struct work *w)
{
    const struct zspage *z = &pool->zspage[source];
    for (uint32_t i = 0; z->inuse > 0 && i < z->fresh && !is_spent(w); i++) {
        struct zs_place from;
        zspage_object(pool, c, source, i, &from);
        if ((*zspage_header(pool, c, &from) & 1) == 0)
            continue;
        uint32_t to = destination_locked(pool, c, source);
        if (to == 0)
            return;
        move_object_locked(pool, c, &from, to, w);
    }
}

/* One source. False when there is nothing more to do in this class. */
static bool compact_step(struct zs_pool *pool, struct zs_class *c, struct work *w)
{
    lock_acquire(&c->lock);
    uint32_t source = freeable(c) > 0 ? source_locked(pool, c, w) : 0;
    if (source == 0) {
        lock_release(&c->lock);
        return false;
    }
    bool empty = false;
    size_t before = w->done.objects_moved;
    if (atomic_load(&pool->zspage[source].deferred) != 0) {
        empty = deferred_free_locked(pool, c, source);
        before--; /* that was progress, too */
    } else {
        empty_source_locked(pool, c, source, w);
        empty = pool->zspage[source].inuse == 0;
        if (empty) {
            zspage_unlink_locked(pool, c, source);
            count_locked(&c->obj_allocated, (size_t)0 - c->objects);
        } else {
            zspage_relist_locked(pool, c, source);
        }
    }
    unpin_after_move(pool, source);
    lock_release(&c->lock);
    if (empty) {
        zspage_destroy(pool, source);
        w->done.pages_freed += c->pages;
    }
    return empty || w->done.objects_moved != before;
}

static void compact_class(struct zs_pool *pool, struct zs_class *c, struct work *w)
{
    while (!is_spent(w) && compact_step(pool, c, w))
        ;
}

struct zs_compact_result zs_compact(struct zs_pool *pool, struct zs_budget budget)
{
    struct work w = {.budget = budget};
    if (!lock_try(&pool->compact_lock))
        return w.done;
    for (unsigned n = 0; n < pool->classes && !is_spent(&w); n++) {
        pool->compact_class = pool->compact_class > 0 ? pool->compact_class - 1 : pool->classes - 1;
        struct zs_class *c = &pool->class[pool->compact_class];
        if (freeable(c) > 0)
            compact_class(pool, c, &w);
    }
    if (is_spent(&w)) {
        w.done.more = true;
        pool->compact_class = (pool->compact_class + 1) % pool->classes;
    }
    lock_release(&pool->compact_lock);
    atomic_fetch_add(&pool->pages_compacted, w.done.pages_freed);
    atomic_fetch_add(&pool->objects_moved, w.done.objects_moved);
    atomic_fetch_add(&pool->bytes_moved, w.done.bytes_moved);
    atomic_fetch_add(&pool->pins_met, w.done.pinned);
    return w.done;
}

size_t zs_shrinker_count(struct zs_pool *pool)
{
    size_t pages = 0;
    for (unsigned i = 0; i < pool->classes; i++)
        pages += freeable(&pool->class[i]) * pool->class[i].pages;
    return pages;
}

/* Objects moved before the shrinker looks again at what it has. */
#define SCAN_MOVES 256

size_t zs_shrinker_scan(struct zs_pool *pool, size_t nr)
{
    size_t freed = 0;
    struct zs_compact_result r = {.more = true};
    while (freed < nr && r.more) {
        r = zs_compact(pool, (struct zs_budget){.max_moves = SCAN_MOVES});
        freed += r.pages_freed;
    }
    return freed;
}
