/* What the files of cache/ share, grouped by the file that defines it.
 *
 * Lock order: world > threads (ascending) > shards (ascending address) > flushed > dead > learner >
 * buckets, nursery lanes > pool. Whoever holds a shard and wants another only tries, but for
 * cache_lock_keys(), which takes all of its shards in order. See docs/locking.md.
 */
#ifndef CACHE_INTERNAL_H
#define CACHE_INTERNAL_H

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/lock.h"
#include "base/random.h"
#include "bucket.h"
#include "cache/cache.h"
#include "coding.h"
#include "ghost.h"
#include "item.h"
#include "learner.h"
#include "nursery.h"
#include "nursery_ring.h"
#include "policy.h"
#include "zspool/zspool.h"

enum cache_rank {
    RANK_WORLD = 1,
    RANK_THREAD,
    RANK_SHARD = 8,
    RANK_FLUSHED,
    RANK_DEAD,
    RANK_LEARNER,
    RANK_BUCKETS,
};

#define CACHE_THREADS 136
#define NURSERY_LANES 8
#define SCRATCHES     24
/* A value, coded or not, and what stands before it. */
#define SCRATCH_BYTES ZS_MAX_ALLOC_SIZE

/* ---- counters: each thread adds to its own, readers sum ---- */

enum counter {
    N_HITS,
    N_MISSES,
    N_EXPIRED,
    N_EVICTED,
    N_REFUSED,
    N_DAMAGED,
    N_RESET, /* those above can be set to zero */
    N_ITEMS = N_RESET,
    N_RAW_BYTES,
    N_STORED_BYTES,
    N_KEY_BYTES,
    N_CODEC, /* four: raw, lz4, dense, segmented */
    N_INCOMPRESSIBLE = N_CODEC + 4,
    N_NURSERY_ITEMS,
    N_NURSERY_BYTES,
    N_LOOSE_BYTES, /* stored, of items in main that were not coded with all effort yet */
    N_GHOST_HITS,
    N_ATTEMPTS,
    N_REJECTED,
    N_MISCODED,
    N_RECODED,
    N_WARMED,
    N_SEGMENTS_READ,
    N_SEGMENTS_WRITTEN,
    N_COMPRESS_US,
    N_RUNG_RUNS,
    N_RUNG_BYTES = N_RUNG_RUNS + CACHE_RUNGS,
    N_RUNG_US = N_RUNG_BYTES + CACHE_RUNGS,
    N_DB_ITEMS = N_RUNG_US + CACHE_RUNGS,
    N_DB_EXPIRING = N_DB_ITEMS + CACHE_MAX_DATABASES,
    N_DICT_ITEMS = N_DB_EXPIRING + CACHE_MAX_DATABASES,
    N_DICT_RAW = N_DICT_ITEMS + LEARNER_DICTS,
    N_DICT_STORED = N_DICT_RAW + LEARNER_DICTS,
    COUNTERS = N_DICT_STORED + LEARNER_DICTS,
};

struct counters {
    _Atomic int64_t n[COUNTERS];
};

struct cache_thread {
    struct cache *cache;
    unsigned id; /* place in cache->thread */
    bool inside, has_world;
    int64_t now_ms;
    struct codec_ctx *codec;
    struct random random;
    uint8_t *scratches; /* one block with all of them */
    uint8_t *scratch[SCRATCHES];
    unsigned scratch_busy; /* bits */
    unsigned helping;      /* depth of room making, so that it does not call itself */
    struct shard **locked; /* by cache_lock_keys(), in order */
    size_t locked_count;
    unsigned locked_again; /* depth of further calls while they are locked */
    unsigned sets;
    struct counters *counters;
};

struct thread_place {
    struct lock inside;
    struct cache_thread *thread;         /* NULL = free; under the lock of the world */
    _Atomic(struct counters *) counters; /* from the first thread of the place on */
} __attribute__((aligned(64)));

/* A table that FLUSHDB took out, waiting to be emptied in slices. */
struct flushed {
    struct flushed *next;
    struct shard *shard; /* where it was: its lock guards readers of its items */
    struct shard table;
    unsigned db;
};

