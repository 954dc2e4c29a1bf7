/* Buckets, and the tables of shards that are made of them.
 *
 * hash (64 bits, keyed):  [ shard : 10..14 ][ h14 : 14 ][ rest ]
 *
 * A bucket is a cache line:
 *
 *   tag[10]  h14 << 2 | age        age: 0 just used, 1 and 2 not so lately, AGE_SEEN idle, and the
 *                                  walk through the index has looked at the item since (idle.c)
 *   ref[10]  handle << 2 | frequency    0 = empty slot
 *   due      earliest expiry in the bucket, in seconds of cache time; may be too early, never too
 *            late; DUE_NEVER = none
 *
 * The home bucket of an item is (h14 * nbuckets) >> 14: it grows with h14, so homes keep their
 * order when the shard grows, and a cursor in terms of h14 stays good. An item lies in its home
 * bucket, or, when that is full, in the next that is not, and after the last comes the first:
 *
 *   for an item with home b in bucket i: all from b to the one before i are full.
 *
 * The buckets of a table lie in runs of 4, but for the last 1 or 2 (bucket_store.h), and the shard
 * has the list of them, or, when it is long, the store has it:
 *
 *   run:  [ 16 ][ 256 ][ 42 ]        bucket 5 of these 10 is the one of number 257
 */
#ifndef CACHE_BUCKET_H
#define CACHE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/lock.h"
#include "bucket_store.h"

#define BUCKET_SLOTS 10
#define AGE_SEEN     3
#define DUE_NEVER    UINT32_MAX

struct bucket {
    uint16_t tag[BUCKET_SLOTS];
    uint32_t ref[BUCKET_SLOTS];
    uint32_t due;
} __attribute__((aligned(64)));

#define RUNS_NEAR 6

struct shard {
    struct lock lock;
    uint32_t nbuckets;
    uint32_t count;
    uint32_t due;             /* earliest of its buckets; may be too early */
    uint32_t hand;            /* bucket the eviction CLOCK looks at next */
    uint32_t expiring;        /* items with an expiry */
    uint32_t near[RUNS_NEAR]; /* the list, when it is short */
    uint32_t *run;            /* the list */
    struct bucket_store *store;
}; /* one cache line */

/* A slot of a locked shard. */
struct slot {
    struct bucket *bucket;
    unsigned i;
};

/* ---- what the words of a slot hold ---- */

static inline uint32_t ref_handle(uint32_t ref)
{
    return ref >> 2;
}
static inline unsigned ref_frequency(uint32_t ref)
{
    return ref & 3;
}
static inline uint32_t ref_make(uint32_t handle, unsigned frequency)
{
    return handle << 2 | frequency;
}
static inline unsigned tag_h14(uint16_t tag)
{
    return tag >> 2;
}
static inline unsigned tag_age(uint16_t tag)
{
    return tag & 3;
}

static inline uint16_t tag_with_age(uint16_t tag, unsigned age)
{
    return (uint16_t)((tag & ~3u) | age);
}

/* ---- slots of a bucket, as bits ---- */

#define ALL_SLOTS ((1u << BUCKET_SLOTS) - 1)

/* Those that are taken. */
static inline unsigned bucket_taken(const struct bucket *b)
{
#ifdef __SSE2__
    const __m128i none = _mm_setzero_si128();
    __m128i r0 = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)&b->ref[0]), none);
    __m128i r4 = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)&b->ref[4]), none);
    __m128i r8 = _mm_cmpeq_epi32(_mm_loadl_epi64((const __m128i *)&b->ref[8]), none);
    __m128i all = _mm_packs_epi16(_mm_packs_epi32(r0, r4), _mm_packs_epi32(r8, none));
    return ~(unsigned)_mm_movemask_epi8(all) & ALL_SLOTS;
#else
    unsigned taken = 0;
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        taken |= (unsigned)(b->ref[i] != 0) << i;
    return taken;
#endif
}

/* Those that are taken by an item with this h14. */
static inline unsigned bucket_match(const struct bucket *b, unsigned h14)
{
    unsigned same = 0;
#ifdef __SSE2__
    const __m128i want = _mm_set1_epi16((short)(h14 << 2)), ages = _mm_set1_epi16(~3);
    __m128i t0 = _mm_loadu_si128((const __m128i *)&b->tag[0]);
    __m128i t2 = _mm_loadu_si128((const __m128i *)&b->tag[2]);
    t0 = _mm_cmpeq_epi16(_mm_and_si128(t0, ages), want);
    t2 = _mm_cmpeq_epi16(_mm_and_si128(t2, ages), want);
    same = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(t0, t2));
    same = (same & 0xff) | (same >> 14 & 3) << 8;
#else
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        same |= (unsigned)(tag_h14(b->tag[i]) == h14) << i;
#endif
    return same == 0 ? 0 : same & bucket_taken(b);
}

static inline bool bucket_is_full(const struct bucket *b)
{
    return bucket_taken(b) == ALL_SLOTS;
}

/* The number of the home bucket in the table. */
static inline uint32_t bucket_home(const struct shard *s, unsigned h14)
{
    return (uint32_t)(((uint64_t)h14 * s->nbuckets) >> 14);
}

/* The bucket of a number below nbuckets. Good until the table changes. */
static inline struct bucket *shard_bucket(const struct shard *s, uint32_t at)
{
    return &s->store->base[s->run[at / RUN_MOST] + at % RUN_MOST];
}

/* The number after: where what does not fit runs over to. */
static inline uint32_t bucket_after(const struct shard *s, uint32_t at)
{
    return at + 1 < s->nbuckets ? at + 1 : 0;
}

/* An empty shard; `rank` is that of its lock. The store must outlive it. */
void shard_init(struct shard *s, unsigned rank, struct bucket_store *store);

/* All with the shard locked. */

/* Puts a handle in; the key must not be there. False when the table is full, and there is no memory
 * for a larger one or it is as large as tables get. `due` in seconds. */
bool shard_insert(struct shard *s, unsigned h14, uint32_t handle, unsigned frequency, uint32_t due);
/* Empties a slot and moves others up, so that the rule above holds. Slots are not valid then. */
void shard_remove(struct shard *s, struct slot at);
/* The slot that holds the handle. */
bool shard_find_handle(const struct shard *s, unsigned h14, uint32_t handle, struct slot *out);
/* Notes an expiry of the item in the slot. */
void shard_note_due(struct shard *s, struct bucket *b, uint32_t due);
/* Moves all into a smaller table when much is free; NULL of them: gives up the table. */
void shard_fit(struct shard *s);
/* Moves runs from bucket `goal` of the store on down. */
void shard_move_down(struct shard *s, uint32_t goal);
/* Takes the table out: `table` has it then, and the shard is empty. */
void shard_detach(struct shard *s, struct shard *table);
/* Gives the memory of the table back, whatever is in it. */
void shard_free(struct shard *s);
/* Buckets of the store that it has, those of its list included. */
uint32_t shard_buckets_taken(const struct shard *s);
/* What does not hold, or NULL. */
const char *shard_check(const struct shard *s);

#endif
