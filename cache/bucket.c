#include "bucket.h"

#include <string.h>

/* Grows when more than this part of the slots is taken, by a part of its buckets. */
#define LOAD_PERCENT 92
#define GROW_PART    16u
/* Full, when it cannot grow: looking for keys would get slow. */
#define FULL_PERCENT 96
/* Shrinks to this load when that saves a third. */
#define FIT_PERCENT  80
#define BUCKETS_MOST (1u << 14)

_Static_assert(sizeof(struct shard) == 64, "a look at a shard is a look at one cache line");

void shard_init(struct shard *s, unsigned rank, struct bucket_store *store)
{
    *s = (struct shard){.due = DUE_NEVER, .store = store};
    lock_init(&s->lock, rank);
}

/* ---- tables ---- */

/* The next larger number of buckets that runs can make. */
static uint32_t table_size(uint32_t nbuckets)
{
    return nbuckets % RUN_MOST == 3 ? nbuckets + 1 : nbuckets;
}

static uint32_t runs_of(uint32_t nbuckets)
{
    return (nbuckets + RUN_MOST - 1) / RUN_MOST;
}

/* Buckets of run i. */
static unsigned run_len(uint32_t nbuckets, uint32_t i)
{
    return i < nbuckets / RUN_MOST ? RUN_MOST : nbuckets % RUN_MOST;
}

/* Buckets that the list takes; 0 = it is in the shard. */
static unsigned list_len(uint32_t nbuckets)
{
    uint32_t room = sizeof(struct bucket) / sizeof(uint32_t), n = runs_of(nbuckets);
    unsigned len = 1;
    while (len * room < n)
        len *= 2;
    return n <= RUNS_NEAR ? 0 : len;
}

/* Number of the first bucket of the list. */
static uint32_t list_number(const struct shard *s)
{
    return (uint32_t)((const struct bucket *)(const void *)s->run - s->store->base);
}

static bool list_make(struct shard *s, uint32_t nbuckets)
{
    unsigned len = list_len(nbuckets);
    uint32_t number;
    s->run = s->near;
    if (len > 0 && !bucket_store_take(s->store, len, 1, &number))
        return false;
    if (len > 0)
        s->run = (uint32_t *)(void *)&s->store->base[number];
    return true;
}

static void list_free(struct shard *s, uint32_t nbuckets)
{
    unsigned len = list_len(nbuckets);
    if (len > 0) {
        uint32_t number = list_number(s);
        bucket_store_give(s->store, len, 1, &number);
    }
    s->run = NULL;
}

static bool take_runs(struct shard *s, uint32_t nbuckets)
{
    uint32_t whole = nbuckets / RUN_MOST, rest = nbuckets % RUN_MOST;
    if (!bucket_store_take(s->store, RUN_MOST, whole, s->run))
        return false;
    if (rest == 0 || bucket_store_take(s->store, rest, 1, &s->run[whole]))
        return true;
    bucket_store_give(s->store, RUN_MOST, whole, s->run);
    return false;
}

/* Gives a shard that has none a table. */
static bool table_make(struct shard *s, uint32_t nbuckets)
{
    if (!list_make(s, nbuckets))
        return false;
    if (!take_runs(s, nbuckets)) {
        list_free(s, nbuckets);
        return false;
    }
    s->nbuckets = nbuckets;
    for (uint32_t at = 0; at < nbuckets; at++)
        *shard_bucket(s, at) = (struct bucket){.due = DUE_NEVER};
    return true;
}

void shard_free(struct shard *s)
{
    uint32_t whole = s->nbuckets / RUN_MOST, rest = s->nbuckets % RUN_MOST;
    if (s->nbuckets == 0)
        return;
    bucket_store_give(s->store, RUN_MOST, whole, s->run);
    if (rest > 0)
        bucket_store_give(s->store, rest, 1, &s->run[whole]);
    list_free(s, s->nbuckets);
    s->nbuckets = 0;
}

