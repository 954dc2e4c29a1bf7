/* zspool: a pool of small objects behind stable handles, packed into 4 KiB pages.
 *
 * A redesign of the Linux kernel's zsmalloc for user space. Objects of one size class lie in
 * zspages, chains of pages that need not be adjacent; an object may run across a page border.
 * Because users hold handles and not pointers, the pool may move any object that nobody has mapped:
 * compaction empties sparse zspages, page migration empties sparse 2 MiB blocks, and what is empty
 * goes back to the system.
 *
 * Thread safety: every function may be called from any thread, except zs_destroy_pool(). Two
 * threads must not write one object at the same time, nor free a handle twice: a handle has one
 * owner, as a pointer from malloc() has.
 */
#ifndef ZSPOOL_H
#define ZSPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZS_PAGE_SIZE      4096u
#define ZS_BLOCK_SIZE     (2u << 20)
#define ZS_MIN_ALLOC_SIZE 32u
/* Largest request. A class of one object of up to 17 pages, so that a head of 64 KiB and its key
 * fit. */
#define ZS_MAX_ALLOC_SIZE (17u * ZS_PAGE_SIZE - 64u)
/* Handles fit in 30 bits, so that an index slot has two bits to spare. */
#define ZS_HANDLE_BITS 30
#define ZS_HANDLE_MAX  ((1u << ZS_HANDLE_BITS) - 1)

struct zs_pool;
typedef uint32_t zs_handle; /* never 0; valid from zs_malloc() to zs_free() */

enum zs_status {
    ZS_OK = 0,
    ZS_EINVAL,  /* size 0 */
    ZS_ETOOBIG, /* size over ZS_MAX_ALLOC_SIZE */
    ZS_ELIMIT,  /* the page limit of the pool is reached: free, compact or raise it */
    ZS_ENOMEM,  /* the system gave no memory, or no handle is left */
};

/* Zero means the default for each. */
struct zs_pool_opts {
    size_t max_pages;     /* page limit at start; 0 = none. See zs_set_page_limit() */
    size_t reserve_bytes; /* address space to reserve; default 64 GiB, or less where the system
                             refuses */
    unsigned chain_pages; /* longest chain, 1 to 16 */
    /* For tests: called before each growth step (page, block, table); true makes it fail. */
    bool (*fail)(void *arg);
    void *fail_arg;
};

/* Returns NULL when memory or address space is short. */
struct zs_pool *zs_create_pool(const struct zs_pool_opts *opts);
/* Frees everything; no other thread may be in the pool. Returns how many objects were still live;
 * when `leaks` is not NULL, writes a line per class that has some. */
size_t zs_destroy_pool(struct zs_pool *pool, FILE *leaks);

/* Allocates `size` bytes, contents undefined. All or nothing. */
enum zs_status zs_malloc(struct zs_pool *pool, size_t size, zs_handle *out);
/* Frees; 0 is allowed. While the object is mapped, the free is carried out at the last unmap. A
 * handle that is not live is only counted. */
void zs_free(struct zs_pool *pool, zs_handle handle);

enum zs_mapmode {
    ZS_MM_RO, /* bytes are read only */
    ZS_MM_RW, /* bytes are read and written back at unmap */
    ZS_MM_WO, /* contents undefined at map; all `len` bytes are written back at unmap */
};

/* One mapping. Lives on the caller's stack or in its connection; its fields are the pool's, but for
 * ptr and len.
 *
 *   one page, or adjacent pages:   ptr -> the pool itself
 *   pages that are not adjacent:   ptr -> the caller's buffer, where the object is put together;
 *                                  RW and WO write it back at unmap
 */
struct zs_map {
    void *ptr;
    size_t len;
    zs_handle handle;
    uint8_t mode;
    bool copied;
    void *zspage; /* what is pinned */
};

/* Pins the object, so that it does not move, and maps its first `len` bytes (len <= the requested
 * size; a caller that does not know the size passes SIZE_MAX and gets the usable size of the
 * class). `buf` of at least that length (or of ZS_MAX_ALLOC_SIZE for SIZE_MAX) is used when the
 * object lies in pages that are not adjacent. Returns map->ptr, whose alignment is 2. A handle that
 * is not live is a bug of the caller: it is counted, NULL is returned and nothing is to unmap. */
void *zs_map_object(struct zs_pool *pool, zs_handle handle, enum zs_mapmode mode, size_t len,
                    void *buf, struct zs_map *map);
void zs_unmap_object(struct zs_pool *pool, struct zs_map *map);

/* Pins without mapping more than what lies together: up to ZS_SG_MAX segments over the first `len`
 * bytes. */
struct zs_segment {
    const void *ptr;
    size_t len;
};
#define ZS_SG_MAX 18
/* Like zs_map_object(RO). */
const void *zs_obj_read_begin(struct zs_pool *pool, zs_handle handle, size_t len, void *buf,
                              struct zs_map *map);
void zs_obj_read_end(struct zs_pool *pool, struct zs_map *map);
/* Returns the number of segments; adjacent pages count as one. End with zs_obj_read_end(). 0 = the
 * handle is not live, nothing to end. */
unsigned zs_obj_read_sg_begin(struct zs_pool *pool, zs_handle handle, size_t len,
                              struct zs_segment *seg, struct zs_map *map);
