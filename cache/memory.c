/* What the process takes, and keeping it below the cap. */
#include <malloc.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "dead.h"
#include "evict.h"
#include "ghost.h"
#include "keeper.h"
#include "kernel_text.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "nursery_ring.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

#define PAGES_LEAST (CACHE_LEAST_MEMORY / ZS_PAGE_SIZE)
/* What the heap has grown by, or has in holes, since it was trimmed, for that to be worth it. */
#define TRIM_FROM ((uint64_t)64 << 10)

uint64_t machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : (uint64_t)1 << 30;
}

/* Bytes outside the pool that are known. */
static uint64_t known_bytes(struct cache *c)
{
    int64_t charged = atomic_load_explicit(&c->charged, memory_order_relaxed);
    return index_bytes(c) + (uint64_t)(charged > 0 ? charged : 0) + ghost_bytes(c->ghost) +
           nursery_ring_bytes(c->ring) + learner_bytes(c->learner);
}

static uint64_t outside_bytes(struct cache *c)
{
    return known_bytes(c) + atomic_load_explicit(&c->other_bytes, memory_order_relaxed);
}

uint64_t cache_used_memory(struct cache *cache)
{
    return zs_resident_bytes(cache->pool) + outside_bytes(cache);
}

/* Resident bytes of the process, and those of them that are of no file; 0 = not known. */
static uint64_t process_bytes(const struct cache *c, uint64_t *anonymous)
{
    *anonymous = 0;
    char text[128];
    const char *end;
    if (!kernel_text_read("/proc/self", "/statm", text, sizeof text))
        return 0;
    (void)kernel_text_number(text, &end);
    uint64_t pages = kernel_text_number(end, &end), of_files = kernel_text_number(end, NULL);
    *anonymous = pages > of_files ? (pages - of_files) * c->page_bytes : 0;
    return pages * c->page_bytes;
}

void memory_measure(struct cache *c)
{
    uint64_t anonymous, rss = process_bytes(c, &anonymous);
    uint64_t counted = zs_resident_bytes(c->pool) + known_bytes(c);
    atomic_store_explicit(&c->other_bytes, rss > counted ? rss - counted : 0, memory_order_relaxed);
    c->keeper.heap_bytes = anonymous > counted ? anonymous - counted : 0;
    uint64_t used = cache_used_memory(c);
    if (used > atomic_load_explicit(&c->peak, memory_order_relaxed))
        atomic_store_explicit(&c->peak, used, memory_order_relaxed);
}

/* Bytes of the heap that nobody has, given back or not. */
static uint64_t heap_holes(void)
{
#ifdef __GLIBC__
    return mallinfo2().fordblks;
#else
    return 0;
#endif
}

/* Training, the nursery and growing tables leave holes in the heap, which count in RSS. */
void memory_trim_heap(struct cache *c)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    memory_measure(c);
    c->keeper.trimmed_to = c->keeper.heap_bytes;
    c->keeper.trimmed_holes = heap_holes();
}

bool memory_is_worth_trimming(struct cache *c)
{
    const struct keeper *k = &c->keeper;
    return k->heap_bytes > k->trimmed_to + TRIM_FROM || heap_holes() > k->trimmed_holes + TRIM_FROM;
}

void memory_set_limit(struct cache *c)
{
    uint64_t cap = cache_cap(c);
    if (cap == 0) {
        zs_set_page_limit(c->pool, 0);
        return;
    }
    struct zs_pool_stats stats;
    zs_pool_stats(c->pool, &stats);
    uint64_t outside = outside_bytes(c) + stats.table_bytes;
    uint64_t pages = cap > outside ? (cap - outside) / ZS_PAGE_SIZE : 0;
    /* When the cap has sunk, writers replace what they evict while the keeper goes down to it; were
     * it the limit at once, each would have to evict all that is too much. */
    size_t held = stats.pages_used + stats.pages_cached;
    if (pages < held && cache_may_evict(c))
        pages = held;
    zs_set_page_limit(c->pool, pages < PAGES_LEAST ? PAGES_LEAST : (size_t)pages);
}

