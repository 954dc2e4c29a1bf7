/* A uniform sample of the values of a family, bounded in bytes, to train a dictionary from.
 *
 * Vitter's algorithm R, by bytes: while there is room every value is taken; then a value is taken
 * with the probability that keeps all values seen so far equally likely, in place of random ones.
 *
 * Not thread safe.
 */
#ifndef CACHE_RESERVOIR_H
#define CACHE_RESERVOIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reservoir;

/* Holds at most max_bytes of values, which are less than 2 GiB. NULL when memory is short. */
struct reservoir *reservoir_create(size_t max_bytes, uint64_t seed);
void reservoir_destroy(struct reservoir *r);
/* Whether the next value of this length is to be given to reservoir_put(): ask before the value is
 * decoded. Counts it as seen. */
bool reservoir_wants(struct reservoir *r, size_t len);
/* Copies the value in, in place of others when full. Without memory it does nothing. */
void reservoir_put(struct reservoir *r, const void *value, size_t len);
size_t reservoir_count(const struct reservoir *r);
size_t reservoir_held(const struct reservoir *r); /* bytes of values */
/* Nearly all the bytes are there that it may hold. */
bool reservoir_is_full(const struct reservoir *r);
uint64_t reservoir_seen(const struct reservoir *r);
/* All memory it takes. */
size_t reservoir_bytes(const struct reservoir *r);
/* Takes no more memory than the values need, until more come. */
void reservoir_pack(struct reservoir *r);
/* Forgets all values and how many it saw. */
void reservoir_clear(struct reservoir *r);

/* Values lie one behind the other in `bytes`; every `every`-th in `held_back` and
 * the others in `train`. Both are malloc()ed and freed with samples_free(). */
struct samples {
    uint8_t *bytes;
    size_t *lens;
    unsigned n;
    size_t total;
};
/* False when memory is short. */
bool reservoir_split(const struct reservoir *r, unsigned every, struct samples *train,
                     struct samples *held_back);
void samples_free(struct samples *s);

#endif
