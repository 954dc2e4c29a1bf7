/* Threads of the cache: entering, leaving, and keeping all others out. */
#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/resident.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "counters.h"
#include "state.h"
#include "thread.h"
#include "zspool/zspool.h"

/* Whole pages; the last one nobody touches. */
#define SCRATCH_STRIDE ((SCRATCH_BYTES / ZS_PAGE_SIZE + 2) * ZS_PAGE_SIZE)

static bool thread_buffers(struct cache_thread *t)
{
    t->codec = codec_ctx_create();
    uint8_t *all = aligned_alloc(ZS_PAGE_SIZE, SCRATCHES * SCRATCH_STRIDE);
    t->scratches = all;
    for (unsigned i = 0; all != NULL && i < SCRATCHES; i++) {
        t->scratch[i] = all + i * SCRATCH_STRIDE;
        ASAN_POISON_MEMORY_REGION(t->scratch[i] + SCRATCH_BYTES, SCRATCH_STRIDE - SCRATCH_BYTES);
    }
    return t->codec != NULL && all != NULL;
}

static void thread_free(struct cache_thread *t)
{
    codec_ctx_destroy(t->codec);
    free(t->scratches);
    free(t);
}

/* A place in the table; CACHE_THREADS = none. Its counters stay when the thread ends, and the next
 * thread of the place goes on with them. */
static unsigned take_place(struct cache *c, struct cache_thread *t)
{
    unsigned i = 0;
    lock_acquire(&c->world);
    while (i < CACHE_THREADS && c->thread[i].thread != NULL)
        i++;
    if (i < CACHE_THREADS && atomic_load(&c->thread[i].counters) == NULL)
        atomic_store(&c->thread[i].counters, calloc(1, sizeof(struct counters)));
    if (i < CACHE_THREADS && atomic_load(&c->thread[i].counters) == NULL)
        i = CACHE_THREADS;
    if (i < CACHE_THREADS)
        c->thread[i].thread = t;
    lock_release(&c->world);
    return i;
}

struct cache_thread *cache_thread_create(struct cache *cache)
{
    struct cache_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->cache = cache;
    if (!thread_buffers(t)) {
        thread_free(t);
        return NULL;
    }
    t->id = take_place(cache, t);
    if (t->id == CACHE_THREADS) {
        thread_free(t);
        return NULL;
    }
    t->counters = atomic_load(&cache->thread[t->id].counters);
    t->random.state = (uint64_t)t->id * 0x9e3779b97f4a7c15u + 1;
    return t;
}

void cache_thread_destroy(struct cache_thread *t)
{
    if (t == NULL)
        return;
    struct cache *c = t->cache;
    assert(!t->inside && t->scratch_busy == 0);
    lock_acquire(&c->world);
    c->thread[t->id].thread = NULL;
    lock_release(&c->world);
    thread_free(t);
}

void cache_enter(struct cache_thread *t, int64_t now_ms)
{
    assert(!t->inside);
    lock_acquire(&t->cache->thread[t->id].inside);
    t->inside = true;
    t->now_ms = now_ms;
}

bool cache_enter_within(struct cache_thread *t, int64_t now_ms, unsigned wait_ms)
{
    assert(!t->inside);
    if (!lock_acquire_within(&t->cache->thread[t->id].inside, wait_ms))
        return false;
    t->inside = true;
    t->now_ms = now_ms;
    return true;
}

void cache_exit(struct cache_thread *t)
{
    assert(t->inside && !t->has_world);
    t->inside = false;
    lock_release(&t->cache->thread[t->id].inside);
}

bool cache_give_way(struct cache_thread *t, unsigned wait_ms)
{
    struct cache *c = t->cache;
    assert(t->inside);
    if (t->has_world || t->locked_count > 0 || !lock_is_held(&c->world))
        return true;
    cache_exit(t);
    /* Whoever stops the world holds this lock, so that its turn comes before ours. */
    if (!lock_acquire_within(&c->world, wait_ms))
        return false;
    cache_enter(t, t->now_ms);
    lock_release(&c->world);
    return true;
}

int64_t cache_now(const struct cache_thread *t)
{
    return t->now_ms;
}

void cache_world_lock(struct cache_thread *t)
{
    struct cache *c = t->cache;
    assert(t->inside && !t->has_world && t->locked_count == 0);
    lock_release(&c->thread[t->id].inside);
    lock_acquire(&c->world);
    for (unsigned i = 0; i < CACHE_THREADS; i++)
        lock_acquire(&c->thread[i].inside);
    t->has_world = true;
}

/* The caller's own place stays locked: it is inside still. */
void cache_world_unlock(struct cache_thread *t)
{
    struct cache *c = t->cache;
    assert(t->has_world);
    for (unsigned i = 0; i < CACHE_THREADS; i++)
        if (i != t->id)
            lock_release(&c->thread[i].inside);
    t->has_world = false;
    lock_release(&c->world);
}

unsigned scratch_take(struct cache_thread *t)
{
    unsigned i = (unsigned)__builtin_ctz(~t->scratch_busy);
    assert(i < SCRATCHES);
    t->scratch_busy |= 1u << i;
    return i;
}

void threads_rest(struct cache_thread *t)
{
    for (unsigned i = 0; i < CACHE_THREADS; i++) {
        struct cache_thread *each = t->cache->thread[i].thread;
        if (each == NULL)
            continue;
        codec_ctx_rest(each->codec);
        if (each->scratch_busy == 0)
            resident_discard(each->scratches, SCRATCHES * SCRATCH_STRIDE);
    }
}