/* Answering to pressure; see shrink.c. */
struct pressure;
struct shrink {
    struct pressure *source;
    int64_t read_ms; /* last reading; 0 = never */
    int64_t seen_ms; /* last sign of pressure */
    int64_t step_ms; /* last step of the ceiling */
    uint64_t began;  /* bytes in use when the pressure began */
};

/* Where the background work stands. */
struct keeper {
    int64_t measured_ms;       /* last memory_measure() */
    int64_t walk_ms;           /* when the walk through the index began */
    uint64_t walk_at;          /* shard of the walk */
    uint64_t sweep_at;         /* shard of the expiry sweep */
    int64_t sweep_ms;          /* when that began */
    uint64_t fit_at;           /* shard of fit_slice() */
    int64_t fit_ms;            /* when its round began */
    uint32_t fit_goal;         /* bucket of the store from which on runs move down in it */
    uint64_t walk_trainings;   /* that there had been when it began */
    unsigned walk_compression; /* the option when it began */
    unsigned walk_how;         /* enum recode_how, for all items of this walk */
    bool walk_all;             /* not only idle items */
    bool walk_haste;           /* it is the first while all is quiet, to code in haste */
    int64_t compact_ms;
    bool compact_more;  /* the last slice left something to compact */
    int64_t busy_ms;    /* when requests were last waiting */
    int64_t rest_coded; /* what had been coded when the last rest began; see rest.c */
    int64_t trained;    /* trainings, whatever came of them */
    uint64_t rests;
    int64_t trim_ms;        /* last memory_trim_heap() */
    uint64_t heap_bytes;    /* of other_bytes, what is of no file: the heap as a rule */
    uint64_t trimmed_to;    /* the same at the end of the last trim, or less */
    uint64_t trimmed_holes; /* bytes of the heap that nobody had then */
    int64_t cpu_us;         /* CPU that coding may take still; less than 0 = was taken already */
    int64_t cpu_at_us;      /* when that was reckoned */
    uint64_t gather_at;     /* shard of gather_slice(); past the last = not at it */
    bool taught;            /* the learner was shown the first nursery */
    struct shrink shrink;
    struct reduction reduction;
};

struct cache {
    struct zs_pool *pool;
    struct learner *learner;
    struct nursery_ring *ring;
    struct ghost *ghost;
    struct bucket_store buckets;
    unsigned shard_bits;
    unsigned databases;
    size_t page_bytes; /* of the system */
    uint8_t hash_seed[16];
    _Atomic(struct shard *) db[CACHE_MAX_DATABASES];

    /* Run-time options. */
    _Atomic uint64_t maxmemory;
    _Atomic uint64_t
        ceiling; /* what counts instead while the machine is short of memory; 0 = none */
    _Atomic unsigned policy, compression, cpu_percent, samples;
    _Atomic bool psi, listening, unswept;
    _Atomic bool full; /* see cache_is_full(); what the last look said */
    cache_event_fn *on_event;
    void *event_arg;

    struct lock world;
    struct thread_place thread[CACHE_THREADS];
    _Atomic int64_t zero[COUNTERS]; /* what the counters that can be reset stood at */

    _Atomic int64_t charged;
    _Atomic uint64_t peak, other_bytes;
    _Atomic unsigned pressure; /* enum pressure_level */
    _Atomic uint64_t pressure_times;

    struct lock flushed_lock;
    struct flushed *flushed;
    _Atomic uint64_t flushed_items; /* not yet freed */

    struct lock dead_lock;
    uint32_t dead_first;         /* head of a long value; 0 = none */
    size_t dead_done;            /* segments of it that are freed */
    _Atomic uint64_t dead_bytes; /* raw */

    _Atomic bool quiet;    /* no request has come for a while */
    _Atomic bool haste;    /* so much is to be coded that haste comes first, even so */
    _Atomic bool roomy;    /* there is memory to spare */
    _Atomic uint64_t rest; /* number of the rest that is on; 0 = none. See rest.c */
    _Atomic bool warm;     /* and so much that items may take more than they must */
    /* There is none, while much in main could be coded better: writers help with that. */
    _Atomic bool behind;
    _Atomic int64_t nursery_share; /* bytes it may hold */
    /* The keeper's alone. */
    struct keeper keeper;
    /* Shard whose CLOCK is next; any evictor moves it on. */
    _Atomic uint64_t hand;
};

