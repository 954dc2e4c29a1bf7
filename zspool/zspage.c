/* zspages: chains of pages cut into objects, in lists by how full they are. */
#include "internal.h"

/* ---- where things are ---- */

/* The page with this ordinal. */
static uint32_t page_of_chain(const struct zs_pool *pool, const struct zspage *z, uint32_t ordinal)
{
    if (z->adjacent)
        return z->first_page + ordinal;
    uint32_t page = z->first_page;
    while (ordinal-- > 0)
        page = page_after(pool, page);
    return page;
}

void zspage_object(const struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                   uint32_t object, struct zs_place *out)
{
    uint32_t off = object * c->size;
    out->zspage = number;
    out->page = page_of_chain(pool, &pool->zspage[number], off / ZS_PAGE_SIZE);
    out->off = off % ZS_PAGE_SIZE;
}

void place_of_word(const struct zs_pool *pool, uint32_t word, struct zs_place *out)
{
    out->page = word >> 8;
    const struct zs_page *p = &pool->page[out->page];
    out->zspage = atomic_load_explicit(&p->zspage, memory_order_relaxed);
    const struct zs_class *c =
        &pool->class[atomic_load_explicit(&p->class_id, memory_order_relaxed)];
    out->off = atomic_load_explicit(&p->first, memory_order_relaxed) + (word >> 1 & 0x7f) * c->size;
}

uint32_t object_of_place(const struct zs_pool *pool, const struct zs_class *c,
                         const struct zs_place *at)
{
    return c->huge ? 0 : (pool->page[at->page].ordinal * ZS_PAGE_SIZE + at->off) / c->size;
}

/* ---- headers ---- */

/* Bytes of the header that lie in the page where it starts. */
static size_t header_here(const struct zs_place *at)
{
    size_t left = ZS_PAGE_SIZE - at->off;
    return left < ZS_HEADER ? left : ZS_HEADER;
}

uint32_t header_load(const struct zs_pool *pool, const struct zs_class *c,
                     const struct zs_place *at)
{
    if (c->huge)
        return pool->zspage[at->zspage].huge_header;
    uint32_t header;
    const uint8_t *p = page_address(pool, at->page) + at->off;
    if (header_here(at) == ZS_HEADER) {
        memcpy(&header, p, ZS_HEADER);
    } else {
        memcpy(&header, p, header_here(at));
        memcpy((uint8_t *)&header + header_here(at), page_address(pool, page_after(pool, at->page)),
               ZS_HEADER - header_here(at));
    }
    return header;
}

void header_store(struct zs_pool *pool, const struct zs_class *c, const struct zs_place *at,
                  uint32_t header)
{
    if (c->huge) {
        pool->zspage[at->zspage].huge_header = header;
        return;
    }
    uint8_t *p = page_address(pool, at->page) + at->off;
    if (header_here(at) == ZS_HEADER) {
        memcpy(p, &header, ZS_HEADER);
    } else {
        memcpy(p, &header, header_here(at));
        memcpy(page_address(pool, page_after(pool, at->page)),
               (const uint8_t *)&header + header_here(at), ZS_HEADER - header_here(at));
    }
}

/* ---- making and unmaking ---- */

/* Offset of the first object that starts in the page. */
static uint16_t first_in_page(const struct zs_class *c, uint32_t ordinal)
{
    uint32_t start = ordinal * ZS_PAGE_SIZE;
    uint32_t object = (start + c->size - 1) / c->size;
    uint32_t off = object * c->size - start;
    return (uint16_t)(object >= c->objects || off >= ZS_PAGE_SIZE ? ZS_PAGE_SIZE : off);
}

static void chain_pages(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                        const uint32_t *pages)
{
    struct zspage *z = &pool->zspage[number];
    z->first_page = pages[0];
    z->adjacent = true;
    for (uint32_t i = 0; i < c->pages; i++) {
        struct zs_page *p = &pool->page[pages[i]];
        p->next = i + 1 < c->pages ? pages[i + 1] : 0;
        p->ordinal = (uint8_t)i;
        atomic_store_explicit(&p->first, first_in_page(c, i), memory_order_relaxed);
        atomic_store_explicit(&p->class_id, c->id, memory_order_relaxed);
        atomic_store_explicit(&p->zspage, number, memory_order_release);
        if (pages[i] != pages[0] + i)
            z->adjacent = false;
    }
}

