/* What the files of zspool/ share, grouped by the file that defines it.
 *
 * Picture of a zspage of three pages with objects of 1,360 bytes (one crosses each page border):
 *
 *   page 0 (ordinal 0, first 0)    page 1 (first 1344)            page 2 (first 1328)
 *   [obj0 ][obj1 ][obj2 ][ob        j3   ][obj4 ][obj5 ][o         bj6 ][obj7 ]...
 *
 * Object: [header 4 bytes][what the user stores]. Header, live: handle << 2 | pending << 1 | 1.
 * Header, free: number of the next free object << 2 (0xfffffffc = none). Objects lie at even
 * offsets, so a header may cross a page border, too. Huge objects, alone in their zspage, have no
 * header: their handle is in the descriptor.
 *
 * A chain is made of addresses. Its pages become resident, and count, when the first object reaches
 * into them, and the last zspage of a class that is not full is cut back by compaction: so a class
 * wastes less than a page or two, however long its chains are.
 *
 * Handle table, one word a handle:
 *   live: page number << 8 | object << 1    object = number among those that start in that page
 *   free: number of the next free handle << 1 | 1
 *
 * Lock order: class (ascending) > handles > pages. Pins come before none of them: a reader pins
 * without a lock, and a mover, under the lock of the class, only tries.
 *
 *   pins: n > 0 readers have it mapped; 0 free to move; ZS_MOVING a mover has it.
 *
 * A reader loads the word of its handle, pins the zspage that the page belongs to, and looks at the
 * word again: when it is the same, the object cannot move or go away until it is unpinned.
 * Descriptors are never unmapped while the pool lives, so a pin that comes too late hits a
 * descriptor all the same and is taken back.
 */
#ifndef ZSPOOL_INTERNAL_H
#define ZSPOOL_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/lock.h"
#include "base/os_memory.h"
#include "zspool/zspool.h"

#define ZS_BLOCK_PAGES  (ZS_BLOCK_SIZE / ZS_PAGE_SIZE)
#define ZS_BLOCKS_MOST  (1u << (24 - 9)) /* a location word has 24 bits for the page */
#define ZS_HEADER       4u
#define ZS_CHAIN_MAX    17u
#define ZS_CLASSES_MAX  255u
#define ZS_OBJECTS_MOST (16u * ZS_PAGE_SIZE / (ZS_MIN_ALLOC_SIZE + ZS_HEADER)) /* in a zspage */
#define ZS_MOVING       (-(1 << 30))
#define ZS_NO_OBJECT    0x3fffffffu
#define ZS_FULL_GROUP   (ZS_FULLNESS_GROUPS - 1)
#define ZS_STASH_MOST   128u /* free handles that a class keeps for itself */
#define ZS_STASH_REFILL 64u

enum zs_rank { ZS_RANK_CLASS = 20, ZS_RANK_HANDLES = 21, ZS_RANK_PAGES = 22 };

/* One a 4 KiB page of the reservation. Readers look at `zspage` before they have a pin; the rest
 * needs one. */
struct zs_page {
    _Atomic uint32_t zspage; /* number of its zspage; 0 = free */
    uint32_t next;           /* page behind it in the chain; 0 = last (page 0 is never used) */
    _Atomic uint16_t first;  /* offset of the first object that starts here; ZS_PAGE_SIZE = none */
    _Atomic uint8_t class_id;
    uint8_t ordinal; /* place in the chain */
};

struct zspage {
    _Atomic int32_t pins;
    _Atomic uint32_t deferred; /* live objects whose free waits for the last unpin */
    uint32_t first_page;
    uint32_t prev, next; /* in the list of its fullness group */
    uint32_t huge_header;
    uint32_t resident;  /* a bit for each page of the chain */
    uint32_t free_head; /* number of a free object, ZS_NO_OBJECT = none */
    uint16_t inuse;
    uint16_t fresh; /* objects from here on were never used */
    _Atomic uint8_t class_id;
    uint8_t group;
    uint8_t adjacent; /* its pages follow each other in memory */
};

struct zs_class {
    struct lock lock;
    uint32_t size; /* header included */
    uint16_t objects;
    uint8_t pages;
    uint8_t id;
    bool huge;
    uint32_t stash; /* free handles */
    uint32_t stash_count;
    uint32_t list[ZS_FULLNESS_GROUPS]; /* heads; 0 = empty */
    size_t count[ZS_FULLNESS_GROUPS];
    /* Written under the lock, read without it for estimates. */
    _Atomic size_t obj_used, obj_allocated, pages_used;
    _Atomic size_t huge_since;
} __attribute__((aligned(64)));

