/* CLIENT PAUSE: for a while commands, or those that may write, are not carried out; what clients
 * send waits. */
#ifndef SERVER_PAUSE_H
#define SERVER_PAUSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

struct pause {
    _Atomic uint64_t word;   /* end in milliseconds << 1 | all commands; 0 = none */
    _Atomic uint32_t number; /* of pauses so far: who waits for one does not wait for the next */
};

static inline bool pause_is_on(const struct pause *p, int64_t now_ms)
{
    uint64_t word = atomic_load_explicit(&p->word, memory_order_relaxed);
    return word != 0 && (int64_t)(word >> 1) > now_ms;
}

static inline uint32_t pause_number(const struct pause *p)
{
    return atomic_load_explicit(&p->number, memory_order_relaxed);
}

/* Of one that is under way and a new one the later end and the wider scope hold. Any thread. */
void pause_begin(struct pause *p, int64_t now_ms, int64_t end_ms, bool all);
void pause_end(struct pause *p);
/* While a pause is on: whether the command that begins at `buf`, of which `len` bytes are there,
 * has to wait. */
bool pause_holds(const struct client *c, const char *buf, size_t len);

#endif
