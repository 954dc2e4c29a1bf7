/* Pages: 4 KiB pieces of 2 MiB blocks of one reservation.
 *
 *                      not taken               taken by a zspage
 *
 *   not resident       nothing    --take-->    an address
 *                      ^     ^                 |   ^
 *            trim, drain     +-----give--------+   discard
 *                      |                  commit   |
 *                      |                       v   |
 *   resident           cached   <--give--      used
 *                               --take-->
 *
 * used + cached never pass the limit. Blocks hang in lists by the logarithm of their number of
 * pages not taken, so that dense ones are filled first. Block 0 is never used: page number 0 means
 * none.
 */
#include "internal.h"

#define WORDS (ZS_BLOCK_PAGES / 64)
/* Blocks of one list that are looked at for pages that lie together. */
#define LOOKS        4
#define LOOKS_CACHED 32
/* Free pages that stay resident, at least, and as a part of those in use. */
#define CACHED_LEAST 256u
#define CACHED_SHARE 64u

static struct zs_block *block_at(struct zs_pool *pool, uint32_t number)
{
    return &pool->block[number];
}

static unsigned list_of(const struct zs_block *b)
{
    unsigned free_pages = ZS_BLOCK_PAGES - b->taken_count;
    return free_pages == 0 ? 0 : 32u - (unsigned)__builtin_clz(free_pages);
}

static void block_link(struct zs_pool *pool, uint32_t number)
{
    struct zs_block *b = block_at(pool, number);
    b->list = (uint8_t)list_of(b);
    b->prev = 0;
    b->next = pool->pages.list[b->list];
    if (b->next != 0)
        block_at(pool, b->next)->prev = number;
    pool->pages.list[b->list] = number;
}

static void block_unlink(struct zs_pool *pool, uint32_t number)
{
    const struct zs_block *b = block_at(pool, number);
    if (b->prev != 0)
        block_at(pool, b->prev)->next = b->next;
    else
        pool->pages.list[b->list] = b->next;
    if (b->next != 0)
        block_at(pool, b->next)->prev = b->prev;
}

static void block_relist(struct zs_pool *pool, uint32_t number)
{
    const struct zs_block *b = block_at(pool, number);
    if (b->draining || list_of(b) == b->list)
        return;
    block_unlink(pool, number);
    block_link(pool, number);
}

void pages_init(struct zs_pool *pool, size_t limit)
{
    struct zs_pages *p = &pool->pages;
    lock_init(&p->lock, ZS_RANK_PAGES);
    p->blocks = (uint32_t)(pool->reserve_bytes / ZS_BLOCK_SIZE);
    p->blocks_begun = 1;
    atomic_store(&p->limit, limit);
}

/* ---- bits ---- */

/* The first of n ones in a row that begins in words[0..WORDS); -1 = none. n <= 64. */
static int find_run(const uint64_t words[WORDS], unsigned n)
{
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t low = words[i];
        uint64_t high = i + 1 < WORDS ? words[i + 1] : 0;
        for (unsigned have = 1; have < n && low != 0;) {
            unsigned shift = n - have < have ? n - have : have;
            low &= low >> shift | high << (64 - shift);
            high &= high >> shift;
            have += shift;
        }
        if (low != 0)
            return (int)(i * 64 + (unsigned)__builtin_ctzll(low));
    }
    return -1;
}

static bool bit(const uint64_t words[WORDS], unsigned n)
{
    return (words[n / 64] >> n % 64 & 1) != 0;
}

static void set_bit(uint64_t words[WORDS], unsigned n)
{
    words[n / 64] |= (uint64_t)1 << n % 64;
}

static void clear_bit(uint64_t words[WORDS], unsigned n)
{
    words[n / 64] &= ~((uint64_t)1 << n % 64);
}

/* ---- giving back to the system ---- */

static void count_resident(struct zs_pool *pool, struct zs_block *b, int delta)
{
    bool was = b->resident_count > 0;
    b->resident_count = (uint16_t)(b->resident_count + delta);
    bool is = b->resident_count > 0;
    if (was != is)
        atomic_fetch_add(&pool->pages.blocks_resident, is ? (size_t)1 : (size_t)-1);
}

/* Brings the mark of the block up to date. */
static bool has_cached(struct zs_pool *pool, uint32_t number)
{
    const struct zs_block *b = block_at(pool, number);
    uint64_t cached = 0;
    for (unsigned i = 0; i < WORDS; i++)
        cached |= b->resident[i] & ~b->taken[i];
    if (cached == 0)
        pool->pages.cached_in[number / 64] &= ~((uint64_t)1 << number % 64);
    return cached != 0;
}