/* 2 MiB of pages. `taken`: in a zspage. `resident`: the system has given memory for it. */
struct zs_block {
    uint64_t taken[ZS_BLOCK_PAGES / 64];
    uint64_t resident[ZS_BLOCK_PAGES / 64];
    uint32_t prev, next; /* in the list of blocks with about as many free pages */
    uint16_t taken_count, resident_count;
    uint8_t list;
    bool draining; /* migration empties it: no new pages from here */
};

#define ZS_BLOCK_LISTS 11 /* by the logarithm of the number of free pages; 0 = full */

struct zs_pages {
    struct lock lock;
    uint32_t blocks;               /* in the reservation */
    _Atomic uint32_t blocks_begun; /* that were ever used */
    uint32_t list[ZS_BLOCK_LISTS];
    uint32_t drain_cursor;
    size_t taken;                            /* addresses, resident or not */
    uint64_t cached_in[ZS_BLOCKS_MOST / 64]; /* blocks that may have cached pages */
    _Atomic size_t used, cached, limit, peak, cached_most;
    _Atomic size_t blocks_resident;
    _Atomic uint64_t blocks_returned;
};

struct zs_pool {
    uint8_t *base; /* of the reservation */
    size_t reserve_bytes;
    struct zs_page *page;
    struct zspage *zspage;
    struct zs_block *block;
    _Atomic uint32_t *word; /* handle table */
    size_t zspages_most;
    unsigned chain_pages;
    struct zs_pages pages;

    struct lock handle_lock; /* handles and zspage descriptors */
    uint32_t handle_free;
    uint32_t zspage_free;
    _Atomic uint32_t handles_begun;
    _Atomic uint32_t zspages_begun;

    struct lock compact_lock; /* rank 19: one compactor at a time */
    unsigned compact_class;   /* where the next zs_compact() goes on */

    _Atomic uint64_t pages_compacted, objects_moved, bytes_moved, pages_migrated;
    _Atomic uint64_t pins_met, deferred_frees, stale_handles, links_mended;

    bool (*fail)(void *arg);
    void *fail_arg;
    unsigned classes;
    uint8_t class_of[(17u * ZS_PAGE_SIZE) / 2 + 1]; /* by (size + header + 1) / 2 */
    struct zs_class class[ZS_CLASSES_MAX];
};

/* ---- class.c ---- */

void class_table_init(struct zs_pool *pool);
static inline struct zs_class *class_for(struct zs_pool *pool, size_t size)
{
    return &pool->class[pool->class_of[(size + ZS_HEADER + 1) / 2]];
}
/* Bytes that a user has of an object of this class. */
static inline size_t class_usable(const struct zs_class *c)
{
    return c->huge ? c->size : c->size - ZS_HEADER;
}

/* ---- page.c ---- */

void pages_init(struct zs_pool *pool, size_t limit);
/* Takes addresses of n pages for one zspage, adjacent ones when there are. Page numbers to out[],
 * in order; bits of those that happen to be resident to *resident. All or nothing. */
enum zs_status pages_take(struct zs_pool *pool, unsigned n, uint32_t *out, uint32_t *resident);
/* Makes pages that were taken resident. All or nothing. */
enum zs_status pages_commit(struct zs_pool *pool, const uint32_t *numbers, unsigned n);
/* Gives the memory of a page back to the system; its address stays taken. */
void pages_discard(struct zs_pool *pool, uint32_t page);
/* Those that are resident stay cached, up to a bound. */
void pages_give(struct zs_pool *pool, const uint32_t *numbers, unsigned n);
/* One page outside of blocks that are being emptied; committed, when asked. */
bool pages_take_elsewhere(struct zs_pool *pool, bool committed, uint32_t *out, bool *resident);
/* Picks a sparse block, whose pages would fit into others, and marks it as draining. 0 = none. */
uint32_t pages_drain_begin(struct zs_pool *pool);
/* Ends it; gives the block back when it is empty. True when it was. */
bool pages_drain_end(struct zs_pool *pool, uint32_t block);
static inline uint8_t *page_address(const struct zs_pool *pool, uint32_t page)
{
    return pool->base + (size_t)page * ZS_PAGE_SIZE;
}

/* ---- handle.c ---- */

/* A free handle from the stash of the class. 0 = none left. */
uint32_t handle_take_locked(struct zs_pool *pool, struct zs_class *c);
void handle_give_locked(struct zs_pool *pool, struct zs_class *c, uint32_t handle);
uint32_t descriptor_take(struct zs_pool *pool);
void descriptor_give(struct zs_pool *pool, uint32_t zspage);

/* ---- zspage.c ---- */

