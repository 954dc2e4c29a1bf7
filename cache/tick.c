/* The keeper's slice of work: the ladder. Each rung stands in a file of its own:
 *
 *   1 expire.c    what has expired goes
 *   2 nursery.c   newcomers leave the nursery: coded, or dropped when memory is short
 *   3 idle.c      what is idle is coded harder
 *   4 compact.c   objects are moved together, and pages given back
 *   5 evict.c     from the high mark down to the low one
 *   6 write.c     what does not fit is refused
 *
 * Eviction comes first here, since writers wait for it; it takes into account what the others will
 * give back (memory_over()).
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "keeper.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "nursery.h"
#include "state.h"
#include "stats.h"

#define MEASURE_MS 100
#define TRIM_MS    1000
/* By so much must grow what the process takes beside what is counted, before its heap is trimmed
 * again. */
#define TRIM_GROWTH ((uint64_t)512 << 10)
#define REST_US     20000
/* Below it there is memory to spare, in 1/1024 of the cap. */
#define MARK_ROOMY 870
/* And so much that items may take more than they must. */
#define MARK_WARM 720
/* Without a request for so long, the cache is quiet. */
#define QUIET_MS 1000
/* What is more than this is coded in haste at first, when it gets quiet: some seconds of coding. */
#define HASTE_BYTES ((int64_t)16 << 20)
/* The part of a slice that compaction has in any case. */
#define COMPACT_PART 4
/* This part of the cap too much is far. */
#define FAR_PART 8
/* CPU for coding that may be saved up while there is nothing to do. */
#define SAVED_US 5000

/* Takes long, so it is done outside: who stops the world need not wait for it. Only the keeper
 * frees dictionaries, so none goes away meanwhile. */
static void tick_train(struct cache_thread *t)
{
    struct learner *l = t->cache->learner;
    unsigned compression = atomic_load_explicit(&t->cache->compression, memory_order_relaxed);
    if (compression == CACHE_UNCOMPRESSED)
        return;
    int64_t cpu = clock_thread_cpu_us();
    if (!learner_train(l, t->codec, t->now_ms))
        return;
    t->cache->keeper.trained++;
    int64_t us = clock_thread_cpu_us() - cpu;
    t->cache->keeper.cpu_us -= us;
    count(t, N_COMPRESS_US, us);
    memory_trim_heap(t->cache); /* it took some MiB */
}

static void tick_quiet(struct cache_thread *t, bool busy)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    if (busy || t->now_ms < k->busy_ms || k->busy_ms == 0)
        k->busy_ms = t->now_ms;
    bool quiet = t->now_ms - k->busy_ms >= QUIET_MS;
    if (quiet && !atomic_load_explicit(&c->quiet, memory_order_relaxed)) {
        k->walk_haste = false;
        atomic_store_explicit(&c->haste, counter_sum(c, N_RAW_BYTES) > HASTE_BYTES,
                              memory_order_relaxed);
    }
    atomic_store_explicit(&c->quiet, quiet, memory_order_relaxed);
}

/* What training and growing tables have left in the heap counts in RSS like everything else. */
static void tick_trim(struct cache_thread *t)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    if (k->heap_bytes < k->trimmed_to)
        k->trimmed_to = k->heap_bytes;
    bool late = t->now_ms - k->trim_ms >= TRIM_MS || t->now_ms < k->trim_ms;
    if (!late || k->heap_bytes < k->trimmed_to + TRIM_GROWTH)
        return;
    k->trim_ms = t->now_ms;
    memory_trim_heap(c);
}

static void tick_measure(struct cache_thread *t, bool busy)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    if (t->now_ms - k->measured_ms >= MEASURE_MS || t->now_ms < k->measured_ms) {
        k->measured_ms = t->now_ms;
        memory_measure(c);
        nursery_measure(t);
    }
    if (!busy)
        tick_trim(t);
    atomic_store_explicit(&c->roomy, memory_over(c, MARK_ROOMY) == 0, memory_order_relaxed);
    atomic_store_explicit(&c->warm, memory_over(c, MARK_WARM) == 0, memory_order_relaxed);
    idle_measure(c);
    memory_set_limit(c);
    memory_note_full(c);
}

/* ---- CPU for coding: while requests wait, compression-cpu-percent of a core ---- */

/* True when some is left. */
static bool cpu_grow(struct cache *c, bool busy)
{
    struct keeper *k = &c->keeper;
    int64_t percent = (int64_t)atomic_load_explicit(&c->cpu_percent, memory_order_relaxed);
    int64_t now = clock_mono_us();
    k->cpu_us += (now - k->cpu_at_us) * percent / 100;
    k->cpu_at_us = now;
    if (k->cpu_us > SAVED_US || !busy || percent >= 100)
        k->cpu_us = SAVED_US;
    return k->cpu_us > 0;
}

/* Until some is left again. */
static int64_t cpu_wait_us(const struct cache *c)
{
    int64_t percent = (int64_t)atomic_load_explicit(&c->cpu_percent, memory_order_relaxed);
    int64_t owed = 1 - c->keeper.cpu_us;
    return owed > 0 ? owed * 100 / percent : 0;
}

/* Rungs 2 and 3. True when there is more to do. */
static bool tick_code(struct cache_thread *t, int64_t end_us, int64_t budget_us)
{
    bool gathers = gather_slice(t, end_us);
    bool more = nursery_slice(t, end_us) || gathers;
    dict_release(t);
    /* A part of the slice in any case: coding idle items harder is what saves evictions. */
    int64_t left = end_us - clock_mono_us();
    return idle_walk(t, more || left < budget_us / 2 ? budget_us / 2 : left) || more;
}

/* After the cap has sunk, evicting and giving pages back have all the time there is. */
static bool is_far_over(struct cache *c)
{
    uint64_t cap = cache_cap(c);
    return cap != 0 && cache_may_evict(c) && cache_used_memory(c) > cap + cap / FAR_PART;
}

int64_t cache_tick(struct cache_thread *t, int64_t now_ms, int64_t budget_us, bool busy)
{
    struct cache *c = t->cache;
    int64_t end = clock_mono_us() + budget_us;
    bool may_code = cpu_grow(c, busy);
    cache_enter(t, now_ms);
    tick_quiet(t, busy);
    tick_measure(t, busy);
    shrink_watch(t);
    bool urgent = evict_slice(t, end);
    urgent = flush_slice(t, budget_us / 4) || urgent;
    bool more = expire_sweep(t, budget_us / 4) > 0 || urgent;
    fit_slice(t, budget_us / 4);
    int64_t cpu = clock_thread_cpu_us();
    teach(t);
    bool coding = !may_code || (!is_far_over(c) && tick_code(t, end, budget_us));
    c->keeper.cpu_us -= clock_thread_cpu_us() - cpu;
    rest_watch(t, coding);
    more = coding || more;
    int64_t now = clock_mono_us();
    int64_t part = budget_us / COMPACT_PART;
    bool compacts = compact_slice(t, end - now < part ? now + part : end);
    more = compacts || more;
    urgent = (compacts && memory_is_over(c)) || urgent;
    cache_exit(t);
    if (may_code)
        tick_train(t);
    int64_t wait = busy && !urgent ? cpu_wait_us(c) : 0;
    return more && wait < REST_US ? wait : REST_US;
}