/* Discards up to `most` cached pages of a block. */
static size_t discard_cached(struct zs_pool *pool, uint32_t number, size_t most)
{
    struct zs_block *b = block_at(pool, number);
    size_t done = 0;
    if (!has_cached(pool, number))
        return 0;
    for (unsigned i = 0; i < ZS_BLOCK_PAGES && done < most;) {
        unsigned from = i;
        while (i < ZS_BLOCK_PAGES && i - from < most - done && bit(b->resident, i) &&
               !bit(b->taken, i))
            clear_bit(b->resident, i++);
        if (i == from) {
            i++;
            continue;
        }
        os_discard(page_address(pool, number * ZS_BLOCK_PAGES + from),
                   (size_t)(i - from) * ZS_PAGE_SIZE);
        done += i - from;
    }
    count_resident(pool, b, -(int)done);
    atomic_fetch_sub(&pool->pages.cached, done);
    return done;
}

/* Youngest blocks first: they are the sparsest. */
static size_t trim(struct zs_pool *pool, size_t nr)
{
    size_t done = 0;
    for (uint32_t i = (pool->pages.blocks_begun - 1) / 64 + 1; i-- > 0 && done < nr;)
        for (uint64_t marks = pool->pages.cached_in[i]; marks != 0 && done < nr;) {
            uint32_t highest = 63u - (uint32_t)__builtin_clzll(marks);
            marks &= ~((uint64_t)1 << highest);
            done += discard_cached(pool, i * 64 + highest, nr - done);
        }
    return done;
}

size_t zs_trim(struct zs_pool *pool, size_t keep_pages)
{
    lock_acquire(&pool->pages.lock);
    size_t cached = atomic_load(&pool->pages.cached);
    size_t done = cached > keep_pages ? trim(pool, cached - keep_pages) : 0;
    lock_release(&pool->pages.lock);
    return done;
}

/* ---- taking ---- */

static void take_page(struct zs_pool *pool, uint32_t page)
{
    struct zs_block *b = block_at(pool, page / ZS_BLOCK_PAGES);
    unsigned i = page % ZS_BLOCK_PAGES;
    set_bit(b->taken, i);
    b->taken_count++;
    pool->pages.taken++;
    if (bit(b->resident, i)) {
        atomic_fetch_sub(&pool->pages.cached, 1);
        atomic_fetch_add(&pool->pages.used, 1);
    }
}

static bool is_resident(const struct zs_pool *pool, uint32_t page)
{
    return bit(pool->block[page / ZS_BLOCK_PAGES].resident, page % ZS_BLOCK_PAGES);
}

static void commit_page(struct zs_pool *pool, uint32_t page)
{
    struct zs_block *b = block_at(pool, page / ZS_BLOCK_PAGES);
    assert(!is_resident(pool, page));
    set_bit(b->resident, page % ZS_BLOCK_PAGES);
    count_resident(pool, b, 1);
    atomic_fetch_add(&pool->pages.used, 1);
}

static bool begin_block(struct zs_pool *pool)
{
    struct zs_pages *p = &pool->pages;
    if (p->blocks_begun >= p->blocks)
        return false;
    block_link(pool, p->blocks_begun++);
    return true;
}

/* Address space is plenty, but a pool that lies in many half empty blocks costs page tables. */
static bool may_spread(const struct zs_pool *pool)
{
    size_t resident = atomic_load(&pool->pages.used) + atomic_load(&pool->pages.cached);
    return (size_t)pool->pages.blocks_begun * ZS_BLOCK_PAGES < resident + resident / 2 + 1024;
}

/* n adjacent free pages of a block; cached ones only, when asked. */
static bool run_in_block(struct zs_pool *pool, uint32_t number, unsigned n, bool cached,
                         uint32_t *out)
{
    const struct zs_block *b = block_at(pool, number);
    uint64_t free_pages[WORDS];
    for (unsigned i = 0; i < WORDS; i++)
        free_pages[i] = ~b->taken[i] & (cached ? b->resident[i] : ~(uint64_t)0);
    int at = find_run(free_pages, n);
    if (at < 0)
        return false;
    for (unsigned i = 0; i < n; i++) {
        out[i] = number * ZS_BLOCK_PAGES + (uint32_t)at + i;
        take_page(pool, out[i]);
    }
    block_relist(pool, number);
    return true;
}

static bool take_run(struct zs_pool *pool, unsigned n, uint32_t *out)
{
    for (unsigned list = 32u - (unsigned)__builtin_clz(n); list < ZS_BLOCK_LISTS; list++) {
        uint32_t number = pool->pages.list[list];
        for (unsigned looks = 0; looks < LOOKS && number != 0; looks++) {
            if (run_in_block(pool, number, n, false, out))
                return true;
            number = block_at(pool, number)->next;
        }
    }
    return false;
}