static inline void count(struct cache_thread *t, unsigned what, int64_t delta)
{
    _Atomic int64_t *n = &t->counters->n[what];
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

static inline bool cache_may_evict(const struct cache *c)
{
    return atomic_load_explicit(&c->policy, memory_order_relaxed) != CACHE_NOEVICTION;
}

/* The cap in force; 0 = none. */
static inline uint64_t cache_cap(const struct cache *c)
{
    uint64_t cap = atomic_load_explicit(&c->maxmemory, memory_order_relaxed);
    uint64_t ceiling = atomic_load_explicit(&c->ceiling, memory_order_relaxed);
    return ceiling != 0 && (cap == 0 || ceiling < cap) ? ceiling : cap;
}

/* ---- cache.c ---- */

uint64_t machine_bytes(void);

/* ---- stats.c ---- */

int64_t counter_sum(struct cache *c, unsigned what);
uint64_t index_bytes(struct cache *c);

/* ---- thread.c ---- */

/* A buffer of SCRATCH_BYTES; there are always enough. */
unsigned scratch_take(struct cache_thread *t);
/* Frees what threads use for coding only, and empties their buffers. The world is locked. */
void threads_rest(struct cache_thread *t);
static inline void scratch_give(struct cache_thread *t, unsigned i)
{
    t->scratch_busy &= ~(1u << i);
}

/* ---- key.c ---- */

static inline unsigned shard_number(const struct cache *c, uint64_t hash)
{
    return (unsigned)(hash >> (64 - c->shard_bits));
}
static inline unsigned hash_h14(const struct cache *c, uint64_t hash)
{
    return (unsigned)(hash >> (64 - c->shard_bits - 14)) & 0x3fff;
}
/* NULL when the database was never written to. */
static inline struct shard *db_shards(struct cache *c, unsigned db)
{
    return atomic_load_explicit(&c->db[db], memory_order_acquire);
}
/* Makes the shards of a database; false when memory is short. */
bool db_begin(struct cache_thread *t, unsigned db);
/* Locks, unless cache_lock_keys() did. */
void shard_enter(struct cache_thread *t, struct shard *s);
void shard_leave(struct cache_thread *t, struct shard *s);
/* Seconds in which `due` counts, rounded down. */
static inline uint32_t due_of(int64_t expire_ms)
{
    return expire_ms >= (int64_t)DUE_NEVER * 1000 ? DUE_NEVER - 1 : (uint32_t)(expire_ms / 1000);
}

/* ---- find.c: an item in its shard. All with the shard locked ---- */

struct found {
    struct slot slot;
    struct item item;
    const uint8_t *object;
    struct zs_map map;
    unsigned scratch;    /* SCRATCHES = none */
    uint32_t free_after; /* object to free when the pin ends; 0 = none */
};
/* The item of the key, pinned. */
bool find_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f);
/* The same, but an item that has expired is dropped and not found. */
bool find_live_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                      struct found *f);
/* Pins the item of a slot. False when it cannot be read. */
bool found_open(struct cache_thread *t, struct slot slot, struct found *f);
void found_end(struct cache_thread *t, struct found *f);
/* The whole key of an item: where it lies, or put together in buf (CACHE_MAX_KEY). */
struct key_text item_key(const struct cache_thread *t, const struct item *it, uint8_t *buf);
static inline struct key_text key_text_of(const struct cache_key *k)
{
    return (struct key_text){k->ptr, k->len};
}
/* Counts as a use. */
void touch_locked(struct cache_thread *t, struct found *f);

/* ---- account.c: what every insertion and removal changes ---- */

/* Adds n bytes, or takes them away when sign is -1. */
void count_bytes(struct cache_thread *t, unsigned what, size_t n, int sign);
/* `s` is locked; NULL for an item of a flushed table, which counts for no database any more. */
void account(struct cache_thread *t, unsigned db, struct shard *s, const struct item *it, int sign);
/* Takes the item out of its slot and frees it. The pin of f is ended. */
void drop_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f);
enum cache_gone { GONE_EXPIRED, GONE_EVICTED, GONE_DAMAGED };
/* The same, counted, and told to who listens. Returns the bytes it had. */
size_t drop_as_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f,
                      enum cache_gone why);
