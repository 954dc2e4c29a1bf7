/* Long values that nobody has any more, freed in slices: one of 512 MiB has 32,768 segments, which
 * take 50 ms. They wait in a list that runs through their heads, so that it needs no memory. */
#include <assert.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "cache/cache.h"
#include "dead.h"
#include "item.h"
#include "key.h"
#include "segment.h"
#include "state.h"
#include "thread.h"
#include "zspool/zspool.h"

/* Values of so many segments are freed at once. */
#define AT_ONCE 64

bool dead_add(struct cache_thread *t, uint32_t handle, size_t raw_len)
{
    struct cache *c = t->cache;
    if (segment_count(raw_len) <= AT_ONCE)
        return false;
    lock_acquire(&c->dead_lock);
    if (c->dead_first == 0) {
        head_set_link(t, handle, 0);
        c->dead_first = handle;
    } else { /* behind the first, which may be half freed */
        head_set_link(t, handle, head_link(t, c->dead_first));
        head_set_link(t, c->dead_first, handle);
    }
    atomic_fetch_add_explicit(&c->dead_bytes, raw_len, memory_order_relaxed);
    lock_release(&c->dead_lock);
    return true;
}

/* Of the first value. Takes it out of the list when nothing is left of it. */
static size_t free_of_first_locked(struct cache_thread *t, size_t most)
{
    struct cache *c = t->cache;
    uint32_t handle = c->dead_first;
    struct zs_map map;
    struct item it;
    unsigned scratch = scratch_take(t);
    const uint8_t *object =
        zs_map_object(c->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    bool ok = item_read(object, map.len, &it);
    assert(ok);
    (void)ok;
    size_t total = segment_count(it.raw_len), from = c->dead_done;
    for (; c->dead_done < total && c->dead_done - from < most; c->dead_done++)
        segment_free(t, segment_handle(t, it.stored, it.raw_len, c->dead_done),
                     segment_len(it.raw_len, c->dead_done));
    size_t freed = c->dead_done - from;
    bool done = c->dead_done == total;
    if (done)
        segment_lists_free(t, it.stored, it.raw_len);
    zs_unmap_object(c->pool, &map);
    scratch_give(t, scratch);
    if (done) {
        c->dead_first = head_link(t, handle);
        c->dead_done = 0;
        zs_free(c->pool, handle);
        atomic_fetch_sub_explicit(&c->dead_bytes, it.raw_len, memory_order_relaxed);
    }
    return freed;
}

size_t dead_free(struct cache_thread *t)
{
    struct cache *c = t->cache;
    size_t freed = 0;
    if (atomic_load_explicit(&c->dead_bytes, memory_order_relaxed) == 0)
        return 0;
    lock_acquire(&c->dead_lock);
    while (c->dead_first != 0 && freed < AT_ONCE)
        freed += free_of_first_locked(t, AT_ONCE - freed);
    lock_release(&c->dead_lock);
    return freed;
}
