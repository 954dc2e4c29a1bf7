/* Eviction policies as pure algorithms over items of size one: what the cache's own policy is held
 * against. No values, no threads, no bytes.
 *
 * Not thread safe.
 */
#ifndef TRACE_POLICIES_H
#define TRACE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_policy {
    TRACE_LRU,        /* exact: one list in order of use */
    TRACE_CLOCK,      /* one bit, one hand, in order of arrival */
    TRACE_S3FIFO,     /* the textbook's: small 10 %, ghost as large as main, counter to 3 */
    TRACE_HASH_CLOCK, /* the cache's: nursery and ghost as S3-FIFO, main a CLOCK in hash order */
    TRACE_POLICIES
};

struct trace_cache;

const char *trace_policy_name(enum trace_policy p);
/* Room for `room` items of keys 0..keys-1. NULL when memory is short. */
struct trace_cache *trace_create(enum trace_policy p, size_t room, size_t keys);
void trace_destroy(struct trace_cache *c);
/* Read-through: a miss brings the key in. Returns whether it was a hit. */
bool trace_access(struct trace_cache *c, uint32_t key);

#endif
