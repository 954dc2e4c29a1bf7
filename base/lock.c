#include "base/lock.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
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

/* Sleeps until the lock is taken, or a sleep has lasted as long as `most` (NULL = any). */
static bool wait_most(struct lock *l, const struct timespec *most)
{
    uint32_t free_word =
        atomic_load_explicit(&l->word, memory_order_relaxed) & ~(uint32_t)LOCK_STATE;
    if (spin(l, free_word))
        return true;
    /* From here on the lock is taken as LOCK_WAITED, since others may sleep beside us. */
    uint32_t waited = free_word | LOCK_WAITED;
    int saved = errno;
    bool taken, late = false;
    while (!(taken = (atomic_exchange_explicit(&l->word, waited, memory_order_acquire) &
                      LOCK_STATE) == LOCK_FREE) &&
           !late)
        late = syscall(SYS_futex, &l->word, FUTEX_WAIT_PRIVATE, waited, most, NULL, 0) != 0 &&
               errno == ETIMEDOUT;
    errno = saved;
    return taken;
}

void lock_wait(struct lock *l)
{
    (void)wait_most(l, NULL);
}

bool lock_wait_ms(struct lock *l, unsigned ms)
{
    const struct timespec most = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    return wait_most(l, &most);
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