/* Frees the object of f, which is in no slot any more, when its pin ends: a free under a pin costs
 * the pool much more. A long value that somebody still reads stays for the last of them. */
void found_free_locked(struct cache_thread *t, struct found *f);

/* ---- feed.c: reading a source piece by piece ---- */

struct feed {
    const struct cache_source *source;
    const uint8_t *at;
    size_t left; /* of the range at hand */
};

struct feed feed_begin(const struct cache_source *source);
/* Copies exactly len bytes; false when the source ends before (it then lied about its total). */
bool feed_copy(struct feed *f, uint8_t *dst, size_t len);
/* len bytes in one piece: where they are, or copied to buf. NULL as feed_copy(). */
const uint8_t *feed_piece(struct feed *f, uint8_t *buf, size_t len);

/* ---- build.c: new objects ---- */

struct build {
    const struct cache_key *key;
    enum cache_type type;
    int64_t expire_ms;
    const struct cache_source *value;
};
/* Makes an object, all or nothing; *it tells what it is (without pointers). */
enum cache_status build_item(struct cache_thread *t, const struct build *b, uint32_t *handle,
                             struct item *it);
/* An object of header, key and stored bytes; sets the form of the key. */
enum cache_status build_object(struct cache_thread *t, struct item *it, struct key_text key,
                               const void *stored, uint32_t *handle);
/* Frees what build_item() made and nobody placed. */
void built_free(struct cache_thread *t, uint32_t handle);
/* A segment, coded when compression is on-write. */
enum cache_status build_segment(struct cache_thread *t, struct key_text key, const uint8_t *raw,
                                size_t len, uint32_t *handle);
/* zs_malloc() that makes room. */
enum cache_status object_alloc(struct cache_thread *t, size_t size, uint32_t *handle);
/* What new items carry, by the policy and compression in force. */
uint8_t build_flags(const struct cache *c);

/* ---- segment.c ---- */

enum cache_status segment_store(struct cache_thread *t, const void *raw, size_t raw_len,
                                const struct coded *coded, const void *coded_bytes,
                                uint32_t *handle);
/* Decodes len bytes at off of a segment of raw_len. False when it is damaged. */
bool segment_read(struct cache_thread *t, uint32_t handle, size_t raw_len, size_t off, size_t len,
                  uint8_t *dst);
void segment_free(struct cache_thread *t, uint32_t handle, size_t raw_len);
/* Handle of segment i of a head. */
uint32_t segment_handle(struct cache_thread *t, const uint8_t *stored, size_t raw_len, size_t i);
/* All of them into a malloc()ed array with place for `room`; NULL when memory is short. */
uint32_t *segment_handles(struct cache_thread *t, const uint8_t *stored, size_t raw_len,
                          size_t room);
/* Puts another object in the place of segment i and frees the old one. Nobody else may read. */
void segment_replace_locked(struct cache_thread *t, const struct found *f, size_t i,
                            uint32_t handle);
void segment_look(struct cache_thread *t, uint32_t handle, unsigned *codec, unsigned *dict,
                  size_t *stored_len);
/* A head over n segments. On failure the segments are still the caller's. */
enum cache_status segment_head(struct cache_thread *t, const struct item *it, struct key_text key,
                               const uint32_t *handles, size_t n, uint32_t *handle);
void segments_free(struct cache_thread *t, const uint32_t *handles, size_t n, size_t raw_len);
/* Frees the lists of a head, not the segments; and all of a value. */
void segment_lists_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len);
void segment_value_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len);
/* Readers of a head, with its shard locked. Returns how many there are then, with
 * READERS_ORPHAN. */
unsigned readers_add_locked(struct cache_thread *t, uint32_t handle, int delta);
void readers_orphan_locked(struct cache_thread *t, uint32_t handle);
/* The same word of a head that is dead, and has no readers, links it with others. */
uint32_t head_link(struct cache_thread *t, uint32_t handle);
void head_set_link(struct cache_thread *t, uint32_t handle, uint32_t link);

/* ---- dead.c ---- */

/* Takes over a head that nobody reads and that is in no slot, with all of its value. False when it
 * is so short that the caller frees it itself. */
bool dead_add(struct cache_thread *t, uint32_t handle, size_t raw_len);
/* Frees some segments of what is dead; returns how many, 0 = nothing is left. */
size_t dead_free(struct cache_thread *t);

