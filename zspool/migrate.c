/* Page migration: the pages of sparse blocks move into others, until whole blocks are empty and go
 * back to the system. */
#include "internal.h"

/* The page before it in the chain; 0 = it is the first. */
static uint32_t page_before(const struct zs_pool *pool, uint32_t number, uint32_t page)
{
    uint32_t before = 0;
    for (uint32_t p = pool->zspage[number].first_page; p != page; p = page_after(pool, p))
        before = p;
    return before;
}

static bool chain_is_adjacent(const struct zs_pool *pool, uint32_t number)
{
    for (uint32_t p = pool->zspage[number].first_page; page_after(pool, p) != 0; p++)
        if (page_after(pool, p) != p + 1)
            return false;
    return true;
}

/* `to` takes the place of `from` in the chain. */
static void replace_in_chain(struct zs_pool *pool, uint32_t number, uint32_t from, uint32_t to)
{
    struct zs_page *old = &pool->page[from];
    struct zs_page *new = &pool->page[to];
    uint32_t before = page_before(pool, number, from);
    new->next = old->next;
    new->ordinal = old->ordinal;
    atomic_store(&new->first, atomic_load(&old->first));
    atomic_store(&new->class_id, atomic_load(&old->class_id));
    atomic_store(&new->zspage, number);
    if (before == 0)
        pool->zspage[number].first_page = to;
    else
        pool->page[before].next = to;
    atomic_store(&old->zspage, 0);
    pool->zspage[number].adjacent = chain_is_adjacent(pool, number);
}

/* Tells the handles of all live objects that start in the page where it is now. Returns how many.
 */
static size_t update_words_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                                  uint32_t page)
{
    const struct zspage *z = &pool->zspage[number];
    struct zs_place at = {.zspage = number, .page = page};
    size_t moved = 0;
    for (at.off = atomic_load(&pool->page[page].first); at.off < ZS_PAGE_SIZE; at.off += c->size) {
        if (object_of_place(pool, c, &at) >= z->fresh)
            break;
        uint32_t header = header_load(pool, c, &at);
        if ((header & 1) == 0)
            continue;
        atomic_store_explicit(&pool->word[header >> 2], place_word(pool, c, &at),
                              memory_order_release);
        moved++;
    }
    return moved;
}

enum migration { MIGRATED, MIGRATION_PINNED, MIGRATION_NO_ROOM, MIGRATION_GONE };

/* The zspage is marked as moving. */
static enum migration move_page_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number,
                                       uint32_t from, struct zs_compact_result *done)
{
    struct zspage *z = &pool->zspage[number];
    uint32_t bit = (uint32_t)1 << pool->page[from].ordinal;
    bool committed = (z->resident & bit) != 0;
    bool resident;
    uint32_t to;
    if (!pages_take_elsewhere(pool, committed, &to, &resident))
        return MIGRATION_NO_ROOM;
    replace_in_chain(pool, number, from, to);
    if (committed) {
        memcpy(page_address(pool, to), page_address(pool, from), ZS_PAGE_SIZE);
        done->objects_moved += update_words_locked(pool, c, number, to);
        done->bytes_moved += ZS_PAGE_SIZE;
    } else if (resident) {
        pages_discard(pool, to);
    }
    return MIGRATED;
}

static enum migration migrate_page(struct zs_pool *pool, uint32_t page,
                                   struct zs_compact_result *done)
{
    uint32_t number = atomic_load(&pool->page[page].zspage);
    if (number == 0)
        return MIGRATION_GONE;
    struct zs_class *c = &pool->class[atomic_load(&pool->page[page].class_id)];
    enum migration result = MIGRATION_PINNED;
    lock_acquire(&c->lock);
    /* A zspage that is in no list yet, or no longer, is not ours to touch: it has no objects. */
    if (atomic_load(&pool->page[page].zspage) != number ||
        atomic_load(&pool->page[page].class_id) != c->id || pool->zspage[number].inuse == 0) {
        result = MIGRATION_GONE;
    } else if (pin_for_move(pool, number)) {
        result = move_page_locked(pool, c, number, page, done);
        unpin_after_move(pool, number);
    }
    lock_release(&c->lock);
    if (result == MIGRATED)
        pages_give(pool, &page, 1);
    return result;
}

static bool is_spent(struct zs_budget budget, const struct zs_compact_result *done)
{
    return (budget.max_bytes != 0 && done->bytes_moved >= budget.max_bytes) ||
           (budget.max_moves != 0 && done->objects_moved >= budget.max_moves);
}

/* False when no page can be taken elsewhere, or the budget is spent. */
static bool drain(struct zs_pool *pool, uint32_t block, struct zs_budget budget,
                  struct zs_compact_result *done, size_t *moved)
{
    for (uint32_t i = 0; i < ZS_BLOCK_PAGES; i++) {
        if (is_spent(budget, done)) {
            done->more = true;
            return false;
        }
        enum migration result = migrate_page(pool, block * ZS_BLOCK_PAGES + i, done);
        if (result == MIGRATION_NO_ROOM)
            return false;
        *moved += result == MIGRATED;
        done->pinned += result == MIGRATION_PINNED;
    }
    return true;
}

struct zs_compact_result zs_migrate(struct zs_pool *pool, struct zs_budget budget)
{
    struct zs_compact_result done = {0};
    if (!lock_try(&pool->compact_lock))
        return done;
    bool go_on = true;
    size_t moved = 0; /* pages */
    while (go_on) {
        uint32_t block = pages_drain_begin(pool);
        if (block == 0)
            break;
        size_t before = moved;
        go_on = drain(pool, block, budget, &done, &moved);
        done.blocks_freed += pages_drain_end(pool, block);
        if (moved == before)
            break;
    }
    lock_release(&pool->compact_lock);
    atomic_fetch_add(&pool->pages_migrated, moved);
    atomic_fetch_add(&pool->bytes_moved, done.bytes_moved);
    atomic_fetch_add(&pool->pins_met, done.pinned);
    return done;
}
