/* Mapping: pinning an object and giving its bytes, in place where they lie together. */
#include "internal.h"

#define LINE 64         /* bytes that the processor loads at a time */
#define FEW  (2 * LINE) /* of an object: what its owner writes before a value, as a rule */

/* False while a mover has it. */
static inline bool pin_zspage(struct zs_pool *pool, uint32_t number)
{
    _Atomic int32_t *pins = &pool->zspage[number].pins;
    int32_t n = atomic_load_explicit(pins, memory_order_relaxed);
    do {
        if (n < 0)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(pins, &n, n + 1, memory_order_seq_cst,
                                                    memory_order_relaxed));
    return true;
}

void unpin_zspage(struct zs_pool *pool, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    /* Either this sees the deferred free, or zs_free() sees that nobody has it mapped: both sides
     * write first and read then. */
    if (atomic_fetch_sub_explicit(&z->pins, 1, memory_order_seq_cst) == 1 &&
        atomic_load_explicit(&z->deferred, memory_order_seq_cst) != 0)
        deferred_free(pool, number);
}

/* A mover holds the lock of the class while it moves. */
static void wait_for_mover(struct zs_pool *pool, uint32_t word)
{
    uint8_t id = atomic_load_explicit(&pool->page[word >> 8].class_id, memory_order_relaxed);
    lock_acquire(&pool->class[id].lock);
    lock_release(&pool->class[id].lock);
}

uint32_t pin_handle(struct zs_pool *pool, zs_handle handle, struct zs_place *out)
{
    assert(handle != 0 && handle <= ZS_HANDLE_MAX);
    const _Atomic uint32_t *word = &pool->word[handle];
    for (;;) {
        uint32_t w = atomic_load_explicit(word, memory_order_acquire);
        if (!word_is_live(w)) {
            atomic_fetch_add_explicit(&pool->stale_handles, 1, memory_order_relaxed);
            return 0;
        }
        uint32_t number = atomic_load_explicit(&pool->page[w >> 8].zspage, memory_order_relaxed);
        if (number == 0 || !pin_zspage(pool, number)) {
            wait_for_mover(pool, w);
            continue;
        }
        if (atomic_load_explicit(word, memory_order_seq_cst) == w &&
            atomic_load_explicit(&pool->page[w >> 8].zspage, memory_order_relaxed) == number) {
            place_of_word(pool, w, out);
            return number;
        }
        unpin_zspage(pool, number);
    }
}

/* Steps over the pages of an object: skip bytes, then pieces of at most what is left. */
struct walk {
    uint32_t page;
    uint32_t off;
};

static struct walk walk_begin(const struct zs_pool *pool, const struct zs_place *at, size_t skip)
{
    size_t off = at->off + skip;
    struct walk w = {at->page, (uint32_t)(off % ZS_PAGE_SIZE)};
    for (size_t pages = off / ZS_PAGE_SIZE; pages > 0; pages--)
        w.page = page_after(pool, w.page);
    return w;
}

static uint8_t *walk_piece(const struct zs_pool *pool, struct walk *w, size_t left, size_t *len)
{
    if (w->off == ZS_PAGE_SIZE) {
        w->page = page_after(pool, w->page);
        w->off = 0;
    }
    uint8_t *p = page_address(pool, w->page) + w->off;
    *len = ZS_PAGE_SIZE - w->off;
    if (*len > left)
        *len = left;
    w->off += (uint32_t)*len;
    return p;
}

void object_read(const struct zs_pool *pool, const struct zs_place *at, size_t skip, void *dst,
                 size_t len)
{
    uint8_t *to = dst;
    struct walk w = walk_begin(pool, at, skip);
    for (size_t n; len > 0; len -= n, to += n) {
        const uint8_t *p = walk_piece(pool, &w, len, &n);
        memcpy(to, p, n);
    }
}

void object_write(const struct zs_pool *pool, const struct zs_place *at, size_t skip,
                  const void *src, size_t len)
{
    const uint8_t *from = src;
    struct walk w = walk_begin(pool, at, skip);
    for (size_t n; len > 0; len -= n, from += n) {
        uint8_t *p = walk_piece(pool, &w, len, &n);
        memcpy(p, from, n);
    }
}

static const struct zs_class *class_of_zspage(const struct zs_pool *pool, uint32_t number)
{
    return &pool->class[atomic_load_explicit(&pool->zspage[number].class_id, memory_order_relaxed)];
}

static size_t header_bytes(const struct zs_class *c)
{
    return c->huge ? 0 : ZS_HEADER;
}

/* Whether the bytes from `skip` on lie together; the usual case is decided by the first test. */
static bool lies_together(const struct zs_pool *pool, const struct zs_place *at, size_t skip,
                          size_t len)
{
    if (at->off + skip + len <= ZS_PAGE_SIZE || pool->zspage[at->zspage].adjacent)
        return true;
    size_t reach = at->off + skip + len;
    for (uint32_t page = at->page; reach > ZS_PAGE_SIZE; reach -= ZS_PAGE_SIZE) {
        uint32_t next = page_after(pool, page);
        if (next != page + 1)
            return false;
        page = next;
    }
    return true;
}

