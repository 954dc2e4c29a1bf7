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
    out->object = object;
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
    out->object = c->huge ? 0 : (p->ordinal * ZS_PAGE_SIZE + out->off) / c->size;
}

uint32_t *zspage_header(const struct zs_pool *pool, const struct zs_class *c,
                        const struct zs_place *at)
{
    if (c->huge)
        return &pool->zspage[at->zspage].huge_header;
    return (uint32_t *)(void *)(page_address(pool, at->page) + at->off);
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
    enum zs_status status = pages_take(pool, c->pages, pages);
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
    for (unsigned i = 0; i < n; i++)
        atomic_store_explicit(&pool->page[pages[i]].zspage, 0, memory_order_relaxed);
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

void zspage_link_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
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

void zspage_unlink_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
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

void zspage_relist_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number)
{
    if (fullness(c, &pool->zspage[number]) == pool->zspage[number].group)
        return;
    zspage_unlink_locked(pool, c, number);
    zspage_link_locked(pool, c, number);
}

uint32_t zspage_with_room_locked(const struct zs_class *c)
{
    for (unsigned group = ZS_FULL_GROUP; group-- > 0;)
        if (c->list[group] != 0)
            return c->list[group];
    return 0;
}

/* ---- objects ---- */

void zspage_take_object_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                               uint32_t handle, struct zs_place *out)
{
    struct zspage *z = &pool->zspage[number];
    assert(z->inuse < c->objects);
    uint32_t object = z->free_head != ZS_NO_OBJECT ? z->free_head : z->fresh++;
    zspage_object(pool, c, number, object, out);
    uint32_t *header = zspage_header(pool, c, out);
    if (object == z->free_head)
        z->free_head = *header >> 2;
    *header = handle << 2 | 1;
    z->inuse++;
}

void zspage_free_object_locked(struct zs_pool *pool, const struct zs_class *c,
                               const struct zs_place *at)
{
    struct zspage *z = &pool->zspage[at->zspage];
    uint32_t *header = zspage_header(pool, c, at);
    assert((*header & 1) != 0 && z->inuse > 0);
    *header = z->free_head << 2;
    z->free_head = at->object;
    z->inuse--;
}
