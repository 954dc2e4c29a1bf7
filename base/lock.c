#include "base/lock.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Holders keep these locks for well under a microsecond: a short look again is cheaper than going
 * to sleep, and a long one would only take the core from the holder. */
#define SPINS 64

static inline void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool spin(struct lock *l, uint32_t free_word)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t seen = free_word;
        if (atomic_load_explicit(&l->word, memory_order_relaxed) == free_word &&
            atomic_compare_exchange_weak_explicit(&l->word, &seen, free_word | LOCK_HELD,
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
        spin_pause();
    }
    return false;
}

void lock_wait(struct lock *l)
{
    uint32_t free_word =
        atomic_load_explicit(&l->word, memory_order_relaxed) & ~(uint32_t)LOCK_STATE;
    if (spin(l, free_word))
        return;
    /* From here on the lock is taken as LOCK_WAITED, since others may sleep beside us. */
    uint32_t waited = free_word | LOCK_WAITED;
    int saved = errno;
    while ((atomic_exchange_explicit(&l->word, waited, memory_order_acquire) & LOCK_STATE) !=
           LOCK_FREE)
        syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, waited, NULL, NULL, 0);
    errno = saved;
}

void lock_wake(struct lock *l)
{
    int saved = errno;
    syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}

/* What the calling thread holds, per rank: how many, and the highest address. */
static _Thread_local struct {
    unsigned count;
    const struct lock *highest;
} held[LOCK_RANKS];

static unsigned rank_of(const struct lock *l)
{
    unsigned rank = atomic_load_explicit(&l->word, memory_order_relaxed) >> LOCK_RANK_SHIFT;
    assert(rank < LOCK_RANKS);
    return rank;
}

void lock_debug_before(const struct lock *l)
{
    unsigned rank = rank_of(l);
    for (unsigned r = rank + 1; r < LOCK_RANKS; r++)
        assert(held[r].count == 0);
    assert(held[rank].count == 0 || held[rank].highest < l);
}

void lock_debug_taken(const struct lock *l)
{
    unsigned rank = rank_of(l);
    held[rank].count++;
    if (held[rank].highest < l)
        held[rank].highest = l;
}

void lock_debug_released(const struct lock *l)
{
    unsigned rank = rank_of(l);
    assert(held[rank].count > 0);
    if (--held[rank].count == 0)
        held[rank].highest = NULL;
}
