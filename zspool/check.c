/* Every invariant of a pool, walked. All locks are held meanwhile. */
#include "internal.h"

#define CHECK(condition, what)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return what;                                                                           \
    } while (0)

struct tally {
    size_t live, pages, addresses;
};

/* Pages of the chain belong to it, in order. */
static const char *check_chain(const struct zs_pool *pool, const struct zs_class *c,
                               uint32_t number)
{
    const struct zspage *z = &pool->zspage[number];
    unsigned n = 0;
    bool adjacent = true;
    for (uint32_t page = z->first_page; page != 0; page = page_after(pool, page)) {
        const struct zs_page *p = &pool->page[page];
        CHECK(atomic_load(&p->zspage) == number, "a page belongs to another zspage");
        CHECK(atomic_load(&p->class_id) == c->id, "a page is of another class");
        CHECK(p->ordinal == n, "a page has a wrong ordinal");
        CHECK(page / ZS_BLOCK_PAGES != 0, "a page lies in block 0");
        const struct zs_block *b = &pool->block[page / ZS_BLOCK_PAGES];
        unsigned i = page % ZS_BLOCK_PAGES;
        CHECK((b->taken[i / 64] >> i % 64 & 1) != 0, "a page of a zspage is not marked taken");
        CHECK((b->resident[i / 64] >> i % 64 & 1) == (z->resident >> n & 1),
              "a zspage is wrong about which of its pages are resident");
        if (page != z->first_page + n)
            adjacent = false;
        n++;
        CHECK(n <= c->pages, "a chain is too long");
    }
    CHECK(n == c->pages, "a chain is too short");
    CHECK(adjacent == (z->adjacent != 0), "a zspage has a wrong mark for adjacent pages");
    return NULL;
}

static const char *check_objects(const struct zs_pool *pool, const struct zs_class *c,
                                 uint32_t number)
{
    const struct zspage *z = &pool->zspage[number];
    uint32_t live = 0;
    uint32_t pending = 0;
    CHECK(z->fresh <= c->objects, "more fresh objects than there are");
    uint32_t reach = z->fresh == 0 ? 0
                     : c->huge     ? c->pages
                                   : (z->fresh * c->size - 1) / ZS_PAGE_SIZE + 1;
    CHECK((~z->resident & (((uint32_t)1 << reach) - 1)) == 0, "an object is not resident");
    for (uint32_t i = 0; i < z->fresh; i++) {
        struct zs_place at;
        zspage_object(pool, c, number, i, &at);
        uint32_t header = header_load(pool, c, &at);
        if ((header & 1) == 0)
            continue;
        live++;
        pending += (header & 2) != 0;
        uint32_t word = atomic_load(&pool->word[header >> 2]);
        CHECK(word == place_word(pool, c, &at), "a handle does not lead to its object");
        struct zs_place back;
        place_of_word(pool, word, &back);
        CHECK(object_of_place(pool, c, &back) == i && back.off == at.off && back.zspage == number,
              "a location word is read wrongly");
    }
    CHECK(live == z->inuse, "objects in use are miscounted");
    CHECK(pending == atomic_load(&z->deferred), "deferred frees are miscounted");
    uint32_t free_objects = 0;
    for (uint32_t i = z->free_head; i != ZS_NO_OBJECT; free_objects++) {
        CHECK(i < z->fresh && free_objects < z->fresh, "a free list is broken");
        struct zs_place at;
        zspage_object(pool, c, number, i, &at);
        uint32_t header = header_load(pool, c, &at);
        CHECK((header & 1) == 0, "a live object is in a free list");
        i = header >> 2;
    }
    CHECK(free_objects + live == z->fresh, "an object is neither free nor live");
    return NULL;
}

static bool group_is_right(const struct zs_class *c, const struct zspage *z, unsigned group)
{
    if (z->inuse == c->objects)
        return group == ZS_FULL_GROUP;
    return z->inuse == 0 ? group == 0 : group == 1 + z->inuse * 10u / c->objects;
}

