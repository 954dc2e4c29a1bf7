#include "bucket_store.h"

#include <string.h>

#include "base/os_memory.h"
#include "bucket.h"

/* So many buckets (8 GiB of addresses) are more than the handles of a pool can fill. */
#define BUCKETS_MOST (1u << 27)
#define WORDS        (BUCKETS_MOST / 64)
#define PAGE         4096u
#define PAGE_BUCKETS (PAGE / (uint32_t)sizeof(struct bucket))
/* Free buckets that are not worth moving anything: a part of those in use, and some pages. */
#define LOOSE_SHARE 32u
#define LOOSE_LEAST (16u * PAGE_BUCKETS)
/* Words of `taken` (4 KiB of buckets each) that are given back in one go. */
#define TRIM_WORDS 1024u

bool bucket_store_create(struct bucket_store *st, unsigned rank, bool (*fail)(void *arg),
                         void *fail_arg)
{
    *st = (struct bucket_store){
        .base = os_reserve(BUCKETS_MOST * sizeof(struct bucket)),
        .taken = os_reserve(WORDS * sizeof(uint64_t)),
        .full = os_reserve(WORDS / 8),
        .fail = fail,
        .fail_arg = fail_arg,
    };
    lock_init(&st->lock, rank);
    return st->base != NULL && st->taken != NULL && st->full != NULL;
}

void bucket_store_destroy(struct bucket_store *st)
{
    os_release(st->base, BUCKETS_MOST * sizeof(struct bucket));
    os_release(st->taken, WORDS * sizeof(uint64_t));
    os_release(st->full, WORDS / 8);
}

static uint32_t begun(const struct bucket_store *st)
{
    return atomic_load_explicit(&st->begun, memory_order_relaxed);
}

static void set_begun(struct bucket_store *st, uint32_t n)
{
    atomic_store_explicit(&st->begun, n, memory_order_relaxed);
}

/* Its part in one word. */
static uint64_t run_bits(uint32_t number, unsigned run)
{
    return run >= 64 ? UINT64_MAX : (((uint64_t)1 << run) - 1) << number % 64;
}

/* Bits of the first buckets of free runs. */
static uint64_t free_runs(uint64_t taken, unsigned run)
{
    uint64_t f = ~taken;
    for (unsigned have = 1; have < run && have < 64; have *= 2)
        f &= f >> have;
    return f & UINT64_MAX / run_bits(0, run);
}

/* Marks a run as taken or free. */
static void mark(struct bucket_store *st, unsigned run, uint32_t number, bool taken)
{
    uint64_t bits = run_bits(number, run);
    for (uint32_t w = number / 64; w <= (number + run - 1) / 64; w++) {
        uint64_t bit = (uint64_t)1 << w % 64;
        st->taken[w] = taken ? st->taken[w] | bits : st->taken[w] & ~bits;
        st->full[w / 64] =
            st->taken[w] == UINT64_MAX ? st->full[w / 64] | bit : st->full[w / 64] & ~bit;
    }
    st->used += taken ? run : -run;
}

/* The bit of a free run that begins in this word; 0 = there is none. */
static uint64_t run_in_word(const struct bucket_store *st, unsigned run, uint32_t w)
{
    uint64_t found = free_runs(st->taken[w], run);
    if (run > 64 && (w * 64 % run != 0 || w * 64 + run > BUCKETS_MOST))
        return 0;
    for (uint32_t next = w + 1; found != 0 && next < w + run / 64; next++)
        if (st->taken[next] != 0)
            found = 0;
    return found;
}

