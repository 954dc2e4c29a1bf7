/* What the eviction policies have in common and what not. */
#ifndef CACHE_POLICY_H
#define CACHE_POLICY_H

#include "bucket.h"
#include "cache/cache.h"

/* `policy` is an enum cache_policy. */

/* Only items with an expiry may go. */
static inline bool policy_is_volatile(unsigned policy)
{
    return policy >= CACHE_VOLATILE_LRU && policy <= CACHE_VOLATILE_TTL;
}
/* Victims are found by sampling; see sample.c. */
static inline bool policy_is_sampled(unsigned policy)
{
    return policy != CACHE_NOEVICTION && policy != CACHE_ALLKEYS_S3FIFO;
}
/* Whether the shard has items that may go. It is locked. */
static inline bool policy_has_victims(unsigned policy, const struct shard *s)
{
    return policy_is_volatile(policy) ? s->expiring > 0 : s->count > 0;
}
/* Items keep a clock (ITEM_CLOCK). */
static inline bool policy_has_clock(unsigned policy)
{
    return policy == CACHE_ALLKEYS_LRU || policy == CACHE_ALLKEYS_LFU ||
           policy == CACHE_VOLATILE_LRU || policy == CACHE_VOLATILE_LFU;
}
static inline bool policy_is_lfu(unsigned policy)
{
    return policy == CACHE_ALLKEYS_LFU || policy == CACHE_VOLATILE_LFU;
}

/* The walk of reduce.c. */
struct reduction {
    uint64_t mark;   /* items that are worse go; 0 = no walk is under way */
    uint32_t chance; /* of those that are as bad, in 1/2^32 */
    uint64_t shard;
    uint32_t bucket; /* of it */
    unsigned policy;
    bool is_done;   /* all was passed */
    bool has_freed; /* anything yet */
};

#endif
