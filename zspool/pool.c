/* Making and unmaking a pool. */
#include <stdlib.h>

#include "internal.h"

#define RESERVE_DEFAULT ((size_t)ZS_BLOCKS_MOST * ZS_BLOCK_SIZE) /* 64 GiB */
#define RESERVE_LEAST   ((size_t)256 << 20)
#define CHAIN_DEFAULT   16u
#define COMPACT_RANK    (ZS_RANK_CLASS - 1)

static size_t pages_of(const struct zs_pool *pool)
{
    return pool->reserve_bytes / ZS_PAGE_SIZE;
}

static size_t page_table_bytes(const struct zs_pool *pool)
{
    return pages_of(pool) * sizeof(struct zs_page);
}

static size_t descriptor_bytes(const struct zs_pool *pool)
{
    return pages_of(pool) * sizeof(struct zspage);
}

static size_t block_bytes(const struct zs_pool *pool)
{
    return pool->reserve_bytes / ZS_BLOCK_SIZE * sizeof(struct zs_block);
}

/* Never more handles than the smallest objects that fit. */
static size_t handle_bytes(const struct zs_pool *pool)
{
    size_t objects = pool->reserve_bytes / ZS_MIN_ALLOC_SIZE;
    size_t most = (size_t)ZS_HANDLE_MAX + 1;
    return (objects < most ? objects : most) * sizeof(uint32_t);
}

static void release_all(struct zs_pool *pool)
{
    os_release(pool->base, pool->reserve_bytes);
    os_release(pool->page, page_table_bytes(pool));
    os_release(pool->zspage, descriptor_bytes(pool));
    os_release(pool->block, block_bytes(pool));
    os_release(pool->word, handle_bytes(pool));
}

static bool reserve_all(struct zs_pool *pool, size_t bytes)
{
    pool->reserve_bytes = bytes;
    pool->base = os_reserve(bytes);
    pool->page = os_reserve(page_table_bytes(pool));
    pool->zspage = os_reserve(descriptor_bytes(pool));
    pool->block = os_reserve(block_bytes(pool));
    pool->word = os_reserve(handle_bytes(pool));
    if (pool->base != NULL && pool->page != NULL && pool->zspage != NULL && pool->block != NULL &&
        pool->word != NULL)
        return true;
    release_all(pool);
    return false;
}

/* The size asked for, or half of it, and so on, where the system refuses. */
static bool reserve(struct zs_pool *pool, size_t wanted)
{
    size_t bytes = wanted == 0 || wanted > RESERVE_DEFAULT ? RESERVE_DEFAULT : wanted;
    bytes = (bytes + ZS_BLOCK_SIZE - 1) / ZS_BLOCK_SIZE * ZS_BLOCK_SIZE + ZS_BLOCK_SIZE;
    if (bytes > RESERVE_DEFAULT)
        bytes = RESERVE_DEFAULT;
    for (;;) {
        if (reserve_all(pool, bytes))
            return true;
        if (bytes < 2 * RESERVE_LEAST)
            return false;
        bytes /= 2;
    }
}

struct zs_pool *zs_create_pool(const struct zs_pool_opts *opts)
{
    struct zs_pool *pool = aligned_alloc(_Alignof(struct zs_pool), sizeof *pool);
    if (pool == NULL)
        return NULL;
    memset(pool, 0, sizeof *pool);
    pool->chain_pages = CHAIN_DEFAULT;
    if (opts->chain_pages > 0 && opts->chain_pages < ZS_CHAIN_MAX)
        pool->chain_pages = opts->chain_pages;
    pool->fail = opts->fail;
    pool->fail_arg = opts->fail_arg;
    if (!reserve(pool, opts->reserve_bytes)) {
        free(pool);
        return NULL;
    }
    pool->zspages_most = pages_of(pool);
    lock_init(&pool->compact_lock, COMPACT_RANK);
    lock_init(&pool->handle_lock, ZS_RANK_HANDLES);
    class_table_init(pool);
    pages_init(pool, opts->max_pages);
    return pool;
}

size_t zs_destroy_pool(struct zs_pool *pool, FILE *leaks)
{
    if (pool == NULL)
        return 0;
    size_t live = 0;
    for (unsigned i = 0; i < pool->classes; i++) {
        size_t used = atomic_load(&pool->class[i].obj_used);
        if (used > 0 && leaks != NULL)
            fprintf(leaks, "zspool: %zu live objects of class %u (%u bytes)\n", used, i,
                    pool->class[i].size);
        live += used;
    }
    release_all(pool);
    free(pool);
    return live;
}
