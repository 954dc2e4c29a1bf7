#include "bucket.h"

#include <stdlib.h>
#include <string.h>

/* Grows when more than this part of the slots of all homes is taken. */
#define LOAD_PERCENT 88
#define HOMES_MOST   (1u << 14)

uint32_t shard_buckets(uint32_t nbuckets)
{
    return nbuckets == 0 ? 0 : nbuckets + 1 + nbuckets / 16;
}

size_t shard_bytes(const struct shard *s)
{
    return shard_buckets(s->nbuckets) * sizeof(struct bucket);
}

static struct bucket *make_buckets(uint32_t nbuckets)
{
    size_t bytes = shard_buckets(nbuckets) * sizeof(struct bucket);
    struct bucket *b = aligned_alloc(sizeof *b, bytes);
    if (b == NULL)
        return NULL;
    memset(b, 0, bytes);
    for (uint32_t i = 0; i < shard_buckets(nbuckets); i++)
        b[i].due = DUE_NEVER;
    return b;
}

/* Puts tag and ref in the first free slot from home on. False when the array ends before. */
static bool put(struct shard *s, uint32_t home, uint16_t tag, uint32_t ref, uint32_t due,
                struct slot *out)
{
    uint32_t end = shard_buckets(s->nbuckets);
    for (uint32_t at = home; at < end; at++) {
        struct bucket *b = &s->bucket[at];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->ref[i] != 0)
                continue;
            b->tag[i] = tag;
            b->ref[i] = ref;
            if (due < b->due)
                b->due = due;
            *out = (struct slot){b, i};
            return true;
        }
    }
    return false;
}

/* All items into an array of n homes: homes are computed from tags, no key is read. */
static bool rebuild(struct shard *s, uint32_t nbuckets)
{
    struct shard bigger = {.nbuckets = nbuckets, .bucket = make_buckets(nbuckets)};
    if (bigger.bucket == NULL)
        return false;
    for (uint32_t at = 0; at < shard_buckets(s->nbuckets); at++) {
        const struct bucket *b = &s->bucket[at];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            struct slot slot;
            if (b->ref[i] == 0)
                continue;
            if (!put(&bigger, bucket_home(&bigger, tag_h14(b->tag[i])), b->tag[i], b->ref[i],
                     b->due, &slot)) {
                free(bigger.bucket);
                return false;
            }
        }
    }
    free(s->bucket);
    s->bucket = bigger.bucket;
    s->nbuckets = nbuckets;
    return true;
}

static bool grow(struct shard *s)
{
    for (uint32_t n = s->nbuckets + s->nbuckets / 8 + 1; n <= HOMES_MOST; n += n / 8 + 1)
        if (rebuild(s, n))
            return true;
    return s->nbuckets < HOMES_MOST && rebuild(s, HOMES_MOST);
}

bool shard_insert(struct shard *s, unsigned h14, uint32_t handle, unsigned frequency, uint32_t due,
                  struct slot *out, int64_t *grown_bytes)
{
    size_t before = shard_bytes(s);
    uint16_t tag = (uint16_t)(h14 << 2);
    uint32_t ref = ref_make(handle, frequency);
    bool full = (uint64_t)s->count * 100 >= (uint64_t)s->nbuckets * BUCKET_SLOTS * LOAD_PERCENT;
    if (full && !grow(s) && s->nbuckets == 0)
        return false;
    while (!put(s, bucket_home(s, h14), tag, ref, due, out))
        if (!grow(s))
            return false;
    s->count++;
    if (due < s->due)
        s->due = due;
    *grown_bytes = (int64_t)shard_bytes(s) - (int64_t)before;
    return true;
}

static bool is_full(const struct bucket *b)
{
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if (b->ref[i] == 0)
            return false;
    return true;
}

/* An item of the bucket that may lie in bucket `hole` too; -1 = none. */
static int movable(const struct shard *s, const struct bucket *b, uint32_t hole)
{
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if (b->ref[i] != 0 && bucket_home(s, tag_h14(b->tag[i])) <= hole)
            return (int)i;
    return -1;
}

/* Items that ran over a bucket that is no longer full come back, wherever in the run they lie. */
void shard_remove(struct shard *s, struct slot at)
{
    uint32_t end = shard_buckets(s->nbuckets);
    uint32_t hole = (uint32_t)(at.bucket - s->bucket);
    bool was_full = is_full(at.bucket);
    at.bucket->ref[at.i] = 0;
    at.bucket->tag[at.i] = 0;
    s->count--;
    if (!was_full)
        return;
    for (uint32_t next = hole + 1; next < end; next++) {
        struct bucket *b = &s->bucket[next];
        bool full = is_full(b);
        int from = movable(s, b, hole);
        if (from >= 0) {
            at.bucket->tag[at.i] = b->tag[from];
            at.bucket->ref[at.i] = b->ref[from];
            if (b->due < at.bucket->due)
                at.bucket->due = b->due;
            b->tag[from] = 0;
            b->ref[from] = 0;
            at = (struct slot){b, (unsigned)from};
            hole = next;
        }
        if (!full)
            return;
    }
}

bool shard_find_handle(const struct shard *s, unsigned h14, uint32_t handle, struct slot *out)
{
    uint32_t end = shard_buckets(s->nbuckets);
    for (uint32_t at = bucket_home(s, h14); at < end; at++) {
        struct bucket *b = &s->bucket[at];
        bool full = true;
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->ref[i] == 0)
                full = false;
            else if (ref_handle(b->ref[i]) == handle) {
                *out = (struct slot){b, i};
                return true;
            }
        }
        if (!full)
            return false;
    }
    return false;
}

void shard_note_due(struct shard *s, struct bucket *b, uint32_t due)
{
    if (due < b->due)
        b->due = due;
    if (due < s->due)
        s->due = due;
}

const char *shard_check(const struct shard *s)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < shard_buckets(s->nbuckets); at++) {
        const struct bucket *b = &s->bucket[at];
        if (b->due < s->due)
            return "a shard's earliest expiry is too late";
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (b->ref[i] == 0)
                continue;
            count++;
            uint32_t home = bucket_home(s, tag_h14(b->tag[i]));
            if (home > at)
                return "an item lies before its home bucket";
            for (uint32_t k = home; k < at; k++)
                if (!is_full(&s->bucket[k]))
                    return "an item is cut off from its home bucket";
        }
    }
    return count == s->count ? NULL : "items of a shard are miscounted";
}
