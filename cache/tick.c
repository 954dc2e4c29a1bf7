/* The keeper's slice of work. */
#include "base/clock.h"
#include "internal.h"

#define MEASURE_MS 100
#define COMPACT_MS 200
#define TRIM_MS    5000
/* What the process takes beside what is counted, before its heap is looked after. */
#define OTHER_MUCH ((uint64_t)6 << 20)
/* Free pages kept at hand. */
#define PAGES_KEPT    512
#define PAGES_PRESSED 64
/* Items stay so long in the nursery when there is time to code them, in tenths of a second. */
#define NURSERY_AGE 10
/* Eviction ahead of writers, in 1/1024 of the cap: from the first mark down to the second. */
#define MARK_HIGH 1020
#define MARK_LOW  1008
/* Memory counts as short above it. */
#define MARK_SHORT 970
/* Entries in the ring, stale ones among them, that are not left to wait for a dictionary. */
#define NURSERY_ENTRIES ((size_t)1 << 20)
#define REST_US         20000

/* When memory is short the nursery is the filter before main: it is left only as far as it is over
 * its share, and what nobody read is dropped. */
static bool is_short(struct cache *c)
{
    return atomic_load_explicit(&c->policy, memory_order_relaxed) == CACHE_ALLKEYS_S3FIFO &&
           memory_over(c, MARK_SHORT) > 0;
}

/* Lets items out of the nursery. True when more wait. */
static bool tick_nursery(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    bool is_filter = is_short(c);
    bool waits = is_filter || (learner_is_waiting(c->learner, t->now_ms) &&
                               nursery_ring_count(c->ring) < NURSERY_ENTRIES);
    int64_t cpu = clock_thread_cpu_us();
    size_t saved = 0;
    unsigned n = 0, taken;
    do {
        bool full = nursery_is_full(c, false);
        taken =
            waits && !full ? 0 : nursery_leave(t, 32, full ? 0 : NURSERY_AGE, is_filter, &saved);
        n += taken;
    } while (taken > 0 && clock_mono_us() < end_us);
    if (n > 0) {
        int64_t us = clock_thread_cpu_us() - cpu;
        count(t, N_COMPRESS_US, us);
        rung(t, CACHE_RUNG_NURSERY, saved, us);
    }
    return taken > 0;
}

/* Takes long, so it is done outside: who stops the world need not wait for it. Only the keeper
 * frees dictionaries, so none goes away meanwhile. */
static void tick_train(struct cache_thread *t)
{
    struct learner *l = t->cache->learner;
    unsigned compression = atomic_load_explicit(&t->cache->compression, memory_order_relaxed);
    if (compression != CACHE_UNCOMPRESSED)
        learner_train(l, t->codec, t->now_ms);
}

/* True when the cap is passed still. */
static bool tick_evict(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    int64_t cpu = clock_thread_cpu_us();
    size_t freed = 0;
    if (memory_over(c, MARK_HIGH) == 0)
        return false;
    t->helping++;
    for (size_t over; (over = memory_over(c, MARK_LOW)) > 0 && clock_mono_us() < end_us;) {
        size_t got = evict(t, over < ((size_t)1 << 20) ? over : (size_t)1 << 20);
        freed += got;
        if (got == 0)
            break;
    }
    t->helping--;
    rung(t, CACHE_RUNG_EVICT, freed, clock_thread_cpu_us() - cpu);
    return memory_over(c, MARK_HIGH) > 0 && freed > 0;
}

/* True when there is more to compact. */
static bool tick_compact(struct cache_thread *t, int64_t end_us)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    struct zs_budget budget = {.max_moves = 2048, .max_bytes = (size_t)512 << 10};
    uint64_t cap = atomic_load_explicit(&c->maxmemory, memory_order_relaxed);
    bool pressed = cap != 0 && cache_used_memory(c) > cap / 100 * 95;
    if (!pressed && t->now_ms - k->compact_ms < COMPACT_MS && t->now_ms >= k->compact_ms)
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
    zs_trim(c->pool, pressed ? PAGES_PRESSED : PAGES_KEPT);
    if (pages > 0)
        rung(t, CACHE_RUNG_COMPACT, pages * ZS_PAGE_SIZE, clock_thread_cpu_us() - cpu);
    return more;
}

static void tick_measure(struct cache_thread *t, bool busy)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    if (t->now_ms - k->measured_ms >= MEASURE_MS || t->now_ms < k->measured_ms) {
        k->measured_ms = t->now_ms;
        memory_measure(c);
    }
    bool late = t->now_ms - k->trim_ms >= TRIM_MS || t->now_ms < k->trim_ms;
    if (!busy && late && atomic_load_explicit(&c->other_bytes, memory_order_relaxed) > OTHER_MUCH) {
        k->trim_ms = t->now_ms;
        memory_trim_heap();
    }
    memory_set_limit(c);
}

/* While requests wait, coding may take its percentage of a core alone: after so much work, so much
 * rest. */
static int64_t rest_us(const struct cache *c, bool busy, int64_t worked_us)
{
    int64_t percent = (int64_t)atomic_load_explicit(&c->cpu_percent, memory_order_relaxed);
    if (!busy || percent >= 100)
        return 0;
    return worked_us * (100 - percent) / percent;
}

int64_t cache_tick(struct cache_thread *t, int64_t now_ms, int64_t budget_us, bool busy)
{
    struct cache *c = t->cache;
    int64_t begin = clock_mono_us();
    int64_t end = begin + budget_us;
    cache_enter(t, now_ms);
    tick_measure(t, busy);
    bool more = tick_evict(t, end);
    more = expire_sweep(t, budget_us / 4) > 0 || more;
    more = flush_slice(t, budget_us / 4) || more;
    more = tick_nursery(t, end) || more;
    dict_release(t);
    /* A part of the slice in any case: coding idle items harder is what saves evictions. */
    int64_t left = end - clock_mono_us();
    more = idle_walk(t, more || left < budget_us / 2 ? budget_us / 2 : left) || more;
    more = tick_compact(t, end) || more;
    cache_exit(t);
    tick_train(t);
    int64_t rest = rest_us(c, busy, clock_mono_us() - begin);
    if (more)
        return rest;
    return rest > REST_US ? rest : REST_US;
}
