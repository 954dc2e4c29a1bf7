/* Random numbers: secrets from the system, and a small generator for sampling and tests. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills buf with bytes fit for secrets. False when the system has none. Thread safe. */
bool random_secret(void *buf, size_t len);

/* splitmix64 (Steele, Lea, Flood 2014): small, fast, repeatable; not for secrets. One thread at a
 * time. */
struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 <= result < n (n > 0); by multiplication, its bias is under n / 2^32. */
static inline uint32_t random_below(struct random *r, uint32_t n)
{
    return (uint32_t)(((random_next(r) >> 32) * n) >> 32);
}

#endif
