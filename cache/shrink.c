/* Answering to pressure on the memory of the machine, before the kernel takes memory by force.
 *
 *   level 0   nothing
 *   level 1   free memory goes back to the system, items count as idle sooner, compaction leaves no
 *             slack; the cache may not grow beyond what it uses now (the ceiling), and every
 *             5 seconds the ceiling sinks by a step
 *   level 2   the same, and the ceiling sinks by a step every second
 *
 * A step is a twentieth of what was used when the pressure began, and the ceiling never sinks below
 * half of that. When there was no sign of pressure for 10 seconds it rises slowly until it is no
 * ceiling any more. With noeviction there is none: it would only refuse writes.
 */
#include <stdatomic.h>

#include "cache/cache.h"
#include "keeper.h"
#include "key.h"
#include "memory.h"
#include "pressure.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

#define READ_MS 1000
/* Between two steps at level 1. */
#define SLOW_MS 5000
/* Without a sign, until pressure counts as over. */
#define HOLD_MS 10000
/* A step and the floor, as parts of what was used when it began. */
#define STEPS 20
#define FLOOR 2
/* Steps of the way up. */
#define RISES 50

static void set_ceiling(struct cache *c, uint64_t bytes)
{
    atomic_store_explicit(&c->ceiling, bytes, memory_order_relaxed);
}

/* What was used at first stays the measure until the ceiling is gone, however often it begins
 * anew meanwhile. */
static void begin(struct cache *c, int64_t now_ms)
{
    struct shrink *s = &c->keeper.shrink;
    uint64_t cap = cache_cap(c), used = cache_used_memory(c);
    s->step_ms = now_ms;
    if (s->began == 0)
        s->began = used;
    set_ceiling(c, cap != 0 && cap < used ? cap : used);
}

static void sink(struct cache *c, int64_t now_ms, unsigned level)
{
    struct shrink *s = &c->keeper.shrink;
    uint64_t ceiling = atomic_load_explicit(&c->ceiling, memory_order_relaxed);
    uint64_t lowest = s->began / FLOOR, step = s->began / STEPS;
    if (level < PRESSURE_HARD && now_ms - s->step_ms < SLOW_MS && now_ms >= s->step_ms)
        return;
    s->step_ms = now_ms;
    if (ceiling > lowest)
        set_ceiling(c, ceiling - lowest > step ? ceiling - step : lowest);
}

static void lift(struct cache *c)
{
    set_ceiling(c, 0);
    c->keeper.shrink.began = 0;
}

static void rise(struct cache *c)
{
    uint64_t cap = atomic_load_explicit(&c->maxmemory, memory_order_relaxed);
    uint64_t ceiling = atomic_load_explicit(&c->ceiling, memory_order_relaxed);
    uint64_t goal = cap != 0 ? cap : c->keeper.shrink.began;
    if (ceiling + goal / RISES < goal)
        set_ceiling(c, ceiling + goal / RISES);
    else
        lift(c);
}

/* The level now: it stays for a while after the last sign. */
static unsigned look(struct cache *c, int64_t now_ms)
{
    struct shrink *s = &c->keeper.shrink;
    unsigned level = pressure_read(s->source, now_ms);
    if (level != PRESSURE_NONE)
        s->seen_ms = now_ms;
    else if (atomic_load_explicit(&c->pressure, memory_order_relaxed) != PRESSURE_NONE &&
             now_ms - s->seen_ms < HOLD_MS && now_ms >= s->seen_ms)
        level = PRESSURE_SOME;
    return level;
}

static void answer(struct cache *c, int64_t now_ms, unsigned was, unsigned level)
{
    if (was == PRESSURE_NONE)
        atomic_fetch_add_explicit(&c->pressure_times, 1, memory_order_relaxed);
    if (!cache_may_evict(c))
        lift(c);
    else if (was == PRESSURE_NONE)
        begin(c, now_ms);
    else if (c->keeper.shrink.seen_ms == now_ms)
        sink(c, now_ms, level);
    zs_trim(c->pool, 0);
    memory_trim_heap(c);
}

void shrink_watch(struct cache_thread *t)
{
    struct cache *c = t->cache;
    struct shrink *s = &c->keeper.shrink;
    unsigned was = atomic_load_explicit(&c->pressure, memory_order_relaxed), level = PRESSURE_NONE;
    bool on = atomic_load_explicit(&c->psi, memory_order_relaxed);
    if (on && t->now_ms - s->read_ms < READ_MS && t->now_ms >= s->read_ms)
        return;
    if (on) {
        s->read_ms = t->now_ms;
        level = look(c, t->now_ms);
    }
    atomic_store_explicit(&c->pressure, level, memory_order_relaxed);
    if (level != PRESSURE_NONE)
        answer(c, t->now_ms, was, level);
    else if (on && s->began != 0)
        rise(c);
    else
        lift(c);
}