/* Moves the table from one shard to another, which has none. */
static void table_move(struct shard *from, struct shard *to)
{
    to->nbuckets = from->nbuckets;
    memcpy(to->near, from->near, sizeof to->near);
    to->run = from->run == from->near ? to->near : from->run;
    from->run = NULL;
    from->nbuckets = 0;
}

void shard_detach(struct shard *s, struct shard *table)
{
    shard_init(table, 0, s->store);
    table_move(s, table);
    table->count = s->count;
    s->count = s->expiring = s->hand = 0;
    s->due = DUE_NEVER;
}

/* Into the first free slot from the home bucket on; there is one. */
static struct bucket *put(struct shard *s, uint16_t tag, uint32_t ref)
{
    uint32_t at = bucket_home(s, tag_h14(tag));
    struct bucket *b = shard_bucket(s, at);
    unsigned taken;
    while ((taken = bucket_taken(b)) == ALL_SLOTS) {
        at = bucket_after(s, at);
        b = shard_bucket(s, at);
    }
    unsigned i = (unsigned)__builtin_ctz(~taken);
    b->tag[i] = tag;
    b->ref[i] = ref;
    return b;
}

/* The same in a table that only fills up: each bucket from the first slot to the last, whose tag
 * counts as long as it is free. What was just written is read as it was written, which is what
 * processors are quick at. */
static void refill(struct shard *s, uint16_t tag, uint32_t ref, uint32_t due)
{
    enum { LAST = BUCKET_SLOTS - 1 };
    uint32_t at = bucket_home(s, tag_h14(tag));
    struct bucket *b = shard_bucket(s, at);
    while (b->ref[LAST] != 0) {
        at = bucket_after(s, at);
        b = shard_bucket(s, at);
    }
    uint16_t n = b->tag[LAST];
    b->tag[LAST] = (uint16_t)(n + 1);
    b->tag[n] = tag;
    b->ref[n] = ref;
    if (due < b->due)
        b->due = due;
}

/* All items into a table of another size, which has room for them: homes are computed from tags, no
 * key is read. */
static bool rebuild(struct shard *s, uint32_t nbuckets)
{
    struct shard next = {.store = s->store};
    if (!table_make(&next, nbuckets))
        return false;
    for (uint32_t at = 0; at < s->nbuckets; at++) {
        const struct bucket *b = shard_bucket(s, at);
        for (unsigned left = bucket_taken(b); left != 0; left &= left - 1) {
            unsigned i = (unsigned)__builtin_ctz(left);
            refill(&next, b->tag[i], b->ref[i], b->due);
        }
    }
    if (s->nbuckets > 0)
        s->hand = (uint32_t)((uint64_t)s->hand * nbuckets / s->nbuckets);
    shard_free(s);
    table_move(&next, s);
    return true;
}

static bool grow(struct shard *s)
{
    uint32_t n = table_size(s->nbuckets + s->nbuckets / GROW_PART + 1);
    if (n > BUCKETS_MOST)
        n = BUCKETS_MOST;
    return n > s->nbuckets && rebuild(s, n);
}

void shard_fit(struct shard *s)
{
    uint32_t n = s->count * 100 / (BUCKET_SLOTS * FIT_PERCENT) + 1;
    if (s->count == 0)
        shard_free(s);
    else if (n * 3 <= s->nbuckets * 2)
        (void)rebuild(s, table_size(n));
}

/* Returns the bucket that the run begins with then. */
static uint32_t move_down(struct bucket_store *st, unsigned len, uint32_t from, uint32_t goal)
{
    uint32_t to = from;
    if (from < goal || !bucket_store_take_lower(st, len, &to))
        return from;
    memcpy(&st->base[to], &st->base[from], len * sizeof(struct bucket));
    bucket_store_give(st, len, 1, &from);
    return to;
}

void shard_move_down(struct shard *s, uint32_t goal)
{
    struct bucket_store *st = s->store;
    unsigned list = list_len(s->nbuckets);
    for (uint32_t i = 0; i < runs_of(s->nbuckets); i++)
        s->run[i] = move_down(st, run_len(s->nbuckets, i), s->run[i], goal);
    if (list > 0)
        s->run = (uint32_t *)(void *)&st->base[move_down(st, list, list_number(s), goal)];
}