static const char *check_class(const struct zs_pool *pool, const struct zs_class *c,
                               struct tally *tally)
{
    size_t zspages = 0;
    size_t live = 0;
    size_t pages = 0;
    for (unsigned group = 0; group < ZS_FULLNESS_GROUPS; group++) {
        size_t n = 0;
        uint32_t before = 0;
        for (uint32_t i = c->list[group]; i != 0; i = pool->zspage[i].next) {
            const struct zspage *z = &pool->zspage[i];
            CHECK(z->class_id == c->id && z->group == group, "a zspage is in a wrong list");
            CHECK(z->prev == before, "a list is not linked both ways");
            CHECK(group_is_right(c, z, group), "a zspage is in a wrong fullness group");
            CHECK(z->inuse > 0, "an empty zspage was kept");
            const char *fault = check_chain(pool, c, i);
            if (fault == NULL)
                fault = check_objects(pool, c, i);
            if (fault != NULL)
                return fault;
            live += z->inuse;
            pages += (size_t)__builtin_popcount(z->resident);
            before = i;
            n++;
        }
        CHECK(n == c->count[group], "zspages of a group are miscounted");
        zspages += n;
    }
    CHECK(live == atomic_load(&c->obj_used), "objects of a class are miscounted");
    CHECK(zspages * c->objects == atomic_load(&c->obj_allocated), "capacity is miscounted");
    CHECK(pages == atomic_load(&c->pages_used), "pages of a class are miscounted");
    tally->live += live;
    tally->pages += pages;
    tally->addresses += zspages * c->pages;
    return NULL;
}

/* Every handle begun is live or in one free list. */
static const char *check_handles(const struct zs_pool *pool, const struct tally *tally)
{
    size_t free_handles = 0;
    size_t begun = atomic_load(&pool->handles_begun);
    for (unsigned i = 0; i < pool->classes; i++) {
        const struct zs_class *c = &pool->class[i];
        uint32_t n = 0;
        for (uint32_t h = c->stash; h != 0 && n <= c->stash_count; n++) {
            uint32_t word = atomic_load(&pool->word[h]);
            CHECK((word & 1) != 0, "a live handle is in a stash");
            h = word >> 1;
        }
        CHECK(n == c->stash_count, "a stash is miscounted");
        free_handles += n;
    }
    for (uint32_t h = pool->handle_free; h != 0; free_handles++) {
        uint32_t word = atomic_load(&pool->word[h]);
        CHECK((word & 1) != 0 && free_handles <= begun, "the list of free handles is broken");
        h = word >> 1;
    }
    CHECK(free_handles + tally->live == begun, "a handle is lost");
    return NULL;
}

static bool has_mark(const struct zs_pool *pool, uint32_t block)
{
    return (pool->pages.cached_in[block / 64] >> block % 64 & 1) != 0;
}

static bool has_cached_pages(const struct zs_block *b)
{
    uint64_t cached = 0;
    for (unsigned w = 0; w < ZS_BLOCK_PAGES / 64; w++)
        cached |= b->resident[w] & ~b->taken[w];
    return cached != 0;
}

static const char *check_blocks(const struct zs_pool *pool, const struct tally *tally)
{
    size_t taken = 0;
    size_t used = 0;
    size_t resident = 0;
    for (uint32_t i = 1; i < pool->pages.blocks_begun; i++) {
        const struct zs_block *b = &pool->block[i];
        unsigned in_use = 0;
        unsigned there = 0;
        for (unsigned w = 0; w < ZS_BLOCK_PAGES / 64; w++) {
            in_use += (unsigned)__builtin_popcountll(b->taken[w]);
            there += (unsigned)__builtin_popcountll(b->resident[w]);
            used += (unsigned)__builtin_popcountll(b->taken[w] & b->resident[w]);
        }
        CHECK(in_use == b->taken_count && there == b->resident_count, "a block is miscounted");
        CHECK(has_mark(pool, i) || !has_cached_pages(b), "cached pages of a block are forgotten");
        taken += in_use;
        resident += there;
    }
    CHECK(taken == tally->addresses && taken == pool->pages.taken,
          "a page that is taken belongs to no zspage");
    CHECK(used == tally->pages && used == atomic_load(&pool->pages.used),
          "used pages are miscounted");
    CHECK(resident - used == atomic_load(&pool->pages.cached), "cached pages are miscounted");
    return NULL;
}

const char *zs_check(struct zs_pool *pool)
{
    struct tally tally = {0};
    const char *fault = NULL;
    for (unsigned i = 0; i < pool->classes; i++)
        lock_acquire(&pool->class[i].lock);
    lock_acquire(&pool->handle_lock);
    lock_acquire(&pool->pages.lock);
    for (unsigned i = 0; i < pool->classes && fault == NULL; i++)
        fault = check_class(pool, &pool->class[i], &tally);
    if (fault == NULL)
        fault = check_handles(pool, &tally);
    if (fault == NULL)
        fault = check_blocks(pool, &tally);
    lock_release(&pool->pages.lock);
    lock_release(&pool->handle_lock);
    for (unsigned i = 0; i < pool->classes; i++)
        lock_release(&pool->class[i].lock);
    return fault;
}
