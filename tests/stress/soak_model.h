/* What a client of the soak test knows of the keys that it alone writes to. A value follows from
 * its seed, length and all, so that any wrong byte shows; a key may be gone at any time (eviction,
 * FLUSHALL), but must not come back, nor have a value that was overwritten. */
#ifndef STRESS_SOAK_MODEL_H
#define STRESS_SOAK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOAK_LONGEST ((size_t)2 << 20)

struct soak_slot {
    uint64_t seed[2];   /* one of them is the value's; 0 = that there is none */
    bool any;           /* more than two may be */
    int64_t gone_by_ms; /* it has expired then; INT64_MAX = it need not */
};

uint64_t soak_mix(uint64_t seed);
size_t soak_length(uint64_t seed);
/* The value of the seed, to `out` (SOAK_LONGEST). Returns its length. */
size_t soak_value(uint64_t seed, char *out);

/* What was written for certain; what may have been. */
void soak_wrote(struct soak_slot *s, uint64_t seed, int64_t gone_by_ms);
void soak_may_have_written(struct soak_slot *s, uint64_t seed);
/* Whether bytes from `off` on may be read, by a command sent at `sent_ms`. `scratch` has room for a
 * value. */
bool soak_may_read(const struct soak_slot *s, const char *got, size_t len, size_t off, size_t most,
                   int64_t sent_ms, char *scratch);
bool soak_may_measure(const struct soak_slot *s, size_t len, int64_t sent_ms);

#endif
