/* The size classes.
 *
 * A class is a number of pages n and a number of objects o in them; its objects are as large as
 * n * 4096 / o allows, in steps of the header. For each size wanted (steps below) the pair that
 * costs the fewest bytes an object is taken, and a shorter chain where that costs little more.
 * Sizes that come to the same pair are one class: the kernel's merging.
 */
#include "internal.h"

#define STEP_LEAST 2u

/* Steps between the sizes wanted. Small objects are many, so a percent matters; each class more
 * costs about a page. */
static size_t step_after(size_t size)
{
    if (size < 152)
        return STEP_LEAST;
    if (size < 256)
        return 4;
    if (size < 1024)
        return 16;
    return size / 37 & ~(size_t)(STEP_LEAST - 1);
}

/* A longer chain must save more than this part of an object's bytes, in 1/1024: a chain costs
 * address space, and memory only where objects reach. */
#define LONGER_CHAIN_GAIN 2u

struct shape {
    unsigned pages, objects;
};

/* Bytes of pages for each object, in 1/1024. */
static size_t shape_cost(struct shape s)
{
    return s.pages * (size_t)ZS_PAGE_SIZE * 1024 / s.objects;
}

static struct shape best_shape(size_t size, unsigned chain_pages)
{
    struct shape best = {0, 0};
    for (unsigned pages = 1; pages <= chain_pages; pages++) {
        struct shape s = {pages, (unsigned)(pages * ZS_PAGE_SIZE / size)};
        if (s.objects < 2)
            continue;
        if (best.pages == 0 ||
            shape_cost(s) + shape_cost(s) * LONGER_CHAIN_GAIN / 1024 < shape_cost(best))
            best = s;
    }
    /* Alone in its pages, an object needs no header. */
    unsigned alone = (unsigned)((size - ZS_HEADER + ZS_PAGE_SIZE - 1) / ZS_PAGE_SIZE);
    if (best.pages == 0 || shape_cost((struct shape){alone, 1}) <= shape_cost(best))
        best = (struct shape){alone, 1};
    return best;
}

static void add_class(struct zs_pool *pool, struct shape s)
{
    struct zs_class *c = &pool->class[pool->classes];
    lock_init(&c->lock, ZS_RANK_CLASS);
    c->id = (uint8_t)pool->classes++;
    c->pages = (uint8_t)s.pages;
    c->objects = (uint16_t)s.objects;
    c->huge = s.objects == 1;
    c->size = (s.pages * ZS_PAGE_SIZE / s.objects) & ~(STEP_LEAST - 1);
}

static bool is_new(const struct zs_pool *pool, struct shape s)
{
    if (pool->classes == 0)
        return true;
    const struct zs_class *last = &pool->class[pool->classes - 1];
    return last->pages != s.pages || last->objects != s.objects;
}

void class_table_init(struct zs_pool *pool)
{
    const size_t most = ZS_MAX_ALLOC_SIZE + ZS_HEADER;
    size_t size = ZS_MIN_ALLOC_SIZE + ZS_HEADER;
    size_t filled = 0; /* entries of class_of */
    for (;;) {
        struct shape s = best_shape(size, pool->chain_pages);
        if (is_new(pool, s))
            add_class(pool, s);
        const struct zs_class *c = &pool->class[pool->classes - 1];
        /* A huge object of c->size bytes comes here as a request of that and a header. */
        size_t covers = c->size + (c->huge ? ZS_HEADER : 0);
        for (; filled * STEP_LEAST <= covers && filled < sizeof pool->class_of; filled++)
            pool->class_of[filled] = c->id;
        if (covers >= most)
            break;
        size_t next = size + step_after(size);
        size = next > covers ? next : covers + STEP_LEAST;
        if (size > most)
            size = most;
    }
    assert(pool->classes <= ZS_CLASSES_MAX);
}

int zs_lookup_class_index(const struct zs_pool *pool, size_t size)
{
    if (size == 0 || size > ZS_MAX_ALLOC_SIZE)
        return -1;
    return pool->class_of[(size + ZS_HEADER + 1) / 2];
}

size_t zs_huge_class_size(const struct zs_pool *pool)
{
    for (unsigned i = 0; i < pool->classes; i++)
        if (pool->class[i].huge)
            return i == 0 ? 1 : class_usable(&pool->class[i - 1]) + 1;
    return ZS_MAX_ALLOC_SIZE + 1;
}

size_t zs_size_cost16(const struct zs_pool *pool, size_t size)
{
    int id = zs_lookup_class_index(pool, size);
    if (id < 0)
        return 0;
    const struct zs_class *c = &pool->class[id];
    return c->pages * (size_t)ZS_PAGE_SIZE * 16 / c->objects + sizeof(uint32_t) * 16;
}

unsigned zs_class_count(const struct zs_pool *pool)
{
    return pool->classes;
}