enum zs_status zspage_create(struct zs_pool *pool, struct zs_class *c, uint32_t *out)
{
    uint32_t pages[ZS_CHAIN_MAX];
    uint32_t resident;
    enum zs_status status = pages_take(pool, c->pages, pages, &resident);
    if (status != ZS_OK)
        return status;
    uint32_t number = descriptor_take(pool);
    if (number == 0) {
        pages_give(pool, pages, c->pages);
        return ZS_ENOMEM;
    }
    struct zspage *z = &pool->zspage[number];
    z->free_head = ZS_NO_OBJECT;
    z->inuse = 0;
    z->fresh = 0;
    z->resident = resident;
    atomic_store_explicit(&z->class_id, c->id, memory_order_relaxed);
    z->group = 0;
    chain_pages(pool, c, number, pages);
    *out = number;
    return ZS_OK;
}

void zspage_destroy(struct zs_pool *pool, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    uint32_t pages[ZS_CHAIN_MAX];
    unsigned n = 0;
    for (uint32_t page = z->first_page; page != 0; page = page_after(pool, page))
        pages[n++] = page;
    assert(n > 0 && z->inuse == 0);
    pages_give(pool, pages, n);
    descriptor_give(pool, number);
}

/* ---- lists by fullness ---- */

/* 0 empty, 1..10 the tenths, 11 full. */
static uint8_t fullness(const struct zs_class *c, const struct zspage *z)
{
    if (z->inuse == 0)
        return 0;
    if (z->inuse == c->objects)
        return ZS_FULL_GROUP;
    return (uint8_t)(1 + z->inuse * 10u / c->objects);
}

static void link_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    z->group = fullness(c, z);
    uint32_t head = c->list[z->group];
    z->prev = 0;
    z->next = head;
    if (head != 0)
        pool->zspage[head].prev = number;
    c->list[z->group] = number;
    c->count[z->group]++;
}

static void unlink_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    const struct zspage *z = &pool->zspage[number];
    if (z->prev != 0)
        pool->zspage[z->prev].next = z->next;
    else
        c->list[z->group] = z->next;
    if (z->next != 0)
        pool->zspage[z->next].prev = z->prev;
    c->count[z->group]--;
}

void zspage_enlist_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    link_locked(pool, c, number);
    count_locked(&c->obj_allocated, c->objects);
    count_locked(&c->pages_used, (size_t)__builtin_popcount(pool->zspage[number].resident));
}

/* From here on its pages lead nowhere: whoever finds a page with the lock of the class held may
 * rely on the zspage. */
void zspage_retire_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    const struct zspage *z = &pool->zspage[number];
    unlink_locked(pool, c, number);
    count_locked(&c->obj_allocated, (size_t)0 - c->objects);
    count_locked(&c->pages_used, (size_t)0 - (size_t)__builtin_popcount(z->resident));
    for (uint32_t page = z->first_page; page != 0; page = page_after(pool, page))
        atomic_store_explicit(&pool->page[page].zspage, 0, memory_order_relaxed);
}

void zspage_relist_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    if (fullness(c, &pool->zspage[number]) == pool->zspage[number].group)
        return;
    unlink_locked(pool, c, number);
    link_locked(pool, c, number);
}

uint32_t zspage_with_room_locked(const struct zs_class *c)
{
    for (unsigned group = ZS_FULL_GROUP; group-- > 0;)
        if (c->list[group] != 0)
            return c->list[group];
    return 0;
}

/* ---- objects ---- */

/* The pages that an object reaches into, as bits. */
static uint32_t pages_of_object(const struct zs_class *c, uint32_t object)
{
    if (c->huge)
        return ((uint32_t)1 << c->pages) - 1;
    uint32_t first = object * c->size / ZS_PAGE_SIZE;
    uint32_t last = (object * c->size + c->size - 1) / ZS_PAGE_SIZE;
    return ((uint32_t)2 << last) - ((uint32_t)1 << first);
}

bool zspage_is_ready(const struct zspage *z, const struct zs_class *c)
{
    return z->free_head != ZS_NO_OBJECT || (pages_of_object(c, z->fresh) & ~z->resident) == 0;
}

enum zs_status zspage_prepare_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    if (zspage_is_ready(z, c))
        return ZS_OK;
    uint32_t missing = pages_of_object(c, z->fresh) & ~z->resident;
    uint32_t pages[ZS_CHAIN_MAX];
    unsigned n = 0;
    for (uint32_t left = missing; left != 0; left &= left - 1)
        pages[n++] = page_of_chain(pool, z, (uint32_t)__builtin_ctz(left));
    enum zs_status status = pages_commit(pool, pages, n);
    if (status == ZS_OK) {
        z->resident |= missing;
        count_locked(&c->pages_used, n);
    }
    return status;
}

