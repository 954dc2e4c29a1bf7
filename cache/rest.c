/* Rest: nobody has asked for anything for a while, and all is coded. Then the process keeps only
 * what it needs to hold the items: what is made again when it is needed goes.
 *
 *   learner.c   forms of dictionaries that only encoders use
 *   thread.c    states of encoders, buffers
 *   compact.c   free pages
 *   memory.c    holes in the heap
 *
 * The walk over the index goes on. Only if it finds something to code the rest is over, as with a
 * request. */
#include <stdatomic.h>

#include "cache/cache.h"
#include "counters.h"
#include "keeper.h"
#include "key.h"
#include "learner.h"
#include "memory.h"
#include "state.h"
#include "stats.h"
#include "thread.h"

/* Grows with all that is coded, and with trainings. */
static int64_t coded_yet(struct cache *c)
{
    return counter_sum(c, N_ATTEMPTS) + counter_sum(c, N_RECODED) + c->keeper.trained;
}

static void set_rest(struct cache *c, uint64_t number)
{
    atomic_store_explicit(&c->rest, number, memory_order_relaxed);
}

static void begin(struct cache_thread *t)
{
    struct cache *c = t->cache;
    cache_world_lock(t);
    learner_rest(c->learner);
    threads_rest(t);
    cache_world_unlock(t);
    /* It takes a while with a large heap. */
    if (memory_is_worth_trimming(c))
        memory_trim_heap(c);
    set_rest(c, ++c->keeper.rests);
}

void rest_watch(struct cache_thread *t, bool coding)
{
    struct cache *c = t->cache;
    struct keeper *k = &c->keeper;
    if (!atomic_load_explicit(&c->quiet, memory_order_relaxed)) {
        set_rest(c, 0);
        return;
    }
    int64_t coded = coded_yet(c);
    bool changed = coded != k->rest_coded;
    if (coding || (cache_rest(c) != 0 && !changed)) {
        if (changed)
            set_rest(c, 0);
        return;
    }
    begin(t);
    k->rest_coded = coded;
}

uint64_t cache_rest(const struct cache *cache)
{
    return atomic_load_explicit(&cache->rest, memory_order_relaxed);
}