/* Writes len bytes at offset `off` of the object. */
void zs_obj_write(struct zs_pool *pool, zs_handle handle, size_t off, const void *src, size_t len);

/* Start loading what a map of this handle will touch: first where it is, then what is there, `len`
 * bytes of it at most (or few). They do nothing else, and nothing for 0. */
void zs_prefetch_handle(struct zs_pool *pool, zs_handle handle);
void zs_prefetch_bytes(struct zs_pool *pool, zs_handle handle, size_t len);
void zs_prefetch(struct zs_pool *pool, zs_handle handle);

/* Usable bytes of the class of this live object. */
size_t zs_usable_size(struct zs_pool *pool, zs_handle handle);
/* Bytes of pages (and of the handle table) that an object of this size costs, in 1/16 byte: what
 * MEMORY USAGE tells. */
size_t zs_size_cost16(const struct zs_pool *pool, size_t size);
/* Class a request of this size lands in; -1 when none. Smaller index = smaller objects. */
int zs_lookup_class_index(const struct zs_pool *pool, size_t size);
/* Smallest request that is stored as a zspage of its own. */
size_t zs_huge_class_size(const struct zs_pool *pool);

/* What a call of zs_compact() may spend; 0 = no limit of this kind. */
struct zs_budget {
    size_t max_moves; /* objects moved */
    size_t max_bytes; /* bytes copied */
};
struct zs_compact_result {
    size_t pages_freed;  /* pages that really left their zspage */
    size_t blocks_freed; /* 2 MiB blocks given back to the system */
    size_t objects_moved;
    size_t bytes_moved;
    size_t pinned; /* zspages passed over because somebody maps an object in them */
    bool more;     /* the budget ended it, not the lack of work */
};
/* Moves objects from the emptiest zspages to the fullest, largest class first, going on where the
 * last call stopped. One compactor at a time: a second caller returns at once with nothing done. */
struct zs_compact_result zs_compact(struct zs_pool *pool, struct zs_budget budget);
/* Moves pages out of sparse 2 MiB blocks until those are empty, and gives empty blocks back to the
 * system. */
struct zs_compact_result zs_migrate(struct zs_pool *pool, struct zs_budget budget);
/* Gives free pages back to the system until at most keep_pages stay cached. Returns pages given
 * back. */
size_t zs_trim(struct zs_pool *pool, size_t keep_pages);

/* Pages that perfect compaction would free; exact while nothing else happens and nobody maps.
 * Takes no locks. */
size_t zs_shrinker_count(struct zs_pool *pool);
/* Frees up to nr pages by compaction; returns pages freed, 0 = stop asking. */
size_t zs_shrinker_scan(struct zs_pool *pool, size_t nr);

/* Limit for resident pages (in use + cached), changed at run time; 0 = none. Lowering it frees
 * nothing by itself. */
void zs_set_page_limit(struct zs_pool *pool, size_t max_pages);
/* Pages held by zspages; a zspage holds those that its objects have reached so far. */
size_t zs_get_total_pages(const struct zs_pool *pool);
/* Bytes of memory that the pool holds from the system: pages in use and cached, descriptors, handle
 * table. What counts against a memory cap. Cheap: no locks. */
size_t zs_resident_bytes(const struct zs_pool *pool);

struct zs_pool_stats {
    size_t pages_used;   /* in zspages */
    size_t pages_cached; /* resident but free */
    size_t pages_limit;
    size_t pages_peak;         /* most pages_used so far */
    size_t blocks;             /* 2 MiB blocks with resident pages */
    size_t table_bytes;        /* handle table, descriptors, page table */
    size_t objects;            /* live */
    size_t objects_bytes;      /* live objects x class size */
    size_t huge_objects;       /* live objects with a zspage of their own */
    size_t huge_objects_since; /* ever */
    uint64_t pages_compacted;
    uint64_t objects_moved;
    uint64_t bytes_moved;
    uint64_t pages_migrated;
    uint64_t blocks_returned;
    uint64_t pins_met;
    uint64_t deferred_frees;
    uint64_t stale_handles; /* uses of handles that were not live: bugs of the caller */
    uint64_t links_mended;  /* zspages whose headers somebody had overwritten */
};
void zs_pool_stats(const struct zs_pool *pool, struct zs_pool_stats *out);

/* The columns of the kernel's `classes` file, and two more. Groups: 0 is empty, 1..10 the tenths,
 * 10 = 90..99 %, 11 = full. */
#define ZS_FULLNESS_GROUPS 12
struct zs_class_stats {
    unsigned index;
    size_t size; /* bytes an object takes, its back reference included */
    size_t zspages[ZS_FULLNESS_GROUPS];
    size_t obj_allocated; /* capacity */
    size_t obj_used;
    size_t pages_used;
    unsigned pages_per_zspage;
    unsigned objs_per_zspage;
    size_t freeable; /* pages that compaction could free */
};
unsigned zs_class_count(const struct zs_pool *pool);
/* n < zs_class_count(), in order of size. */
void zs_class_stats(struct zs_pool *pool, unsigned n, struct zs_class_stats *out);

/* Walks every invariant. Returns NULL when all hold, else what does not (a constant string). Stops
 * the pool meanwhile. For tests and DEBUG; no object may be mapped for writing. */
const char *zs_check(struct zs_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
