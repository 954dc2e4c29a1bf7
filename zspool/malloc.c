/* Allocating and freeing. */
#include "internal.h"

/* Zspages that are looked at for a hole when no page can be had. */
#define LOOKS 64

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
    if (status == ZS_OK)
        zspage_enlist_locked(pool, c, number);
    else /* another thread may have freed something meanwhile */
        number = zspage_with_room_locked(c);
    *out = number;
    return number != 0 ? ZS_OK : status;
}

static uint32_t hole_locked(const struct zs_pool *pool, const struct zs_class *c)
{
    unsigned looks = LOOKS;
    for (unsigned group = ZS_FULL_GROUP; group-- > 0;)
        for (uint32_t n = c->list[group]; n != 0 && looks > 0; n = pool->zspage[n].next, looks--)
            if (zspage_is_ready(&pool->zspage[n], c))
                return n;
    return 0;
}

/* A zspage whose next object is in resident pages. *unused: one that was made for nothing. */
static enum zs_status ready_locked(struct zs_pool *pool, struct zs_class *c, uint32_t *out,
                                   uint32_t *unused)
{
    enum zs_status status = room_locked(pool, c, out);
    if (status == ZS_OK)
        status = zspage_prepare_locked(pool, c, *out);
    if (status == ZS_OK)
        return ZS_OK;
    if (*out != 0 && pool->zspage[*out].inuse == 0) {
        zspage_retire_locked(pool, c, *out);
        *unused = *out;
    }
    *out = hole_locked(pool, c);
    return *out != 0 ? ZS_OK : status;
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
    enum zs_status status = ZS_ENOMEM;
    lock_acquire(&c->lock);
    uint32_t handle = handle_take_locked(pool, c);
    if (handle != 0) {
        status = ready_locked(pool, c, &number, &unused);
        if (status == ZS_OK)
            allocate_locked(pool, c, number, handle);
        else
            handle_give_locked(pool, c, handle);
    }
    lock_release(&c->lock);
    if (unused != 0)
        zspage_destroy(pool, unused);
    if (status == ZS_OK)
        *out = handle;
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
        zspage_retire_locked(pool, c, at->zspage);
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
    for (uint32_t i = 0; left > 0 && i < z->fresh; i++) {
        struct zs_place at;
        zspage_object(pool, c, number, i, &at);
        uint32_t header = header_load(pool, c, &at);
        if ((header & 3) != 3)
            continue;
        empty = free_object_locked(pool, c, &at, header >> 2);
        left--;
    }
    assert(left == 0);
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
    header_store(pool, c, at, header_load(pool, c, at) | 2);
    atomic_fetch_add(&z->deferred, 1);
    atomic_fetch_add_explicit(&pool->deferred_frees, 1, memory_order_relaxed);
    return atomic_load(&z->pins) == 0 && deferred_free_locked(pool, c, at->zspage);
}

/* Locks the class of a handle: with the lock it cannot move. NULL = the handle is not live. */
static struct zs_class *lock_class_of(struct zs_pool *pool, zs_handle handle, struct zs_place *at)
{
    for (;;) {
        uint32_t w = atomic_load_explicit(&pool->word[handle], memory_order_acquire);
        if (!word_is_live(w))
            return NULL;
        struct zs_class *c =
            &pool->class[atomic_load_explicit(&pool->page[w >> 8].class_id, memory_order_relaxed)];
        lock_acquire(&c->lock);
        w = atomic_load_explicit(&pool->word[handle], memory_order_acquire);
        if (word_is_live(w) &&
            atomic_load_explicit(&pool->page[w >> 8].class_id, memory_order_relaxed) == c->id) {
            place_of_word(pool, w, at);
            assert(at->zspage != 0);
            return c;
        }
        lock_release(&c->lock);
    }
}

static void note_stale(struct zs_pool *pool)
{
    atomic_fetch_add_explicit(&pool->stale_handles, 1, memory_order_relaxed);
}

/* True as deferred_free_locked(). */
static bool free_locked(struct zs_pool *pool, struct zs_class *c, const struct zs_place *at,
                        uint32_t handle)
{
    uint32_t header = header_load(pool, c, at);
    if (header == (handle << 2 | 3)) {
        note_stale(pool);
        return false;
    }
    if (header != (handle << 2 | 1))
        zspage_mend_locked(pool, c, at->zspage);
    if (atomic_load(&pool->zspage[at->zspage].pins) > 0)
        return defer_locked(pool, c, at);
    return free_object_locked(pool, c, at, handle);
}

void zs_free(struct zs_pool *pool, zs_handle handle)
{
    if (handle == 0)
        return;
    struct zs_place at;
    struct zs_class *c = lock_class_of(pool, handle, &at);
    if (c == NULL) {
        note_stale(pool);
        return;
    }
    bool empty = free_locked(pool, c, &at, handle);
    lock_release(&c->lock);
    if (empty)
        zspage_destroy(pool, at.zspage);
}