/* ---- items ---- */

bool shard_insert(struct shard *s, unsigned h14, uint32_t handle, unsigned frequency, uint32_t due)
{
    uint64_t load = (uint64_t)s->count * 100, slots = (uint64_t)s->nbuckets * BUCKET_SLOTS;
    if (load >= slots * LOAD_PERCENT && !grow(s) && load >= slots * FULL_PERCENT)
        return false;
    struct bucket *b = put(s, (uint16_t)(h14 << 2), ref_make(handle, frequency));
    shard_note_due(s, b, due);
    s->count++;
    return true;
}

/* Steps from one bucket on to another. */
static uint32_t steps(const struct shard *s, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + s->nbuckets - from;
}

/* An item of bucket `at` that may lie in bucket `hole`, which comes before it, too; -1 = none. */
static int movable(const struct shard *s, uint32_t at, uint32_t hole)
{
    const struct bucket *b = shard_bucket(s, at);
    for (unsigned left = bucket_taken(b); left != 0; left &= left - 1) {
        int i = __builtin_ctz(left);
        uint32_t home = bucket_home(s, tag_h14(b->tag[i]));
        if (steps(s, home, at) >= steps(s, hole, at))
            return i;
    }
    return -1;
}

/* Items that ran over a bucket that is no longer full come back, wherever in the run they lie. */
void shard_remove(struct shard *s, struct slot at)
{
    bool was_full = bucket_is_full(at.bucket);
    uint32_t hole = bucket_home(s, tag_h14(at.bucket->tag[at.i]));
    at.bucket->ref[at.i] = 0;
    s->count--;
    while (was_full && shard_bucket(s, hole) != at.bucket)
        hole = bucket_after(s, hole);
    uint32_t next = hole;
    for (uint32_t left = s->nbuckets - 1; was_full && left > 0; left--) {
        next = bucket_after(s, next);
        struct bucket *b = shard_bucket(s, next);
        was_full = bucket_is_full(b);
        int from = movable(s, next, hole);
        if (from < 0)
            continue;
        at.bucket->tag[at.i] = b->tag[from];
        at.bucket->ref[at.i] = b->ref[from];
        if (b->due < at.bucket->due)
            at.bucket->due = b->due;
        b->ref[from] = 0;
        at = (struct slot){b, (unsigned)from};
        hole = next;
    }
}

bool shard_find_handle(const struct shard *s, unsigned h14, uint32_t handle, struct slot *out)
{
    uint32_t at = bucket_home(s, h14);
    bool full = true;
    for (uint32_t left = s->nbuckets; full && left > 0; left--, at = bucket_after(s, at)) {
        struct bucket *b = shard_bucket(s, at);
        for (unsigned same = bucket_match(b, h14); same != 0; same &= same - 1) {
            *out = (struct slot){b, (unsigned)__builtin_ctz(same)};
            if (ref_handle(b->ref[out->i]) == handle)
                return true;
        }
        full = bucket_is_full(b);
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

/* ---- checking ---- */

uint32_t shard_buckets_taken(const struct shard *s)
{
    return s->nbuckets + list_len(s->nbuckets);
}

static const char *check_slot(const struct shard *s, uint32_t at, uint16_t tag)
{
    uint32_t home = bucket_home(s, tag_h14(tag));
    for (; home != at; home = bucket_after(s, home))
        if (!bucket_is_full(shard_bucket(s, home)))
            return "an item is cut off from its home bucket";
    return NULL;
}

const char *shard_check(const struct shard *s)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < s->nbuckets; at++) {
        const struct bucket *b = shard_bucket(s, at);
        if (b->due < s->due)
            return "a shard's earliest expiry is too late";
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            const char *wrong = b->ref[i] == 0 ? NULL : check_slot(s, at, b->tag[i]);
            if (wrong != NULL)
                return wrong;
            count += b->ref[i] != 0;
        }
    }
    return count == s->count ? NULL : "items of a shard are miscounted";
}