static inline void *map_object(struct zs_pool *pool, zs_handle handle, enum zs_mapmode mode,
                               size_t len, void *buf, struct zs_map *map)
{
    struct zs_place at;
    uint32_t number = pin_handle(pool, handle, &at);
    if (number == 0)
        return map->ptr = NULL;
    const struct zs_class *c = class_of_zspage(pool, number);
    size_t skip = header_bytes(c);
    map->zspage = &pool->zspage[number];
    map->handle = handle;
    map->mode = (uint8_t)mode;
    map->len = len < class_usable(c) ? len : class_usable(c);
    map->copied = !lies_together(pool, &at, skip, map->len);
    if (!map->copied) {
        map->ptr = page_address(pool, at.page) + at.off + skip;
        return map->ptr;
    }
    map->ptr = buf;
    if (mode != ZS_MM_WO)
        object_read(pool, &at, skip, buf, map->len);
    return buf;
}

void *zs_map_object(struct zs_pool *pool, zs_handle handle, enum zs_mapmode mode, size_t len,
                    void *buf, struct zs_map *map)
{
    return map_object(pool, handle, mode, len, buf, map);
}

/* The word of a pinned object does not change. */
static void write_back(struct zs_pool *pool, const struct zs_map *map)
{
    struct zs_place at;
    place_of_word(pool, atomic_load_explicit(&pool->word[map->handle], memory_order_relaxed), &at);
    object_write(pool, &at, header_bytes(class_of_zspage(pool, at.zspage)), map->ptr, map->len);
}

void zs_unmap_object(struct zs_pool *pool, struct zs_map *map)
{
    if (map->copied && map->mode != ZS_MM_RO)
        write_back(pool, map);
    unpin_zspage(pool, (uint32_t)((struct zspage *)map->zspage - pool->zspage));
    map->ptr = NULL;
}

const void *zs_obj_read_begin(struct zs_pool *pool, zs_handle handle, size_t len, void *buf,
                              struct zs_map *map)
{
    return map_object(pool, handle, ZS_MM_RO, len, buf, map);
}

void zs_obj_read_end(struct zs_pool *pool, struct zs_map *map)
{
    zs_unmap_object(pool, map);
}

unsigned zs_obj_read_sg_begin(struct zs_pool *pool, zs_handle handle, size_t len,
                              struct zs_segment *seg, struct zs_map *map)
{
    struct zs_place at;
    uint32_t number = pin_handle(pool, handle, &at);
    if (number == 0)
        return 0;
    const struct zs_class *c = class_of_zspage(pool, number);
    size_t left = len < class_usable(c) ? len : class_usable(c);
    *map = (struct zs_map){.len = left, .handle = handle, .zspage = &pool->zspage[number]};
    struct walk w = walk_begin(pool, &at, header_bytes(c));
    unsigned n = 0;
    for (size_t piece; left > 0; left -= piece) {
        const uint8_t *p = walk_piece(pool, &w, left, &piece);
        if (n > 0 && (const uint8_t *)seg[n - 1].ptr + seg[n - 1].len == p) {
            seg[n - 1].len += piece;
        } else {
            assert(n < ZS_SG_MAX);
            seg[n++] = (struct zs_segment){p, piece};
        }
    }
    return n;
}

void zs_obj_write(struct zs_pool *pool, zs_handle handle, size_t off, const void *src, size_t len)
{
    struct zs_place at;
    uint32_t number = pin_handle(pool, handle, &at);
    if (number == 0)
        return;
    const struct zs_class *c = class_of_zspage(pool, number);
    assert(off <= class_usable(c) && len <= class_usable(c) - off);
    object_write(pool, &at, header_bytes(c) + off, src, len);
    unpin_zspage(pool, number);
}

void zs_prefetch_handle(struct zs_pool *pool, zs_handle handle)
{
    __builtin_prefetch((const void *)&pool->word[handle]);
}

/* An object that goes on in a page elsewhere is loaded up to there. */
void zs_prefetch_bytes(struct zs_pool *pool, zs_handle handle, size_t len)
{
    uint32_t w = atomic_load_explicit(&pool->word[handle], memory_order_relaxed);
    if (!word_is_live(w))
        return;
    const struct zs_page *p = &pool->page[w >> 8];
    const struct zs_class *c =
        &pool->class[atomic_load_explicit(&p->class_id, memory_order_relaxed)];
    const uint8_t *at = page_address(pool, w >> 8) +
                        atomic_load_explicit(&p->first, memory_order_relaxed) +
                        (size_t)(w >> 1 & 0x7f) * c->size;
    const uint8_t *end = at + (len < c->size ? len : c->size);
    for (const uint8_t *line = at; line < end; line += LINE)
        __builtin_prefetch(line);
    __builtin_prefetch(end - 1);
    __builtin_prefetch(&pool->zspage[atomic_load_explicit(&p->zspage, memory_order_relaxed)]);
}

void zs_prefetch(struct zs_pool *pool, zs_handle handle)
{
    zs_prefetch_bytes(pool, handle, FEW);
}

size_t zs_usable_size(struct zs_pool *pool, zs_handle handle)
{
    struct zs_place at;
    uint32_t number = pin_handle(pool, handle, &at);
    if (number == 0)
        return 0;
    size_t usable = class_usable(class_of_zspage(pool, number));
    unpin_zspage(pool, number);
    return usable;
}
