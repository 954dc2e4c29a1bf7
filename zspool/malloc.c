/* Allocating and freeing. */
#include "internal.h"

/* A zspage of the class that has room, in its list. The lock is let go while memory is taken. */
static enum zs_status room_locked(struct zs_pool *pool, struct zs_class *c, uint32_t *out)
{
    *out = zspage_with_room_locked(c);
    if (*out != 0)
        return ZS_OK;
    lock_release(&c->lock);
    uint32_t number = 0;
    enum zs_status status = zspage_create(pool, c, &number);
    lock_acquire(&c->lock);
    if (status == ZS_OK) {
        zspage_link_locked(pool, c, number);
        count_locked(&c->obj_allocated, c->objects);
    } else {
        /* Another thread may have freed something meanwhile. */
        number = zspage_with_room_locked(c);
    }
    *out = number;
    return number != 0 ? ZS_OK : status;
}

/* Takes an empty zspage out of its list. */
static void retire_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    zspage_unlink_locked(pool, c, number);
    count_locked(&c->obj_allocated, (size_t)0 - c->objects);
}

static void allocate_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number,
                            uint32_t handle)
{
    struct zs_place at;
    zspage_take_object_locked(pool, c, number, handle, &at);
    zspage_relist_locked(pool, c, number);
    count_locked(&c->obj_used, 1);
    if (c->huge)
        count_locked(&c->huge_since, 1);
    atomic_store_explicit(&pool->word[handle], place_word(pool, c, &at), memory_order_release);
}

enum zs_status zs_malloc(struct zs_pool *pool, size_t size, zs_handle *out)
{
    if (size == 0)
        return ZS_EINVAL;
    if (size > ZS_MAX_ALLOC_SIZE)
        return ZS_ETOOBIG;
    struct zs_class *c = class_for(pool, size);
    uint32_t number;
    uint32_t unused = 0;
    lock_acquire(&c->lock);
    enum zs_status status = room_locked(pool, c, &number);
    if (status == ZS_OK) {
        uint32_t handle = handle_take_locked(pool, c);
        if (handle != 0) {
            allocate_locked(pool, c, number, handle);
            *out = handle;
        } else {
            status = ZS_ENOMEM;
            if (pool->zspage[number].inuse == 0) {
                retire_locked(pool, c, number);
                unused = number;
            }
        }
    }
    lock_release(&c->lock);
    if (unused != 0)
        zspage_destroy(pool, unused);
    return status;
}

/* True when the zspage is empty then and in no list. */
static bool free_object_locked(struct zs_pool *pool, struct zs_class *c, const struct zs_place *at,
                               uint32_t handle)
{
    zspage_free_object_locked(pool, c, at);
    handle_give_locked(pool, c, handle);
    count_locked(&c->obj_used, (size_t)-1);
    if (pool->zspage[at->zspage].inuse == 0) {
        retire_locked(pool, c, at->zspage);
        return true;
    }
    zspage_relist_locked(pool, c, at->zspage);
    return false;
}

bool deferred_free_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    bool empty = false;
    uint32_t left = atomic_exchange(&z->deferred, 0);
    for (uint32_t i = 0; left > 0; i++) {
        struct zs_place at;
        assert(i < z->fresh);
        zspage_object(pool, c, number, i, &at);
        uint32_t header = *zspage_header(pool, c, &at);
        if ((header & 3) != 3)
            continue;
        empty = free_object_locked(pool, c, &at, header >> 2);
        left--;
    }
    return empty;
}

void deferred_free(struct zs_pool *pool, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    struct zs_class *c = &pool->class[atomic_load_explicit(&z->class_id, memory_order_relaxed)];
    bool empty = false;
    lock_acquire(&c->lock);
    /* Unless somebody else did it meanwhile, or maps it again. */
    if (atomic_load_explicit(&z->class_id, memory_order_relaxed) == c->id &&
        atomic_load(&z->deferred) != 0 && atomic_load(&z->pins) == 0)
        empty = deferred_free_locked(pool, c, number);
    lock_release(&c->lock);
    if (empty)
        zspage_destroy(pool, number);
}

/* Marks the object; the last who unpins its zspage frees it. True as deferred_free_locked(). */
static bool defer_locked(struct zs_pool *pool, struct zs_class *c, const struct zs_place *at)
{
    struct zspage *z = &pool->zspage[at->zspage];
    *zspage_header(pool, c, at) |= 2;
    atomic_fetch_add(&z->deferred, 1);
    atomic_fetch_add_explicit(&pool->deferred_frees, 1, memory_order_relaxed);
    return atomic_load(&z->pins) == 0 && deferred_free_locked(pool, c, at->zspage);
}

/* Locks the class of a handle: with the lock it cannot move. */
static struct zs_class *lock_class_of(struct zs_pool *pool, zs_handle handle, struct zs_place *at)
{
    for (;;) {
        uint32_t w = atomic_load_explicit(&pool->word[handle], memory_order_acquire);
        assert((w & 1) == 0);
        struct zs_class *c =
            &pool->class[atomic_load_explicit(&pool->page[w >> 8].class_id, memory_order_relaxed)];
        lock_acquire(&c->lock);
        w = atomic_load_explicit(&pool->word[handle], memory_order_acquire);
        const struct zs_page *p = &pool->page[w >> 8];
        if (atomic_load_explicit(&p->class_id, memory_order_relaxed) == c->id) {
            place_of_word(pool, w, at);
            assert(at->zspage != 0);
            return c;
        }
        lock_release(&c->lock);
    }
}

void zs_free(struct zs_pool *pool, zs_handle handle)
{
    if (handle == 0)
        return;
    struct zs_place at;
    struct zs_class *c = lock_class_of(pool, handle, &at);
    assert(*zspage_header(pool, c, &at) == (handle << 2 | 1));
    bool mapped = atomic_load(&pool->zspage[at.zspage].pins) > 0;
    bool empty = mapped ? defer_locked(pool, c, &at) : free_object_locked(pool, c, &at, handle);
    lock_release(&c->lock);
    if (empty)
        zspage_destroy(pool, at.zspage);
}
