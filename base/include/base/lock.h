/* A lock of four bytes, so that there can be one per shard, class and page: a mutex over a futex.
 *
 *   word:  31         8 7       2 1   0
 *         +------------+---------+-----+
 *         | rank       | unused  |state|   state 0 free, 1 held, 2 held and somebody may sleep
 *         +------------+---------+-----+
 *
 * Locks are taken in ascending order of rank, and those of one rank in ascending order of address.
 * Debug builds check that order at each lock_acquire(); lock_try() may be called in any order,
 * since it never waits. The ranks of the whole program stand in docs/locking.md.
 *
 * All functions are thread safe. A lock is not recursive.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t word;
};

enum lock_state { LOCK_FREE = 0, LOCK_HELD = 1, LOCK_WAITED = 2, LOCK_STATE = 3 };
#define LOCK_RANK_SHIFT 8
/* Ranks are 0..LOCK_RANKS - 1. */
#define LOCK_RANKS 32

/* The slow halves, and the checks of debug builds: lock.c. */
void lock_wait(struct lock *l);
bool lock_wait_ms(struct lock *l, unsigned ms);
void lock_wake(struct lock *l);
void lock_debug_before(const struct lock *l);
void lock_debug_taken(const struct lock *l);
void lock_debug_released(const struct lock *l);

/* A word of zeros is a free lock of rank 0, too. */
static inline void lock_init(struct lock *l, unsigned rank)
{
    atomic_init(&l->word, (uint32_t)rank << LOCK_RANK_SHIFT);
}

/* True when the lock was free and is now held by the caller. */
static inline bool lock_try(struct lock *l)
{
    uint32_t free_word =
        atomic_load_explicit(&l->word, memory_order_relaxed) & ~(uint32_t)LOCK_STATE;
    bool taken = atomic_compare_exchange_strong_explicit(
        &l->word, &free_word, free_word | LOCK_HELD, memory_order_acquire, memory_order_relaxed);
#ifndef NDEBUG
    if (taken)
        lock_debug_taken(l);
#endif
    return taken;
}

static inline void lock_acquire(struct lock *l)
{
#ifndef NDEBUG
    lock_debug_before(l);
#endif
    if (!lock_try(l)) {
        lock_wait(l);
#ifndef NDEBUG
        lock_debug_taken(l);
#endif
    }
}

/* The same, but gives up after about so many milliseconds. */
static inline bool lock_acquire_within(struct lock *l, unsigned ms)
{
#ifndef NDEBUG
    lock_debug_before(l);
#endif
    if (lock_try(l))
        return true;
    bool taken = lock_wait_ms(l, ms);
#ifndef NDEBUG
    if (taken)
        lock_debug_taken(l);
#endif
    return taken;
}

static inline void lock_release(struct lock *l)
{
#ifndef NDEBUG
    lock_debug_released(l);
#endif
    uint32_t free_word =
        atomic_load_explicit(&l->word, memory_order_relaxed) & ~(uint32_t)LOCK_STATE;
    uint32_t old = atomic_exchange_explicit(&l->word, free_word, memory_order_release);
    if ((old & LOCK_STATE) == LOCK_WAITED)
        lock_wake(l);
}

/* Whether anybody holds it: for asserts of `_locked` functions. */
static inline bool lock_is_held(const struct lock *l)
{
    return (atomic_load_explicit(&l->word, memory_order_relaxed) & LOCK_STATE) != LOCK_FREE;
}

#endif