/* Pages that are resident already, from the oldest blocks that have any. */
static bool take_cached_run(struct zs_pool *pool, unsigned n, uint32_t *out)
{
    unsigned looks = LOOKS_CACHED;
    for (uint32_t i = 0; i <= (pool->pages.blocks_begun - 1) / 64; i++)
        for (uint64_t marks = pool->pages.cached_in[i]; marks != 0; marks &= marks - 1) {
            uint32_t number = i * 64 + (uint32_t)__builtin_ctzll(marks);
            if (looks-- == 0)
                return false;
            if (!block_at(pool, number)->draining && has_cached(pool, number) &&
                run_in_block(pool, number, n, true, out))
                return true;
        }
    return false;
}

static void take_from_block(struct zs_pool *pool, uint32_t number, unsigned n, uint32_t *out)
{
    const struct zs_block *b = block_at(pool, number);
    for (unsigned i = 0; n > 0; i++) {
        if (bit(b->taken, i))
            continue;
        *out = number * ZS_BLOCK_PAGES + i;
        take_page(pool, *out++);
        n--;
    }
    block_relist(pool, number);
}

/* Wherever they are, dense blocks first. Returns how many. */
static unsigned take_scattered(struct zs_pool *pool, unsigned n, uint32_t *out)
{
    unsigned got = 0;
    for (unsigned list = 1; list < ZS_BLOCK_LISTS && got < n; list++) {
        while (got < n && pool->pages.list[list] != 0) {
            uint32_t number = pool->pages.list[list];
            unsigned there = ZS_BLOCK_PAGES - block_at(pool, number)->taken_count;
            unsigned take = there < n - got ? there : n - got;
            take_from_block(pool, number, take, out + got);
            got += take;
        }
    }
    return got;
}

static void give_page(struct zs_pool *pool, uint32_t page)
{
    struct zs_block *b = block_at(pool, page / ZS_BLOCK_PAGES);
    clear_bit(b->taken, page % ZS_BLOCK_PAGES);
    b->taken_count--;
    pool->pages.taken--;
    if (is_resident(pool, page)) {
        atomic_fetch_add(&pool->pages.cached, 1);
        atomic_fetch_sub(&pool->pages.used, 1);
        uint32_t block = page / ZS_BLOCK_PAGES;
        pool->pages.cached_in[block / 64] |= (uint64_t)1 << block % 64;
    }
    block_relist(pool, page / ZS_BLOCK_PAGES);
}

static bool take_any(struct zs_pool *pool, unsigned n, uint32_t *out)
{
    if (atomic_load(&pool->pages.cached) >= n && take_cached_run(pool, n, out))
        return true;
    if (take_run(pool, n, out))
        return true;
    if (may_spread(pool) && begin_block(pool) && take_run(pool, n, out))
        return true;
    unsigned got = take_scattered(pool, n, out);
    while (got < n && begin_block(pool))
        got += take_scattered(pool, n - got, out + got);
    if (got == n)
        return true;
    while (got > 0)
        give_page(pool, out[--got]);
    return false;
}

static void note_peak(struct zs_pages *p)
{
    size_t used = atomic_load(&p->used);
    if (used > atomic_load(&p->peak))
        atomic_store(&p->peak, used);
}

enum zs_status pages_take(struct zs_pool *pool, unsigned n, uint32_t *out, uint32_t *resident)
{
    struct zs_pages *p = &pool->pages;
    if (growth_fails(pool))
        return ZS_ENOMEM;
    lock_acquire(&p->lock);
    enum zs_status status = ZS_OK;
    size_t limit = atomic_load(&p->limit);
    if (limit != 0 && atomic_load(&p->used) >= limit)
        status = ZS_ELIMIT; /* it would be for nothing */
    else if (!take_any(pool, n, out))
        status = ZS_ENOMEM;
    *resident = 0;
    for (unsigned i = 0; status == ZS_OK && i < n; i++)
        *resident |= (uint32_t)is_resident(pool, out[i]) << i;
    note_peak(p);
    lock_release(&p->lock);
    return status;
}

/* Pages that are resident anew push cached ones out. */
static enum zs_status commit_locked(struct zs_pool *pool, const uint32_t *numbers, unsigned n)
{
    struct zs_pages *p = &pool->pages;
    size_t limit = atomic_load(&p->limit);
    if (limit != 0 && atomic_load(&p->used) + n > limit)
        return ZS_ELIMIT;
    for (unsigned i = 0; i < n; i++)
        commit_page(pool, numbers[i]);
    size_t resident = atomic_load(&p->used) + atomic_load(&p->cached);
    if (limit != 0 && resident > limit)
        trim(pool, resident - limit);
    note_peak(p);
    return ZS_OK;
}

