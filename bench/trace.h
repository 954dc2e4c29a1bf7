/* A trace of requests for items of size one, the same for the same numbers: what eviction policies
 * are measured with.
 *
 * Keys follow Zipf's law; with `scan` a share of the requests walks through keys that nobody asks
 * for again. */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace {
    size_t requests;
    uint32_t *key; /* of each request */
    size_t names;  /* keys are below this */
};

/* False when memory is short. 0 < keys; `scan` is a share of the requests, below 0.9. */
bool trace_make(struct trace *t, uint32_t keys, size_t requests, double zipf, double scan,
                uint64_t seed);
void trace_free(struct trace *t);

#endif
