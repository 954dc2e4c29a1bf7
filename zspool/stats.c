/* What the pool holds. */
#include "internal.h"

static size_t table_bytes(const struct zs_pool *pool)
{
    size_t handles = atomic_load_explicit(&pool->handles_begun, memory_order_relaxed);
    size_t zspages = atomic_load_explicit(&pool->zspages_begun, memory_order_relaxed);
    size_t blocks = atomic_load_explicit(&pool->pages.blocks_begun, memory_order_relaxed);
    return handles * sizeof(uint32_t) + zspages * sizeof(struct zspage) +
           blocks * (sizeof(struct zs_block) + ZS_BLOCK_PAGES * sizeof(struct zs_page)) +
           sizeof *pool;
}

size_t zs_resident_bytes(const struct zs_pool *pool)
{
    size_t pages = atomic_load_explicit(&pool->pages.used, memory_order_relaxed) +
                   atomic_load_explicit(&pool->pages.cached, memory_order_relaxed);
    return pages * ZS_PAGE_SIZE + table_bytes(pool);
}

void zs_pool_stats(const struct zs_pool *pool, struct zs_pool_stats *out)
{
    *out = (struct zs_pool_stats){
        .pages_used = atomic_load(&pool->pages.used),
        .pages_cached = atomic_load(&pool->pages.cached),
        .pages_limit = atomic_load(&pool->pages.limit),
        .pages_peak = atomic_load(&pool->pages.peak),
        .blocks = atomic_load(&pool->pages.blocks_resident),
        .table_bytes = table_bytes(pool),
        .pages_compacted = atomic_load(&pool->pages_compacted),
        .objects_moved = atomic_load(&pool->objects_moved),
        .bytes_moved = atomic_load(&pool->bytes_moved),
        .pages_migrated = atomic_load(&pool->pages_migrated),
        .blocks_returned = atomic_load(&pool->pages.blocks_returned),
        .pins_met = atomic_load(&pool->pins_met),
        .deferred_frees = atomic_load(&pool->deferred_frees),
        .stale_handles = atomic_load(&pool->stale_handles),
        .links_mended = atomic_load(&pool->links_mended),
    };
    for (unsigned i = 0; i < pool->classes; i++) {
        const struct zs_class *c = &pool->class[i];
        size_t used = atomic_load_explicit(&c->obj_used, memory_order_relaxed);
        out->objects += used;
        out->objects_bytes += used * c->size;
        out->huge_objects += c->huge ? used : 0;
        out->huge_objects_since += atomic_load_explicit(&c->huge_since, memory_order_relaxed);
    }
}

void zs_class_stats(struct zs_pool *pool, unsigned n, struct zs_class_stats *out)
{
    struct zs_class *c = &pool->class[n];
    *out = (struct zs_class_stats){
        .index = n,
        .size = c->size,
        .pages_per_zspage = c->pages,
        .objs_per_zspage = c->objects,
    };
    lock_acquire(&c->lock);
    for (unsigned i = 0; i < ZS_FULLNESS_GROUPS; i++)
        out->zspages[i] = c->count[i];
    out->obj_used = atomic_load(&c->obj_used);
    out->obj_allocated = atomic_load(&c->obj_allocated);
    out->pages_used = atomic_load(&c->pages_used);
    out->freeable = class_freeable(c);
    lock_release(&c->lock);
}
