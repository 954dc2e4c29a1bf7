/* Getting down to a cap that has sunk far, under the sampled policies. Samples for each victim
 * would take minutes, since nearly each look at an item is a cache miss; a walk through the index
 * looks once at each item of a bucket, the next bucket's being fetched meanwhile, and evicts what
 * is worse than a mark. The mark is where enough would go, found from a sample of all items: so
 * what goes is nearly what an exact order would choose.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "account.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "memory.h"
#include "policy.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

/* Parts of the cap that there must be too much for a walk to begin, and to go on. */
#define BEGIN_PART 8
#define END_PART   64
/* Items that the mark is found from: its place in the order is right to about 1 %. */
#define SAMPLES 2048
/* Of what is too much, so much goes in a first walk. */
#define FIRST_SHARE 0.97
/* Buckets that are passed while the shard is locked; and until the clock is read. */
#define BUCKETS       4
#define BUCKETS_CLOCK 32

struct sample {
    uint64_t bad;
    size_t bytes;
};

static size_t bytes_of(const struct found *f)
{
    return item_codec(&f->item) == ITEM_SEGMENTED ? f->item.raw_len
                                                  : item_size(&f->item, f->object);
}

/* The items of a random bucket of a random shard. */
static unsigned sample_bucket(struct cache_thread *t, unsigned policy, unsigned db,
                              struct sample *out)
{
    struct cache *c = t->cache;
    struct shard *s = &db_shards(c, db)[random_below(&t->random, 1u << c->shard_bits)];
    unsigned n = 0;
    lock_acquire(&s->lock);
    if (s->count > 0) {
        struct bucket *b = shard_bucket(s, random_below(&t->random, s->nbuckets));
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            struct found f;
            if (b->ref[i] == 0 || !found_open(t, (struct slot){b, i}, &f))
                continue;
            out[n++] = (struct sample){evict_badness(t, policy, &f), bytes_of(&f)};
            found_end(t, &f);
        }
    }
    lock_release(&s->lock);
    return n;
}

/* Databases in proportion to what they hold. */
struct choice {
    unsigned n, db[CACHE_MAX_DATABASES];
    uint64_t upto[CACHE_MAX_DATABASES];
};

static void choice_begin(struct cache *c, struct choice *ch)
{
    uint64_t sum = 0;
    ch->n = databases_present(c, ch->db);
    for (unsigned i = 0; i < ch->n; i++) {
        int64_t items = counter_sum(c, N_DB_ITEMS + ch->db[i]);
        sum += items > 0 ? (uint64_t)items : 0;
        ch->upto[i] = sum;
    }
}

static unsigned choose(struct cache_thread *t, const struct choice *ch)
{
    uint64_t sum = ch->upto[ch->n - 1];
    uint64_t at = sum > 0 ? random_next(&t->random) % sum : 0;
    unsigned i = 0;
    while (ch->upto[i] <= at && i + 1 < ch->n)
        i++;
    return ch->db[i];
}

/* Returns how many. */
static unsigned sample_items(struct cache_thread *t, unsigned policy, struct sample *out)
{
    struct choice ch;
    unsigned n = 0;
    choice_begin(t->cache, &ch);
    for (unsigned looks = 0; ch.n > 0 && n < SAMPLES && looks < SAMPLES; looks++)
        n += sample_bucket(t, policy, choose(t, &ch), &out[n]);
    return n;
}

