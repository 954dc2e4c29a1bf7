/* Compaction: objects of the emptiest zspages move into the fullest, until whole zspages are empty.
 *
 * A zspage that somebody has mapped is passed over and the next is tried: one slow reader must not
 * keep a class from shrinking. */
#include "internal.h"

/* Zspages of one list that are looked at before the next list is tried. */
#define PASSES 16
/* What is moved in one go, while readers of the source and everybody who allocates in the class
 * wait. */
#define STEP_MOVES 64
#define STEP_BYTES (16u << 10)

/* What is left of a budget, and what was done. */
struct work {
    struct zs_budget budget;
    struct zs_compact_result done;
    ptrdiff_t pages_freed;         /* less those that destinations took */
    size_t step_moves, step_bytes; /* where the step ends */
};

static bool is_spent(const struct work *w)
{
    return (w->budget.max_moves != 0 && w->done.objects_moved >= w->budget.max_moves) ||
           (w->budget.max_bytes != 0 && w->done.bytes_moved >= w->budget.max_bytes);
}

static void begin_step(struct work *w)
{
    w->step_moves = w->done.objects_moved + STEP_MOVES;
    w->step_bytes = w->done.bytes_moved + STEP_BYTES;
}

static bool step_is_over(const struct work *w)
{
    return w->done.objects_moved >= w->step_moves || w->done.bytes_moved >= w->step_bytes ||
           is_spent(w);
}

size_t class_freeable(const struct zs_class *c)
{
    size_t used = atomic_load_explicit(&c->obj_used, memory_order_relaxed);
    size_t pages = atomic_load_explicit(&c->pages_used, memory_order_relaxed);
    size_t rest = used % c->objects * c->size;
    size_t needed = used / c->objects * c->pages + (rest + ZS_PAGE_SIZE - 1) / ZS_PAGE_SIZE;
    return c->objects > 1 && pages > needed ? pages - needed : 0;
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
static uint32_t destination_of_kind(struct zs_pool *pool, struct zs_class *c, uint32_t source,
                                    bool ready)
{
    for (unsigned group = ZS_FULL_GROUP; group-- > pool->zspage[source].group;) {
        uint32_t number = c->list[group];
        for (unsigned i = 0; number != 0 && i < PASSES; i++) {
            if (number != source && (ready ? zspage_is_ready(&pool->zspage[number], c)
                                           : zspage_prepare_locked(pool, c, number) == ZS_OK))
                return number;
            number = pool->zspage[number].next;
        }
    }
    return 0;
}

/* One that needs another page only when nothing else is left: at the page limit it cannot. */
static uint32_t destination_locked(struct zs_pool *pool, struct zs_class *c, uint32_t source)
{
    uint32_t number = destination_of_kind(pool, c, source, true);
    return number != 0 ? number : destination_of_kind(pool, c, source, false);
}

static void copy_object(struct zs_pool *pool, const struct zs_class *c, const struct zs_place *from,
                        const struct zs_place *to)
{
    uint8_t piece[512];
    if (from->off + c->size <= ZS_PAGE_SIZE && to->off + c->size <= ZS_PAGE_SIZE) {
        memcpy(page_address(pool, to->page) + to->off + ZS_HEADER,
               page_address(pool, from->page) + from->off + ZS_HEADER, c->size - ZS_HEADER);
        return;
    }
    for (size_t at = ZS_HEADER; at < c->size;) {
        size_t n = c->size - at < sizeof piece ? c->size - at : sizeof piece;
        object_read(pool, from, at, piece, n);
        object_write(pool, to, at, piece, n);
        at += n;
    }
}

/* Gives the object a place in another zspage, or another place in its own. The old one is still
 * marked as live then. */
static void move_object_locked(struct zs_pool *pool, struct zs_class *c,
                               const struct zs_place *from, uint32_t handle, uint32_t to_zspage,
                               struct work *w)
{
    struct zs_place to;
    zspage_take_object_locked(pool, c, to_zspage, handle, &to);
    copy_object(pool, c, from, &to);
    atomic_store_explicit(&pool->word[handle], place_word(pool, c, &to), memory_order_release);
    w->done.objects_moved++;
    w->done.bytes_moved += c->size;
}

/* The handle of the object there, 0 = it is free. A header that does not fit to the handle table
 * was overwritten by somebody: it is restored first. */
static uint32_t handle_at_locked(struct zs_pool *pool, const struct zs_class *c,
                                 const struct zs_place *at)
{
    for (;;) {
        uint32_t header = header_load(pool, c, at);
        uint32_t handle = header >> 2;
        if ((header & 1) == 0)
            return 0;
        if (handle <= atomic_load_explicit(&pool->handles_begun, memory_order_relaxed) &&
            atomic_load_explicit(&pool->word[handle], memory_order_relaxed) ==
                place_word(pool, c, at))
            return handle;
        zspage_mend_locked(pool, c, at->zspage);
    }
}

/* Moves what fits into others. The source keeps its list meanwhile. */
static void empty_source_locked(struct zs_pool *pool, struct zs_class *c, uint32_t source,
                                struct work *w)
{
    const struct zspage *z = &pool->zspage[source];
    for (uint32_t i = 0; z->inuse > 0 && i < z->fresh && !step_is_over(w); i++) {
        struct zs_place from;
        zspage_object(pool, c, source, i, &from);
        uint32_t handle = handle_at_locked(pool, c, &from);
        if (handle == 0)
            continue;
        uint32_t to = destination_locked(pool, c, source);
        if (to == 0)
            return;
        move_object_locked(pool, c, &from, handle, to, w);
        zspage_free_object_locked(pool, c, &from);
        zspage_relist_locked(pool, c, to);
    }
}

/* Moves the last objects of a zspage into its own holes, and gives the pages behind back. */
static void shorten_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number,
                           struct work *w)
{
    struct zspage *z = &pool->zspage[number];
    zspage_rebuild_locked(pool, c, number);
    for (uint32_t end = z->fresh; end > z->inuse && !step_is_over(w); end--) {
        struct zs_place from;
        zspage_object(pool, c, number, end - 1, &from);
        uint32_t handle = handle_at_locked(pool, c, &from);
        if (handle == 0)
            continue;
        move_object_locked(pool, c, &from, handle, number, w);
        header_store(pool, c, &from, ZS_NO_OBJECT << 2);
        z->inuse--;
    }
    zspage_rebuild_locked(pool, c, number);
    zspage_cut_locked(pool, c, number);
}

