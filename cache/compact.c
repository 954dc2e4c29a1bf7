/* Moving objects together, and giving the pages that get free back to the system. */
#include "base/clock.h"
#include "cache/cache.h"
#include "keeper.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

/* Between two looks while there is no hurry. */
#define COMPACT_MS 200
/* Free pages kept at hand, and when the cap is near or nobody asks for anything; none when the
 * machine is short of memory, or at rest. */
#define PAGES_KEPT 512
#define PAGES_FEW  64
/* The cap is near from this percentage on. */
#define MARK_NEAR 95

static size_t pages_to_keep(struct cache *c)
{
    uint64_t cap = cache_cap(c);
    if (is_pressed(c) || cache_rest(c) != 0)
        return 0;
    if (is_settling(c) || (cap != 0 && cache_used_memory(c) > cap / 100 * MARK_NEAR))
        return PAGES_FEW;
    return PAGES_KEPT;
}

bool compact_slice(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    struct zs_budget budget = {.max_moves = 2048, .max_bytes = (size_t)512 << 10};
    size_t keep = pages_to_keep(c);
    bool soon = t->now_ms - k->compact_ms < COMPACT_MS && t->now_ms >= k->compact_ms;
    if (keep == PAGES_KEPT && soon && !k->compact_more)
        return false;
    k->compact_ms = t->now_ms;
    int64_t cpu = clock_thread_cpu_us();
    size_t pages = 0;
    bool more;
    do {
        struct zs_compact_result r = zs_compact(c->pool, budget);
        pages += r.pages_freed;
        more = r.more;
    } while (more && clock_mono_us() < end_us);
    if (!more)
        zs_migrate(c->pool, budget);
    zs_trim(c->pool, keep);
    k->compact_more = more;
    if (pages > 0)
        rung(t, CACHE_RUNG_COMPACT, pages * ZS_PAGE_SIZE, clock_thread_cpu_us() - cpu);
    return more;
}