/* ---- read.c ---- */

void view_begin_locked(struct cache_thread *t, const struct cache_key *k, struct found *f,
                       struct cache_view *v);
/* With the shard locked. */
void view_end_locked(struct cache_thread *t, struct shard *s, struct cache_view *v);

/* ---- write.c ---- */

/* Passes the outcome of a write on; counts it when it was refused. */
enum cache_status refused(struct cache_thread *t, enum cache_status status);
/* Puts a new object in the place of the found one (f may be NULL: the key is absent), which is
 * freed; its pin stays. On failure the object is still the caller's. */
enum cache_status place_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                               struct found *f, uint32_t handle, const struct item *it);
/* The same without freeing the old object. */
void swap_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f, uint32_t handle, const struct item *it);
/* Builds and places; or deletes, when it would have expired already. The pin of f stays. */
enum cache_status store_locked(struct cache_thread *t, struct shard *s, const struct build *b,
                               struct found *f);
/* Sets the expiry of a found item, in place or by a new object. The pin of f stays. */
enum cache_status expire_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                                struct found *f, int64_t expire_ms);

/* ---- update.c ---- */

/* Pins the item of an update once more. False when it is absent. */
bool update_open(struct cache_thread *t, struct cache_update *u, struct found *f);
void update_close(struct cache_thread *t, struct cache_update *u, struct found *f);

/* ---- memory.c ---- */

/* Tells the pool how many pages are left for it. */
void memory_set_limit(struct cache *c);
/* After the pool refused: evicts and compacts a little. False when nothing can be freed. */
bool memory_room(struct cache_thread *t, size_t bytes);
bool memory_is_over(struct cache *c);
/* Bytes to evict until use is below this share (1/1024) of the cap; 0 = it is. */
size_t memory_over(struct cache *c, unsigned share);
/* The keeper evicts ahead of writers, from the first mark down to the second. */
#define MARK_HIGH 1020
#define MARK_LOW  1008
/* Measures what the process takes beside what is counted. */
void memory_measure(struct cache *c);
/* Finds out whether the cache is full. */
void memory_note_full(struct cache *c);
/* Gives free memory of the heap back to the system. The keeper's. */
void memory_trim_heap(struct cache *c);
/* Whether enough was taken or freed since. */
bool memory_is_worth_trimming(struct cache *c);

/* ---- rest.c ---- */

/* `coding` = something is left to code, or not all was looked at. */
void rest_watch(struct cache_thread *t, bool coding);

/* ---- shrink.c ---- */

/* Whether the machine is short of memory. */
static inline bool is_pressed(const struct cache *c)
{
    return atomic_load_explicit(&c->pressure, memory_order_relaxed) != 0;
}
/* Whether memory should get small at once, and not as items grow idle: the machine needs it, or
 * nobody asks for anything. */
static inline bool is_settling(const struct cache *c)
{
    return is_pressed(c) || atomic_load_explicit(&c->quiet, memory_order_relaxed);
}
/* Whether items should be coded well soon: the cache settles, or has no memory to spare. */
static inline bool is_soon(const struct cache *c)
{
    return is_settling(c) || !atomic_load_explicit(&c->roomy, memory_order_relaxed);
}
/* Looks once a second whether the machine is short of memory, and gives back what it can. */
void shrink_watch(struct cache_thread *t);

/* ---- evict.c: the CLOCK; sample.c, reduce.c: the sampled policies ---- */

/* Evicts about so many bytes of items; returns how many it did. 0 = nothing may be evicted. Only
 * tries to lock, so any lock may be held. */
size_t evict(struct cache_thread *t, size_t bytes);
size_t evict_sampled(struct cache_thread *t, size_t bytes);
/* One item of a shard whose table is full; returns its bytes, 0 = none may be evicted. */
size_t evict_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
size_t evict_sampled_of_shard_locked(struct cache_thread *t, unsigned db, struct shard *s);
/* Higher = to be evicted sooner; 0 = may not be. For the sampled policies. */
uint64_t evict_badness(struct cache_thread *t, unsigned policy, const struct found *f);
/* Evicts until end_us while there is far too much, more than samples could get rid of. The keeper
 * calls it and holds no lock. Returns bytes. */