/* What is done to a zspage that nobody maps. True when it is empty then and in no list. */
static bool compact_source_locked(struct zs_pool *pool, struct zs_class *c, uint32_t source,
                                  struct work *w)
{
    if (atomic_load(&pool->zspage[source].deferred) != 0)
        return deferred_free_locked(pool, c, source);
    size_t before = w->done.objects_moved;
    empty_source_locked(pool, c, source, w);
    if (pool->zspage[source].inuse == 0) {
        zspage_retire_locked(pool, c, source);
        return true;
    }
    zspage_relist_locked(pool, c, source);
    if (w->done.objects_moved == before)
        shorten_locked(pool, c, source, w);
    return false;
}

/* One source. False when there is nothing more to do in this class. */
static bool compact_step(struct zs_pool *pool, struct zs_class *c, struct work *w)
{
    lock_acquire(&c->lock);
    uint32_t source = class_freeable(c) > 0 ? source_locked(pool, c, w) : 0;
    if (source == 0) {
        lock_release(&c->lock);
        return false;
    }
    begin_step(w);
    size_t moved = w->done.objects_moved;
    size_t pages = atomic_load_explicit(&c->pages_used, memory_order_relaxed);
    size_t used = atomic_load_explicit(&c->obj_used, memory_order_relaxed);
    bool empty = compact_source_locked(pool, c, source, w);
    size_t pages_now = atomic_load_explicit(&c->pages_used, memory_order_relaxed);
    bool progress = w->done.objects_moved != moved || pages_now != pages ||
                    atomic_load_explicit(&c->obj_used, memory_order_relaxed) != used;
    unpin_after_move(pool, source);
    lock_release(&c->lock);
    w->pages_freed += (ptrdiff_t)pages - (ptrdiff_t)pages_now;
    if (empty)
        zspage_destroy(pool, source);
    return progress;
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
        if (class_freeable(c) > 0)
            compact_class(pool, c, &w);
    }
    w.done.pages_freed = w.pages_freed > 0 ? (size_t)w.pages_freed : 0;
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
        pages += class_freeable(&pool->class[i]);
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
