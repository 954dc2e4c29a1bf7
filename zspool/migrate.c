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

/* Tells the handles of all live objects that start in the page where it is now. */
static void update_words_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                                uint32_t page)
{
    const struct zspage *z = &pool->zspage[number];
    const struct zs_page *p = &pool->page[page];
    uint32_t first = atomic_load(&p->first);
    for (uint32_t off = first; off < ZS_PAGE_SIZE; off += c->size) {
        uint32_t object = c->huge ? 0 : (p->ordinal * ZS_PAGE_SIZE + off) / c->size;
        if (object >= z->fresh)
            return;
        struct zs_place at = {.zspage = number, .page = page, .off = off, .object = object};
        uint32_t header = *zspage_header(pool, c, &at);
        if ((header & 1) != 0)
            atomic_store_explicit(&pool->word[header >> 2], place_word(pool, c, &at),
                                  memory_order_release);
    }
}

enum migration { MIGRATED, MIGRATION_PINNED, MIGRATION_NO_ROOM, MIGRATION_GONE };

static enum migration migrate_page(struct zs_pool *pool, uint32_t page)
{
    uint32_t number = atomic_load(&pool->page[page].zspage);
    if (number == 0)
        return MIGRATION_GONE;
    struct zs_class *c = &pool->class[atomic_load(&pool->page[page].class_id)];
    uint32_t to;
    enum migration result = MIGRATED;
    lock_acquire(&c->lock);
    /* A zspage that is in no list yet, or no longer, is not ours to touch: it has no objects. */
    if (atomic_load(&pool->page[page].zspage) != number ||
        atomic_load(&pool->page[page].class_id) != c->id || pool->zspage[number].inuse == 0)
        result = MIGRATION_GONE;
    else if (!pin_for_move(pool, number))
        result = MIGRATION_PINNED;
    else if (!pages_take_elsewhere(pool, &to)) {
        unpin_after_move(pool, number);
        result = MIGRATION_NO_ROOM;
    }
    if (result == MIGRATED) {
        memcpy(page_address(pool, to), page_address(pool, page), ZS_PAGE_SIZE);
        replace_in_chain(pool, number, page, to);
        update_words_locked(pool, c, number, to);
        unpin_after_move(pool, number);
    }
    lock_release(&c->lock);
    if (result == MIGRATED)
        pages_give(pool, &page, 1);
    return result;
}

/* False when no page can be taken elsewhere. */
static bool drain(struct zs_pool *pool, uint32_t block, struct zs_budget budget,
                  struct zs_compact_result *done)
{
    for (uint32_t i = 0; i < ZS_BLOCK_PAGES; i++) {
        if (budget.max_bytes != 0 && done->bytes_moved >= budget.max_bytes) {
            done->more = true;
            return false;
        }
        switch (migrate_page(pool, block * ZS_BLOCK_PAGES + i)) {
        case MIGRATED:
            done->bytes_moved += ZS_PAGE_SIZE;
            done->pages_freed++;
            break;
        case MIGRATION_PINNED:
            done->pinned++;
            break;
        case MIGRATION_NO_ROOM:
            return false;
        case MIGRATION_GONE:
            break;
        }
    }
    return true;
}

struct zs_compact_result zs_migrate(struct zs_pool *pool, struct zs_budget budget)
{
    struct zs_compact_result done = {0};
    if (!lock_try(&pool->compact_lock))
        return done;
    bool go_on = true;
    size_t moved = 0;
    while (go_on) {
        uint32_t block = pages_drain_begin(pool);
        if (block == 0)
            break;
        size_t before = done.bytes_moved;
        go_on = drain(pool, block, budget, &done);
        done.blocks_freed += pages_drain_end(pool, block);
        if (done.bytes_moved == before)
            break;
    }
    lock_release(&pool->compact_lock);
    moved = done.pages_freed;
    done.pages_freed = 0; /* they only moved */
    atomic_fetch_add(&pool->pages_migrated, moved);
    atomic_fetch_add(&pool->bytes_moved, done.bytes_moved);
    atomic_fetch_add(&pool->pins_met, done.pinned);
    return done;
}