size_t reduce(struct cache_thread *t, unsigned share, int64_t end_us);
/* Whether there is anything that the policy lets go. */
bool evict_has_victims(struct cache *c);
/* Fetches the items of a bucket that were not used more often. */
void evict_prefetch(struct cache *c, const struct bucket *b, unsigned frequency);
/* Evicts ahead of writers until end_us, once the high mark is passed. True when it is still. */
bool evict_slice(struct cache_thread *t, int64_t end_us);
/* The databases that exist; returns how many. */
unsigned databases_present(struct cache *c, unsigned out[CACHE_MAX_DATABASES]);
uint32_t clock_new(const struct cache_thread *t, unsigned policy);
uint32_t clock_touched(struct cache_thread *t, unsigned policy, uint32_t clock);
/* 0..255, decayed until now. */
unsigned clock_frequency(const struct cache_thread *t, uint32_t clock);
int64_t clock_idle_ms(const struct cache_thread *t, unsigned policy, uint32_t clock);

/* ---- gather.c ---- */

/* Offers the learner samples from all that is held, until end_us, when there are families that
 * collect. True when there is more to do. No lock is held. */
bool gather_slice(struct cache_thread *t, int64_t end_us);

/* ---- recode.c ---- */

/* The value of a pinned item of one piece: its stored bytes, or decoded into buf (SCRATCH_BYTES).
 * NULL = damaged. */
const uint8_t *raw_of(struct cache_thread *t, const struct item *it, uint8_t *buf);

enum recoded { RECODED_SMALLER, RECODED_SAME, RECODED_GONE };
enum recode_how {
    RECODE_CLOSE = 1,   /* the item is idle: with all effort */
    RECODE_AGAIN = 2,   /* what was not worth it may be now: there is a new dictionary */
    RECODE_RETIRED = 4, /* there are dictionaries to get rid of */
};
/* Codes an item again where that makes its size class smaller, and ends its time in the nursery;
 * makes it raw when compression is off. The shard is locked by the caller, and unlocked at return;
 * *saved grows by bytes. */
enum recoded recode_item(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                         uint32_t handle, unsigned how, size_t *saved);
/* Uses of an item, this one included, from which on it is hot. */
#define HOT_FREQUENCY 2
/* While there is memory to spare, stores a dense item that is read again and again as it is, so
 * that the next reads cost no decoding; growing idle, it is coded again. `raw` is its value. */
void warm_up(struct cache_thread *t, struct cache_view *v, const void *raw);
/* Locks; only tries while the thread helps out inside an operation. */
bool shard_seize(struct cache_thread *t, struct shard *s);

/* ---- dict.c ---- */

/* Keeps the dictionaries within their budget, and frees retired ones that no item has any more. No
 * lock is held. */
void dict_release(struct cache_thread *t);

/* ---- compact.c ---- */

/* Moves objects together until end_us. True when there is more to do. */
bool compact_slice(struct cache_thread *t, int64_t end_us);

/* ---- idle.c ---- */

/* Time between two steps of age. */
#define IDLE_ROUND_MS 4000

/* Finds out whether coding is behind. */
void idle_measure(struct cache *c);
/* A writer codes a few items of main while coding is behind. No lock is held. */
void idle_help(struct cache_thread *t);

/* Walks on through the index for at most budget_us: lets items age and recodes what is idle.
 * True when the round is not done. */
bool idle_walk(struct cache_thread *t, int64_t budget_us);

/* ---- expire.c, flush.c, fit.c ---- */

/* Sweeps for at most budget_us; returns items dropped. */
size_t expire_sweep(struct cache_thread *t, int64_t budget_us);
/* Empties flushed tables for at most budget_us; true when some are left. */
bool flush_slice(struct cache_thread *t, int64_t budget_us);
/* Once a second, for at most budget_us a slice, makes the index as small as its items. */
void fit_slice(struct cache_thread *t, int64_t budget_us);

/* ---- tick.c ---- */

static inline void rung(struct cache_thread *t, enum cache_rung r, size_t bytes, int64_t us)
{
    count(t, N_RUNG_RUNS + r, 1);
    count(t, N_RUNG_BYTES + r, (int64_t)bytes);
    count(t, N_RUNG_US + r, us);
}

#endif
