/* Handles and descriptors of zspages: numbers from tables that only grow.
 *
 * Each class keeps a stash of free handles, so that an allocation takes one lock and not two. */
#include "internal.h"

static uint32_t free_word(uint32_t next)
{
    return next << 1 | 1;
}

static uint32_t next_free(const struct zs_pool *pool, uint32_t handle)
{
    return atomic_load_explicit(&pool->word[handle], memory_order_relaxed) >> 1;
}

static void set_word(struct zs_pool *pool, uint32_t handle, uint32_t word)
{
    atomic_store_explicit(&pool->word[handle], word, memory_order_relaxed);
}

static void stash(struct zs_pool *pool, struct zs_class *c, uint32_t handle)
{
    set_word(pool, handle, free_word(c->stash));
    c->stash = handle;
    c->stash_count++;
}

/* From the list of all, then from those never used. */
static void refill_locked(struct zs_pool *pool, struct zs_class *c)
{
    lock_acquire(&pool->handle_lock);
    while (c->stash_count < ZS_STASH_REFILL && pool->handle_free != 0) {
        uint32_t handle = pool->handle_free;
        pool->handle_free = next_free(pool, handle);
        stash(pool, c, handle);
    }
    uint32_t begun = atomic_load_explicit(&pool->handles_begun, memory_order_relaxed);
    if (c->stash_count == 0 && !growth_fails(pool)) {
        while (c->stash_count < ZS_STASH_REFILL && begun < ZS_HANDLE_MAX)
            stash(pool, c, ++begun);
        atomic_store_explicit(&pool->handles_begun, begun, memory_order_relaxed);
    }
    lock_release(&pool->handle_lock);
}

uint32_t handle_take_locked(struct zs_pool *pool, struct zs_class *c)
{
    if (c->stash_count == 0)
        refill_locked(pool, c);
    uint32_t handle = c->stash;
    if (c->stash_count == 0)
        return 0;
    c->stash = next_free(pool, handle);
    c->stash_count--;
    return handle;
}

static void spill_locked(struct zs_pool *pool, struct zs_class *c)
{
    lock_acquire(&pool->handle_lock);
    while (c->stash_count > ZS_STASH_REFILL) {
        uint32_t handle = c->stash;
        c->stash = next_free(pool, handle);
        c->stash_count--;
        set_word(pool, handle, free_word(pool->handle_free));
        pool->handle_free = handle;
    }
    lock_release(&pool->handle_lock);
}

void handle_give_locked(struct zs_pool *pool, struct zs_class *c, uint32_t handle)
{
    stash(pool, c, handle);
    if (c->stash_count > ZS_STASH_MOST)
        spill_locked(pool, c);
}

/* Free descriptors are chained through `next`. Pins are left alone: a reader that came too late may
 * hold one for a moment. */
uint32_t descriptor_take(struct zs_pool *pool)
{
    uint32_t number = 0;
    lock_acquire(&pool->handle_lock);
    uint32_t begun = atomic_load_explicit(&pool->zspages_begun, memory_order_relaxed);
    if (pool->zspage_free != 0) {
        number = pool->zspage_free;
        pool->zspage_free = pool->zspage[number].next;
    } else if (begun + 1 < pool->zspages_most && !growth_fails(pool)) {
        number = begun + 1;
        atomic_store_explicit(&pool->zspages_begun, number, memory_order_relaxed);
    }
    lock_release(&pool->handle_lock);
    return number;
}

void descriptor_give(struct zs_pool *pool, uint32_t zspage)
{
    lock_acquire(&pool->handle_lock);
    pool->zspage[zspage].next = pool->zspage_free;
    pool->zspage_free = zspage;
    lock_release(&pool->handle_lock);
}