/* The first word from w on in which something is free. */
static uint32_t not_full(const struct bucket_store *st, uint32_t w)
{
    for (uint32_t i = w / 64; i < WORDS / 64; i++) {
        uint64_t open = ~st->full[i] & (i == w / 64 ? UINT64_MAX << w % 64 : UINT64_MAX);
        if (open != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(open);
    }
    return WORDS;
}

/* The lowest free run; false when it would end behind `end`. */
static bool take_locked(struct bucket_store *st, unsigned run, uint32_t end, uint32_t *out)
{
    uint32_t *low = &st->low[__builtin_ctz(run)];
    uint64_t found = 0;
    for (; *low < WORDS; ++*low) {
        *low = not_full(st, *low);
        if (*low < WORDS && (found = run_in_word(st, run, *low)) != 0)
            break;
    }
    if (found == 0)
        return false;
    uint32_t number = *low * 64 + (uint32_t)__builtin_ctzll(found);
    if (number + run > end)
        return false;
    mark(st, run, number, true);
    if (number + run > begun(st))
        set_begun(st, number + run);
    *out = number;
    return true;
}

static void give_locked(struct bucket_store *st, unsigned run, uint32_t number)
{
    mark(st, run, number, false);
    /* Longer runs are free only when what is beside this one is. */
    for (unsigned i = 0; i < RUN_BITS; i++) {
        uint32_t first = number & ~((1u << i) - 1), word = first / 64;
        if (st->low[i] > word && (st->taken[number / 64] & run_bits(first % 64, 1u << i)) == 0)
            st->low[i] = word;
    }
}

bool bucket_store_take(struct bucket_store *st, unsigned run, uint32_t n, uint32_t *out)
{
    uint32_t have = 0;
    if (st->fail != NULL && st->fail(st->fail_arg))
        return false;
    lock_acquire(&st->lock);
    while (have < n && take_locked(st, run, BUCKETS_MOST, &out[have]))
        have++;
    for (uint32_t i = 0; have < n && i < have; i++)
        give_locked(st, run, out[i]);
    lock_release(&st->lock);
    return have == n;
}

void bucket_store_give(struct bucket_store *st, unsigned run, uint32_t n, const uint32_t *runs)
{
    lock_acquire(&st->lock);
    for (uint32_t i = 0; i < n; i++)
        give_locked(st, run, runs[i]);
    lock_release(&st->lock);
}

bool bucket_store_take_lower(struct bucket_store *st, unsigned run, uint32_t *number)
{
    lock_acquire(&st->lock);
    bool taken = take_locked(st, run, *number, number);
    lock_release(&st->lock);
    return taken;
}

uint32_t bucket_store_goal(struct bucket_store *st)
{
    lock_acquire(&st->lock);
    uint32_t goal = st->used + st->used / LOOSE_SHARE + LOOSE_LEAST;
    bool loose = goal < begun(st);
    lock_release(&st->lock);
    return loose ? goal : UINT32_MAX;
}

static size_t resident_bytes(uint32_t n)
{
    return ((size_t)n + PAGE_BUCKETS - 1) / PAGE_BUCKETS * PAGE;
}

/* A piece of it, since writers may wait for the lock. True when there is more. */
static bool trim_locked(struct bucket_store *st)
{
    uint32_t was = begun(st), words = (was + 63) / 64, least = words;
    least = least > TRIM_WORDS ? least - TRIM_WORDS : 0;
    while (words > least && st->taken[words - 1] == 0)
        words--;
    if (words * 64 >= was)
        return false;
    set_begun(st, words * 64);
    size_t from = resident_bytes(words * 64), to = resident_bytes(was);
    if (from < to)
        os_discard((uint8_t *)st->base + from, to - from);
    return words == least && words > 0;
}

void bucket_store_trim(struct bucket_store *st)
{
    bool more = true;
    while (more) {
        lock_acquire(&st->lock);
        more = trim_locked(st);
        lock_release(&st->lock);
    }
}

size_t bucket_store_bytes(const struct bucket_store *st)
{
    uint32_t n = begun(st);
    return resident_bytes(n) + n / 8;
}

const char *bucket_store_check(struct bucket_store *st, size_t used)
{
    const char *wrong = NULL;
    size_t taken = 0;
    lock_acquire(&st->lock);
    for (uint32_t w = 0; w < (begun(st) + 63) / 64; w++) {
        taken += (size_t)__builtin_popcountll(st->taken[w]);
        if ((st->full[w / 64] >> w % 64 & 1) != (st->taken[w] == UINT64_MAX))
            wrong = "a word of the index's buckets is wrongly said to be full, or not to be";
    }
    if (taken != st->used || taken != used)
        wrong = "buckets of the index are lost, or belong to two tables";
    lock_release(&st->lock);
    return wrong;
}