void zspage_cut_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    assert(z->fresh > 0 && !c->huge);
    uint32_t last = (z->fresh * c->size - 1) / ZS_PAGE_SIZE;
    uint32_t needed = ((uint32_t)2 << last) - 1;
    for (uint32_t left = z->resident & ~needed; left != 0; left &= left - 1) {
        uint32_t ordinal = (uint32_t)__builtin_ctz(left);
        pages_discard(pool, page_of_chain(pool, z, ordinal));
        z->resident &= ~((uint32_t)1 << ordinal);
        count_locked(&c->pages_used, (size_t)-1);
    }
}

void zspage_rebuild_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number)
{
    struct zspage *z = &pool->zspage[number];
    uint16_t fresh = 0;
    uint32_t next = ZS_NO_OBJECT;
    for (uint32_t i = z->fresh; i-- > 0;) {
        struct zs_place at;
        zspage_object(pool, c, number, i, &at);
        if ((header_load(pool, c, &at) & 1) != 0) {
            fresh = fresh != 0 ? fresh : (uint16_t)(i + 1);
        } else if (fresh != 0) {
            header_store(pool, c, &at, next << 2);
            next = i;
        }
    }
    z->fresh = fresh;
    z->free_head = next;
}

/* A handle whose object should be at `at` and have this header. */
static void mend_header(struct zs_pool *pool, const struct zs_class *c, const struct zs_place *at,
                        uint32_t handle)
{
    if (header_load(pool, c, at) >> 2 != handle)
        header_store(pool, c, at, handle << 2 | 1);
}

void zspage_mend_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number)
{
    uint64_t live[ZS_OBJECTS_MOST / 64 + 1] = {0};
    uint32_t handles = atomic_load_explicit(&pool->handles_begun, memory_order_acquire);
    struct zs_place at;
    for (uint32_t handle = 1; handle <= handles; handle++) {
        uint32_t w = atomic_load_explicit(&pool->word[handle], memory_order_relaxed);
        if (!word_is_live(w) ||
            atomic_load_explicit(&pool->page[w >> 8].zspage, memory_order_relaxed) != number)
            continue;
        place_of_word(pool, w, &at);
        uint32_t object = object_of_place(pool, c, &at);
        live[object / 64] |= (uint64_t)1 << object % 64;
        mend_header(pool, c, &at, handle);
    }
    for (uint32_t i = 0; i < pool->zspage[number].fresh; i++) {
        if ((live[i / 64] >> i % 64 & 1) != 0)
            continue;
        zspage_object(pool, c, number, i, &at);
        header_store(pool, c, &at, ZS_NO_OBJECT << 2);
    }
    zspage_rebuild_locked(pool, c, number);
    atomic_fetch_add_explicit(&pool->links_mended, 1, memory_order_relaxed);
}

/* Takes the head of the free list. A link that was overwritten is not followed. */
static void pop_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                       struct zs_place *out)
{
    struct zspage *z = &pool->zspage[number];
    zspage_object(pool, c, number, z->free_head, out);
    uint32_t header = header_load(pool, c, out);
    uint32_t next = header >> 2;
    if ((header & 3) == 0 && (next < z->fresh || next == ZS_NO_OBJECT)) {
        z->free_head = next;
        if (z->adjacent && next != ZS_NO_OBJECT) /* the next allocation reads its link */
            __builtin_prefetch(page_address(pool, z->first_page) + (size_t)next * c->size, 1);
        return;
    }
    zspage_mend_locked(pool, c, number);
    uint32_t object = z->free_head != ZS_NO_OBJECT ? z->free_head : z->fresh++;
    zspage_object(pool, c, number, object, out);
    if (object == z->free_head)
        z->free_head = header_load(pool, c, out) >> 2;
}

void zspage_take_object_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                               uint32_t handle, struct zs_place *out)
{
    struct zspage *z = &pool->zspage[number];
    assert(z->inuse < c->objects && zspage_is_ready(z, c));
    if (z->free_head != ZS_NO_OBJECT)
        pop_locked(pool, c, number, out);
    else
        zspage_object(pool, c, number, z->fresh++, out);
    header_store(pool, c, out, handle << 2 | 1);
    z->inuse++;
}

void zspage_free_object_locked(struct zs_pool *pool, const struct zs_class *c,
                               const struct zs_place *at)
{
    struct zspage *z = &pool->zspage[at->zspage];
    assert((header_load(pool, c, at) & 1) != 0 && z->inuse > 0);
    header_store(pool, c, at, z->free_head << 2);
    z->free_head = object_of_place(pool, c, at);
    z->inuse--;
}
