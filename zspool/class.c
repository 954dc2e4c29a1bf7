/* The size classes.
 *
 * A class is a number of pages and a number of objects in them; its objects are as large as
 * pages * 4096 / objects allows, in even bytes. Beginning with the smallest size, each class is the
 * one that wastes little for the first size that it must take, and takes as many more as that
 * allows. Sizes for which the kernel would make classes and merge them again come to one class from
 * the start.
 */
#include "internal.h"

#define STEP_LEAST 2u

/* What an object of the first size of a class may waste. Small objects are many, so a percent
 * matters; each class more costs about a page. */
static size_t tolerance(size_t size)
{
    if (size < 128)
        return 0;
    if (size < 256)
        return 4;
    return size < 1024 ? 16 : size / 33;
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

static uint32_t shape_size(struct shape s)
{
    return (s.pages * ZS_PAGE_SIZE / s.objects) & ~(STEP_LEAST - 1);
}

/* Among shapes that keep the limit the one that takes more sizes, among others the cheaper. */
static bool is_better(struct shape s, struct shape best, size_t limit)
{
    if (best.pages == 0)
        return true;
    bool keeps = shape_cost(s) <= limit;
    bool best_keeps = shape_cost(best) <= limit;
    if (keeps != best_keeps)
        return keeps;
    if (keeps && shape_size(s) != shape_size(best))
        return shape_size(s) > shape_size(best);
    return shape_cost(s) + shape_cost(s) * LONGER_CHAIN_GAIN / 1024 < shape_cost(best);
}

static struct shape best_shape(size_t size, unsigned chain_pages)
{
    struct shape best = {0, 0};
    size_t limit = (size + tolerance(size)) * 1024;
    for (unsigned pages = 1; pages <= chain_pages; pages++) {
        struct shape s = {pages, (unsigned)(pages * ZS_PAGE_SIZE / size)};
        /* Fewer objects are larger. */
        for (; s.objects >= 2; s.objects--) {
            if (is_better(s, best, limit))
                best = s;
            if (shape_cost(s) > limit)
                break;
        }
    }
    /* Alone in its pages, an object needs no header. */
    unsigned alone = (unsigned)((size - ZS_HEADER + ZS_PAGE_SIZE - 1) / ZS_PAGE_SIZE);
    if (best.pages == 0 || shape_cost((struct shape){alone, 1}) <= shape_cost(best))
        best = (struct shape){alone, 1};
    return best;
}

static void add_class(struct zs_pool *pool, struct shape s)
{
    assert(pool->classes < ZS_CLASSES_MAX);
    struct zs_class *c = &pool->class[pool->classes];
    lock_init(&c->lock, ZS_RANK_CLASS);
    c->id = (uint8_t)pool->classes++;
    c->pages = (uint8_t)s.pages;
    c->objects = (uint16_t)s.objects;
    c->huge = s.objects == 1;
    c->size = shape_size(s);
    if (c->size > ZS_MAX_ALLOC_SIZE) /* the buffers of callers have this size */
        c->size = ZS_MAX_ALLOC_SIZE;
}

void class_table_init(struct zs_pool *pool)
{
    const size_t most = ZS_MAX_ALLOC_SIZE + ZS_HEADER;
    size_t covers = ZS_MIN_ALLOC_SIZE + ZS_HEADER - STEP_LEAST;
    size_t filled = 0; /* entries of class_of */
    while (covers < most) {
        add_class(pool, best_shape(covers + STEP_LEAST, pool->chain_pages));
        const struct zs_class *c = &pool->class[pool->classes - 1];
        /* A huge object of c->size bytes comes here as a request of that and a header. */
        covers = c->size + (c->huge ? ZS_HEADER : 0);
        for (; filled * STEP_LEAST <= covers && filled < sizeof pool->class_of; filled++)
            pool->class_of[filled] = c->id;
    }
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