enum zs_status pages_commit(struct zs_pool *pool, const uint32_t *numbers, unsigned n)
{
    if (growth_fails(pool))
        return ZS_ENOMEM;
    lock_acquire(&pool->pages.lock);
    enum zs_status status = commit_locked(pool, numbers, n);
    lock_release(&pool->pages.lock);
    return status;
}

void pages_discard(struct zs_pool *pool, uint32_t page)
{
    lock_acquire(&pool->pages.lock);
    struct zs_block *b = block_at(pool, page / ZS_BLOCK_PAGES);
    clear_bit(b->resident, page % ZS_BLOCK_PAGES);
    count_resident(pool, b, -1);
    os_discard(page_address(pool, page), ZS_PAGE_SIZE);
    atomic_fetch_sub(&pool->pages.used, 1);
    lock_release(&pool->pages.lock);
}

static size_t cached_most(const struct zs_pages *p)
{
    size_t share = atomic_load(&p->used) / CACHED_SHARE;
    return share > CACHED_LEAST ? share : CACHED_LEAST;
}

void pages_give(struct zs_pool *pool, const uint32_t *numbers, unsigned n)
{
    struct zs_pages *p = &pool->pages;
    lock_acquire(&p->lock);
    for (unsigned i = 0; i < n; i++)
        give_page(pool, numbers[i]);
    size_t cached = atomic_load(&p->cached);
    size_t most = cached_most(p);
    if (cached > most)
        trim(pool, cached - most + most / 4);
    lock_release(&p->lock);
}

/* ---- emptying blocks ---- */

/* More used pages than this are not worth moving. */
#define SPARSE (ZS_BLOCK_PAGES / 4)

static size_t free_elsewhere(const struct zs_pool *pool, const struct zs_block *b)
{
    size_t begun = (size_t)(pool->pages.blocks_begun - 1) * ZS_BLOCK_PAGES;
    size_t free_pages = begun - pool->pages.taken;
    size_t here = ZS_BLOCK_PAGES - b->taken_count;
    return free_pages > here ? free_pages - here : 0;
}

uint32_t pages_drain_begin(struct zs_pool *pool)
{
    struct zs_pages *p = &pool->pages;
    uint32_t found = 0;
    lock_acquire(&p->lock);
    for (uint32_t looked = 1; looked < p->blocks_begun && found == 0; looked++) {
        p->drain_cursor = p->drain_cursor + 1 < p->blocks_begun ? p->drain_cursor + 1 : 1;
        struct zs_block *b = block_at(pool, p->drain_cursor);
        if (b->taken_count > 0 && b->taken_count <= SPARSE &&
            free_elsewhere(pool, b) >= b->taken_count)
            found = p->drain_cursor;
    }
    if (found != 0) {
        block_unlink(pool, found);
        block_at(pool, found)->draining = true;
    }
    lock_release(&p->lock);
    return found;
}

bool pages_drain_end(struct zs_pool *pool, uint32_t block)
{
    lock_acquire(&pool->pages.lock);
    struct zs_block *b = block_at(pool, block);
    b->draining = false;
    block_link(pool, block);
    bool empty = b->taken_count == 0;
    if (empty) {
        discard_cached(pool, block, ZS_BLOCK_PAGES);
        atomic_fetch_add(&pool->pages.blocks_returned, 1);
    }
    lock_release(&pool->pages.lock);
    return empty;
}

/* Into a block that is in use already: a fresh one would only be the next to be emptied. */
bool pages_take_elsewhere(struct zs_pool *pool, bool committed, uint32_t *out, bool *resident)
{
    bool got = false;
    if (growth_fails(pool))
        return false;
    lock_acquire(&pool->pages.lock);
    for (unsigned list = 1; list + 1 < ZS_BLOCK_LISTS && !got; list++) {
        uint32_t number = pool->pages.list[list];
        if (number != 0) {
            take_from_block(pool, number, 1, out);
            got = true;
        }
    }
    if (got && committed && !is_resident(pool, *out) && commit_locked(pool, out, 1) != ZS_OK) {
        give_page(pool, *out);
        got = false;
    }
    *resident = got && is_resident(pool, *out);
    lock_release(&pool->pages.lock);
    return got;
}

/* ---- limits ---- */

void zs_set_page_limit(struct zs_pool *pool, size_t max_pages)
{
    atomic_store(&pool->pages.limit, max_pages);
}

size_t zs_get_total_pages(const struct zs_pool *pool)
{
    return atomic_load_explicit(&pool->pages.used, memory_order_relaxed);
}