static int worst_first(const void *a, const void *b)
{
    uint64_t x = ((const struct sample *)a)->bad, y = ((const struct sample *)b)->bad;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Finds where `over` bytes of the pool get free, but for a little: what is left takes another walk,
 * while one that ends too early would leave a part of the index that it has not seen. Items as bad
 * as the mark, which may be most of them, go by chance: the walk takes as much everywhere. */
static void find_mark(struct cache_thread *t, struct reduction *r, size_t over)
{
    struct cache *c = t->cache;
    struct sample *all = malloc((SAMPLES + BUCKET_SLOTS) * sizeof *all);
    double bytes = 0, worse = 0, ties = 0;
    r->mark = 1;
    r->chance = UINT32_MAX;
    if (all == NULL)
        return;
    unsigned n = sample_items(t, r->policy, all), i = 0;
    for (unsigned k = 0; k < n; k++)
        bytes += (double)all[k].bytes;
    double pool = (double)zs_get_total_pages(c->pool) * ZS_PAGE_SIZE;
    double wanted = pool > 0 ? (double)over / pool * bytes * FIRST_SHARE : 0;
    qsort(all, n, sizeof *all, worst_first);
    while (i < n && worse + ties < wanted && all[i].bad > 0) {
        worse += ties;
        r->mark = all[i].bad;
        for (ties = 0; i < n && all[i].bad == r->mark; i++)
            ties += (double)all[i].bytes;
    }
    free(all);
    if (worse + ties > wanted)
        r->chance = (uint32_t)((wanted - worse) / ties * UINT32_MAX);
    else
        r->mark = 1; /* all that may go is too little */
}

static bool is_to_go(struct cache_thread *t, const struct reduction *r, const struct found *f)
{
    uint64_t bad = evict_badness(t, r->policy, f);
    return bad > r->mark ||
           (bad == r->mark && (uint32_t)(random_next(&t->random) >> 32) <= r->chance);
}

static size_t pass_bucket_locked(struct cache_thread *t, unsigned db, struct shard *s,
                                 struct bucket *b)
{
    const struct reduction *r = &t->cache->keeper.reduction;
    size_t freed = 0;
    if (policy_is_volatile(r->policy) && b->due == DUE_NEVER)
        return 0;
    for (unsigned i = 0; i < BUCKET_SLOTS;) {
        struct found f;
        uint32_t ref = b->ref[i];
        if (ref == 0 || !found_open(t, (struct slot){b, i}, &f)) {
            i++;
        } else if (is_to_go(t, r, &f)) {
            freed += drop_as_locked(t, db, s, &f, GONE_EVICTED);
            i += b->ref[i] == 0; /* else another has moved up */
        } else {
            found_end(t, &f);
            i++;
        }
    }
    return freed;
}

/* A few buckets on. True when the shard is done. */
static bool pass_buckets(struct cache_thread *t, unsigned db, struct shard *s, size_t *freed)
{
    struct reduction *r = &t->cache->keeper.reduction;
    lock_acquire(&s->lock);
    uint32_t end = policy_has_victims(r->policy, s) ? s->nbuckets : 0;
    for (unsigned n = 0; n < BUCKETS && r->bucket < end; n++, r->bucket++) {
        if (r->bucket + 1 < end)
            evict_prefetch(t->cache, shard_bucket(s, r->bucket + 1), 3);
        *freed += pass_bucket_locked(t, db, s, shard_bucket(s, r->bucket));
    }
    bool done = r->bucket >= end;
    lock_release(&s->lock);
    return done;
}

/* On from where the walk is. */
static size_t walk_on(struct cache_thread *t)
{
    struct cache *c = t->cache;
    struct reduction *r = &c->keeper.reduction;
    unsigned dbs[CACHE_MAX_DATABASES];
    uint64_t shards = (uint64_t)databases_present(c, dbs) << c->shard_bits;
    size_t freed = 0;
    for (unsigned n = 0; n < BUCKETS_CLOCK && r->shard < shards; n += BUCKETS) {
        unsigned db = dbs[r->shard >> c->shard_bits];
        struct shard *s = &db_shards(c, db)[r->shard & ((1u << c->shard_bits) - 1)];
        if (pass_buckets(t, db, s, &freed)) {
            r->shard++;
            r->bucket = 0;
        }
    }
    r->is_done = r->shard >= shards;
    return freed;
}

size_t reduce(struct cache_thread *t, unsigned share, int64_t end_us)
{
    struct cache *c = t->cache;
    struct reduction *r = &c->keeper.reduction;
    unsigned policy = atomic_load_explicit(&c->policy, memory_order_relaxed);
    size_t freed = 0;
    for (;;) {
        size_t over = memory_over(c, share);
        bool walks = r->mark != 0 && r->policy == policy;
        if (over <= cache_cap(c) / (walks ? END_PART : BEGIN_PART) || !evict_has_victims(c)) {
            r->mark = 0;
            return freed;
        }
        if (walks && r->is_done && !r->has_freed) { /* it is not items that take the memory */
            r->mark = 0;
            return freed;
        }
        if (!walks || r->is_done) {
            *r = (struct reduction){.policy = policy};
            find_mark(t, r, over);
        }
        size_t got = walk_on(t);
        r->has_freed = r->has_freed || got > 0;
        freed += got;
        if (clock_mono_us() >= end_us)
            return freed;
    }
}