bool memory_is_over(struct cache *c)
{
    uint64_t cap = cache_cap(c);
    return cap != 0 && cache_used_memory(c) > cap;
}

size_t memory_over(struct cache *c, unsigned share)
{
    uint64_t cap = cache_cap(c);
    if (cap == 0)
        return 0;
    struct zs_pool_stats stats;
    zs_pool_stats(c->pool, &stats);
    uint64_t used = cache_used_memory(c);
    /* What is dead, and what compaction and trimming will give back, need not be evicted. */
    uint64_t slack = atomic_load_explicit(&c->dead_bytes, memory_order_relaxed) +
                     (stats.pages_cached + zs_shrinker_count(c->pool)) * (uint64_t)ZS_PAGE_SIZE;
    uint64_t mark = cap / 1024 * share;
    used = used > slack ? used - slack : 0;
    return used > mark ? (size_t)(used - mark) : 0;
}

void memory_note_full(struct cache *c)
{
    bool full = cache_cap(c) != 0 && memory_over(c, 1024) > 0 && !evict_has_victims(c);
    atomic_store_explicit(&c->full, full, memory_order_relaxed);
}

bool cache_is_full(struct cache *cache)
{
    if (!atomic_load_explicit(&cache->full, memory_order_relaxed))
        return false;
    memory_note_full(cache); /* something may have been deleted meanwhile */
    return atomic_load_explicit(&cache->full, memory_order_relaxed);
}

/* What was charged may be given back since the limit was told: by this very command, when it stores
 * a long argument piece by piece. */
static bool limit_has_grown(struct cache *c)
{
    struct zs_pool_stats before, after;
    zs_pool_stats(c->pool, &before);
    memory_set_limit(c);
    zs_pool_stats(c->pool, &after);
    return after.pages_limit > before.pages_limit;
}

bool memory_room(struct cache_thread *t, size_t bytes)
{
    struct cache *c = t->cache;
    if (t->helping != 0 || cache_cap(c) == 0)
        return false;
    int64_t cpu = clock_thread_cpu_us();
    if (dead_free(t) > 0 || limit_has_grown(c))
        return true;
    t->helping++;
    size_t freed = evict(t, bytes * 2 + ((size_t)16 << 10));
    dead_free(t);
    struct zs_compact_result r =
        zs_compact(c->pool, (struct zs_budget){.max_moves = 256, .max_bytes = (size_t)64 << 10});
    t->helping--;
    if (freed > 0)
        rung(t, CACHE_RUNG_EVICT, freed, clock_thread_cpu_us() - cpu);
    return freed > 0 || r.pages_freed > 0 || r.more;
}

/* In steps, so that a step is worth its look at the memory. */
#define ROOM_STEP  ((size_t)256 << 10)
#define ROOM_TRIES 1000
/* So many steps of compaction. */
#define HOLES_TRIES 16

/* What was evicted has left holes; only whole pages can be given back. */
static void close_holes(struct cache *c)
{
    const struct zs_budget step = {.max_moves = 4096, .max_bytes = ROOM_STEP};
    struct zs_compact_result r = {.more = true};
    for (int i = 0; i < HOLES_TRIES && r.more && memory_is_over(c); i++) {
        r = zs_compact(c->pool, step);
        zs_trim(c->pool, 0);
    }
}

bool cache_make_room(struct cache_thread *t)
{
    size_t over = memory_over(t->cache, 1024);
    for (int i = 0; i < ROOM_TRIES && over > 0; i++) {
        if (!memory_room(t, over < ROOM_STEP ? over : ROOM_STEP))
            return false;
        over = memory_over(t->cache, 1024);
    }
    close_holes(t->cache);
    return over == 0;
}

void cache_charge(struct cache *cache, int64_t bytes)
{
    atomic_fetch_add_explicit(&cache->charged, bytes, memory_order_relaxed);
}

bool cache_may_charge(struct cache *cache, size_t bytes)
{
    uint64_t cap = cache_cap(cache);
    uint64_t outside = outside_bytes(cache);
    return cap == 0 || (outside < cap && bytes <= cap - outside);
}