/* Where an object is. */
struct zs_place {
    uint32_t zspage;
    uint32_t page; /* it starts in */
    uint32_t off;  /* in that page */
};
/* Takes addresses for a zspage of the class, in no list. */
enum zs_status zspage_create(struct zs_pool *pool, struct zs_class *c, uint32_t *out);
/* Of no live objects, in no list. */
void zspage_destroy(struct zs_pool *pool, uint32_t number);
/* Puts a new one into its list, and into the counts of its class; and takes it out. */
void zspage_enlist_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number);
void zspage_retire_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number);
/* Puts it into the list that its fullness asks for. */
void zspage_relist_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number);
/* The fullest that has room; 0 = none. */
uint32_t zspage_with_room_locked(const struct zs_class *c);
/* Whether the object that would be taken next lies in resident pages; there must be room. */
bool zspage_is_ready(const struct zspage *z, const struct zs_class *c);
/* Makes it so. All or nothing. */
enum zs_status zspage_prepare_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number);
/* Takes a free object of a zspage that is ready, and writes its header. */
void zspage_take_object_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                               uint32_t handle, struct zs_place *out);
void zspage_free_object_locked(struct zs_pool *pool, const struct zs_class *c,
                               const struct zs_place *at);
/* Sorts the free list, and counts free objects at the end as never used. */
void zspage_rebuild_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number);
/* Restores headers that somebody overwrote, from what the handle table says. Reads all of it. */
void zspage_mend_locked(struct zs_pool *pool, const struct zs_class *c, uint32_t number);
/* Gives back pages that only objects never used reach into. */
void zspage_cut_locked(struct zs_pool *pool, struct zs_class *c, uint32_t number);
/* The place of object n. */
void zspage_object(const struct zs_pool *pool, const struct zs_class *c, uint32_t number,
                   uint32_t object, struct zs_place *out);
/* The number of the object there. */
uint32_t object_of_place(const struct zs_pool *pool, const struct zs_class *c,
                         const struct zs_place *at);
uint32_t header_load(const struct zs_pool *pool, const struct zs_class *c,
                     const struct zs_place *at);
void header_store(struct zs_pool *pool, const struct zs_class *c, const struct zs_place *at,
                  uint32_t header);
/* The page behind; 0 = none. */
static inline uint32_t page_after(const struct zs_pool *pool, uint32_t page)
{
    return pool->page[page].next;
}
static inline bool word_is_live(uint32_t word)
{
    return (word & 1) == 0 && word != 0;
}
static inline uint32_t place_word(const struct zs_pool *pool, const struct zs_class *c,
                                  const struct zs_place *at)
{
    uint32_t first = atomic_load_explicit(&pool->page[at->page].first, memory_order_relaxed);
    return at->page << 8 | ((at->off - first) / c->size) << 1;
}
/* Where the word says. The zspage must be pinned, or its class locked. */
void place_of_word(const struct zs_pool *pool, uint32_t word, struct zs_place *out);

/* Adds to a counter whose writers hold a lock. */
static inline void count_locked(_Atomic size_t *n, size_t delta)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

/* ---- compact.c ---- */

/* Pages that perfect compaction would free. Takes no lock: an estimate. */
size_t class_freeable(const struct zs_class *c);

/* ---- malloc.c ---- */

/* Carries out the frees that waited, now that nobody maps the zspage. */
void deferred_free(struct zs_pool *pool, uint32_t zspage);
/* True when the zspage is empty then and in no list: the caller destroys it. */
bool deferred_free_locked(struct zs_pool *pool, struct zs_class *c, uint32_t zspage);

/* ---- map.c ---- */

/* Pins what the handle is in. 0 = the handle is not live. */
uint32_t pin_handle(struct zs_pool *pool, zs_handle handle, struct zs_place *out);
void unpin_zspage(struct zs_pool *pool, uint32_t zspage);
/* For movers, under the lock of the class. False when somebody has it mapped. */
static inline bool pin_for_move(struct zs_pool *pool, uint32_t zspage)
{
    int32_t none = 0;
    return atomic_compare_exchange_strong_explicit(&pool->zspage[zspage].pins, &none, ZS_MOVING,
                                                   memory_order_acquire, memory_order_relaxed);
}
static inline void unpin_after_move(struct zs_pool *pool, uint32_t zspage)
{
    atomic_fetch_sub_explicit(&pool->zspage[zspage].pins, ZS_MOVING, memory_order_release);
}
/* Copies between an object and a buffer, across page borders. */
void object_read(const struct zs_pool *pool, const struct zs_place *at, size_t skip, void *dst,
                 size_t len);
void object_write(const struct zs_pool *pool, const struct zs_place *at, size_t skip,
                  const void *src, size_t len);

static inline bool growth_fails(const struct zs_pool *pool)
{
    return pool->fail != NULL && pool->fail(pool->fail_arg);
}

#endif
