/* cache: the keyspace. Items in a zspool behind a sharded index, with expiry, eviction, compression
 * and a memory cap.
 *
 * Threads. Each thread that works on the cache owns a `struct cache_thread` (scratch buffers, codec
 * state, counters) and brackets its work with cache_enter()/cache_exit(): a worker once for all
 * commands of one read. Between the two, all functions below that take a cache_thread may be
 * called. cache_world_lock() waits until no other thread is inside and keeps them out: what
 * MULTI/EXEC and scripts use, and what lets dictionaries and tables be freed safely.
 *
 * Time is an argument: milliseconds since 1970, given at cache_enter().
 *
 * Errors: an operation that fails for lack of memory leaves the old value as it was.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;
struct cache_thread;

#define CACHE_MAX_DATABASES 16
#define CACHE_MAX_KEY       ((size_t)65536)
/* The least that the pool keeps of any cap: one that is smaller leaves room for nothing. */
#define CACHE_LEAST_MEMORY ((size_t)256 << 10)
#define CACHE_MAX_VALUE    ((size_t)512 << 20)
/* Longer values lie in segments of this many raw bytes, each coded on its own. */
#define CACHE_SEGMENT   ((size_t)16 << 10)
#define CACHE_NO_EXPIRY INT64_MAX

enum cache_status {
    CACHE_OK = 0,
    CACHE_MISS,   /* no such key (or it has expired) */
    CACHE_EXISTS, /* a condition wanted the key absent */
    CACHE_UNMET,  /* another condition does not hold */
    CACHE_TOOBIG, /* key or value over its limit */
    CACHE_OOM, /* no room under the cap and nothing may be evicted, or the system gave no memory */
    CACHE_DAMAGED, /* a value did not decode; the item was dropped and counted: treat as a miss */
};

enum cache_type { CACHE_STRING = 0, CACHE_HASH = 1 };

enum cache_policy {
    CACHE_ALLKEYS_S3FIFO = 0,
    CACHE_ALLKEYS_LRU,
    CACHE_ALLKEYS_LFU,
    CACHE_ALLKEYS_RANDOM,
    CACHE_VOLATILE_LRU,
    CACHE_VOLATILE_LFU,
    CACHE_VOLATILE_RANDOM,
    CACHE_VOLATILE_TTL,
    CACHE_NOEVICTION,
    CACHE_POLICIES
};

enum cache_compression { CACHE_ADAPTIVE = 0, CACHE_ON_WRITE, CACHE_UNCOMPRESSED };

/* What the server wants to hear. Called with the shard of the key locked: the callee must not call
 * the cache. */
enum cache_event { CACHE_EXPIRED, CACHE_EVICTED };
typedef void cache_event_fn(void *arg, enum cache_event what, unsigned db, const void *key,
                            size_t len);

/* Zero means the default for each. All but hash_seed and databases may change later:
 * cache_configure(). */
struct cache_opts {
    uint64_t maxmemory; /* bytes of RSS that all of the process may take; 0 = no cap */
    enum cache_policy policy;
    enum cache_compression compression;
    unsigned compression_cpu_percent; /* of one core while requests wait; default 25 */
    unsigned databases;               /* default 16 */
    unsigned maxmemory_samples;       /* for the sampling policies; default 10 */
    bool psi;                         /* give memory back under the machine's memory pressure */
    uint8_t hash_seed[16];
    cache_event_fn *on_event; /* NULL = nobody listens */
    void *event_arg;
    /* For tests: passed on to the pool, see zs_pool_opts. */
    bool (*pool_fail)(void *arg);
    void *pool_fail_arg;
    /* For tests: stands before the paths of the system's files about memory; NULL = nothing. */
    const char *system_root;
};

struct cache *cache_create(const struct cache_opts *opts);
/* No thread may be inside; all cache_threads must be destroyed before. */
void cache_destroy(struct cache *cache);
/* Takes over the run-time options of `opts`; existing items follow in the background. Any thread.
 */
void cache_configure(struct cache *cache, const struct cache_opts *opts);
/* Whether on_event is called at all; cheap to leave off. Any thread. */
void cache_listen(struct cache *cache, bool on);
/* Whether items that have expired are looked for in the background, as they are at first; they are
 * gone for readers in any case. For tests. Any thread. */
void cache_sweep(struct cache *cache, bool on);

struct cache_thread *cache_thread_create(struct cache *cache);
void cache_thread_destroy(struct cache_thread *t);
void cache_enter(struct cache_thread *t, int64_t now_ms);
/* The same, but gives up (false) when somebody has kept all others out for so long. */
bool cache_enter_within(struct cache_thread *t, int64_t now_ms, unsigned wait_ms);
void cache_exit(struct cache_thread *t);
/* Lets those have the cache to themselves who wait for that, unless the caller holds keys or the
 * world. False when that took longer than wait_ms: the caller is outside then. */
bool cache_give_way(struct cache_thread *t, unsigned wait_ms);
/* The time given at the last cache_enter(). Inside a script or EXEC the server may hold it still.
 */
int64_t cache_now(const struct cache_thread *t);
/* Caller is inside. It leaves, waits until all others are out, and comes back alone. */
void cache_world_lock(struct cache_thread *t);
void cache_world_unlock(struct cache_thread *t);

/* ---- keys ---- */

struct cache_key {
    const void *ptr;
    size_t len;
    unsigned db;
    uint64_t hash;
};
/* Hashes the key. False when it is longer than CACHE_MAX_KEY. */
bool cache_key_init(struct cache_thread *t, struct cache_key *k, unsigned db, const void *ptr,
                    size_t len);
/* Start loading what looking up keys will touch; a pipeline is quicker for it. The first step is
 * for each key alone, the others (some other work later) are for all of them. Nothing waits. */
struct cache_wanted {
    const struct cache_key *key;
    bool value; /* that, too, and not only what it belongs to */
};
void cache_prefetch_shard(struct cache_thread *t, const struct cache_key *k);
void cache_prefetch(struct cache_thread *t, const struct cache_wanted *wanted,
                    size_t n); /* ---- values in: a list of byte ranges, which the cache may consume
                                  one by one ---- */

struct cache_source {
    /* Next range, len 0 at the end. The range stays valid until the next call. Total over all
     * ranges = total. */
    const void *(*next)(void *arg, size_t *len);
    void *arg;
    size_t total;
    const void *flat; /* when not NULL: the whole value in one range, and next is not called */
};

/* ---- reading ---- */

/* A pinned item: it neither moves nor goes away until cache_view_end(), whatever others do. Fields
 * are read only. */
struct cache_view {
    size_t raw_len; /* of the value */
    enum cache_type type;
    bool segmented;
    int64_t expire_ms; /* CACHE_NO_EXPIRY = none */
    /* private */
    uint8_t codec, dict, db, scratch;
    bool damaged, ended, hot;
    uint32_t handle, free_after, check;
    uint64_t hash;
    const uint8_t *stored;
    size_t stored_len;
    void *map[4];
};

enum cache_get_flags {
    CACHE_GET_TOUCH = 1, /* counts as a use for eviction, and as a hit or miss in the statistics */
};
/* CACHE_OK: the view is pinned. CACHE_MISS. */
enum cache_status cache_get(struct cache_thread *t, const struct cache_key *k, unsigned flags,
                            struct cache_view *v);
/* Decodes len bytes at off into dst (off + len <= raw_len). For a segmented value touches only the
 * segments needed. CACHE_OK or CACHE_DAMAGED (then the item is dropped, dst must not be used). */
enum cache_status cache_view_read(struct cache_thread *t, struct cache_view *v, size_t off,
                                  size_t len, void *dst);
/* Whether reading has shown that the value is damaged: it counts as absent then. */
static inline bool cache_view_is_damaged(const struct cache_view *v)
{
    return v->damaged;
}
/* Says that what was read breaks the form that the caller gave it: the item goes at the end of the
 * view, as one that did not decode. */
static inline void cache_view_spoil(struct cache_view *v)
{
    v->damaged = true;
}
void cache_view_end(struct cache_thread *t, struct cache_view *v);

/* A long value being sent as the socket drains, over many enter/exit pairs. Holds the value as it
 * was at opening (a writer that changes it in place copies it first). Not tied to the thread that
 * opened it, but used by one at a time. */
struct cache_stream;
/* Of a segmented view; the view is ended. NULL when memory is short (the view is ended all the
 * same). */
struct cache_stream *cache_stream_open(struct cache_thread *t, struct cache_view *v);
size_t cache_stream_left(const struct cache_stream *s);
/* Passes over the whole segments that lie in the next `bytes` (at most what is left), without
 * reading them; returns how many bytes those are. */
size_t cache_stream_skip(struct cache_stream *s, size_t bytes);
/* Decodes the next at most CACHE_SEGMENT bytes into dst; sets *len. CACHE_OK or CACHE_DAMAGED. */
enum cache_status cache_stream_next(struct cache_thread *t, struct cache_stream *s, void *dst,
                                    size_t *len);
void cache_stream_close(struct cache_thread *t, struct cache_stream *s);

/* ---- writing ---- */

enum cache_set_flags {
    CACHE_SET_NX = 1,      /* only when absent: else CACHE_EXISTS */
    CACHE_SET_XX = 2,      /* only when present: else CACHE_MISS */
    CACHE_SET_KEEPTTL = 4, /* keep the expiry of the old item */
};
/* Stores; expire_ms CACHE_NO_EXPIRY = none; an expire_ms not after now deletes (or does not create)
 * the key and is CACHE_OK. The old item goes only when the new one is in. */
enum cache_status cache_set(struct cache_thread *t, const struct cache_key *k, enum cache_type type,
                            const struct cache_source *value, int64_t expire_ms, unsigned flags);
/* CACHE_OK or CACHE_MISS. */
enum cache_status cache_delete(struct cache_thread *t, const struct cache_key *k);

/* Read-modify-write: the shard of the key is locked from beginning to end. Between them the view
 * (when found) may be read, and at most one of store, delete, expire and patch is called. Keep it
 * short; no other cache call but views. */
struct cache_update {
    const struct cache_key *key;
    bool found;
    struct cache_view view; /* valid when found, ended by cache_update_end() */
    void *shard;            /* private */
    void *slot[2];          /* private */
};
void cache_update_begin(struct cache_thread *t, const struct cache_key *k, struct cache_update *u);
enum cache_status cache_update_store(struct cache_thread *t, struct cache_update *u,
                                     enum cache_type type, const struct cache_source *value,
                                     int64_t expire_ms);
void cache_update_delete(struct cache_thread *t, struct cache_update *u);
/* Changes the expiry alone. CACHE_OK or CACHE_OOM (the item may need a few bytes more). */
enum cache_status cache_update_expire(struct cache_thread *t, struct cache_update *u,
                                      int64_t expire_ms);
/* Overwrites or extends: len bytes at off, zero bytes in a gap between raw_len and off (SETRANGE,
 * APPEND). Touches only the segments needed. The item keeps its expiry; an absent one is made
 * without. *new_len = the length after. CACHE_DAMAGED: the old value did not decode, the item goes
 * at cache_update_end(), and of the source some may be consumed. */
enum cache_status cache_update_patch(struct cache_thread *t, struct cache_update *u, size_t off,
                                     const struct cache_source *value, size_t *new_len);
void cache_update_end(struct cache_thread *t, struct cache_update *u);

/* Locks the shards of n keys in their one order, so that several calls on these keys are one step
 * for all others. All functions above may be called on these keys (cache_update_* too) until
 * unlock. Until then it may be called again for some of them, with an unlock of its own: that is
 * how commands that lock run inside a transaction. CACHE_OOM when n is large and memory short. */
enum cache_status cache_lock_keys(struct cache_thread *t, const struct cache_key *keys, size_t n);
void cache_unlock_keys(struct cache_thread *t);
/* Whether the caller holds the key, by itself or with the whole world. */
bool cache_holds_key(const struct cache_thread *t, const struct cache_key *k);
bool cache_holds_world(const struct cache_thread *t);

/* ---- the whole keyspace ---- */

size_t cache_count(struct cache *cache, unsigned db);
/* Keys with an expiry; and the mean time to live in ms of a sample of them. */
size_t cache_count_expiring(struct cache *cache, unsigned db, int64_t now_ms, int64_t *avg_ttl_ms);

/* Empties a database, or all (db < 0), at once for everybody; memory is given back in the
 * background (or before return when `sync`). No command stalls. */
void cache_flush(struct cache_thread *t, int db, bool sync);

/* Walks a database: calls fn for about `count` slots from cursor, returns the next cursor, 0 =
 * done. Every key that is there all the time is seen at least once, whatever grows or moves
 * meanwhile. fn gets key and type; it must not call the cache. */
typedef void cache_scan_fn(void *arg, const void *key, size_t len, enum cache_type type);
uint64_t cache_scan(struct cache_thread *t, unsigned db, uint64_t cursor, size_t count,
                    cache_scan_fn *fn, void *arg);
/* A random key, copied into buf (CACHE_MAX_KEY bytes). False when the database is empty. */
bool cache_random_key(struct cache_thread *t, unsigned db, void *buf, size_t *len);

/* ---- what an item really is: ZINFO, OBJECT, MEMORY USAGE ---- */

struct cache_item_info {
    enum cache_type type;
    size_t raw_len, stored_len;
    const char *codec; /* "raw", "lz4", "dense", "segmented" */
    unsigned dict;     /* id, 0 = none */
    size_t class_size; /* of its (head) object */
    size_t cost;       /* bytes it takes in all: object, handle, index slot, segments */
    bool nursery;
    unsigned frequency; /* 0..3, or 0..255 under LFU */
    int64_t idle_ms;    /* how long ago it was used; coarse under the default policy */
    int64_t expire_ms;
};
/* Does not count as a use. CACHE_OK or CACHE_MISS. */
enum cache_status cache_inspect(struct cache_thread *t, const struct cache_key *k,
                                struct cache_item_info *out);

/* ---- memory ---- */

/* Tells the cache of memory taken outside it (connection buffers): counts against the cap. Any
 * thread. */
void cache_charge(struct cache *cache, int64_t bytes);
/* False when taking this much more outside would break the cap even after evicting all: refuse it.
 * Any thread. */
bool cache_may_charge(struct cache *cache, size_t bytes);
/* Evicts for what was charged, as a write does for what it stores. False when more than the cap is
 * taken all the same. The caller is inside. */
bool cache_make_room(struct cache_thread *t);
/* What counts against the cap now. Any thread. */
uint64_t cache_used_memory(struct cache *cache);
/* Whether more than the cap is taken, and nothing may be evicted: what may need memory is to be
 * refused, though there may be room for it in holes. */
bool cache_is_full(struct cache *cache);

/* ---- background work ---- */

/* One slice of at most about budget_us: expiry, nursery, training, recoding, compaction, eviction
 * to the low watermark, freeing what was flushed. Called by one keeper thread (inside its own
 * cache_thread; enters and leaves by itself). `busy` = requests are waiting. Returns microseconds
 * until it wants to run again. */
int64_t cache_tick(struct cache_thread *t, int64_t now_ms, int64_t budget_us, bool busy);
/* Nobody has asked for anything for a while, and all is done but to wait: a number that is another
 * one at each such rest; 0 = there is something to do. Any thread. */
uint64_t cache_rest(const struct cache *cache);

/* ---- trained dictionaries ---- */

struct cache_dict_info {
    char family[64]; /* printable prefix of the keys, "*" for the shared one */
    unsigned id, generation;
    size_t size, memory; /* dictionary bytes; with prepared forms */
    size_t items;
    double ratio; /* raw/stored of these items */
    int64_t age_ms;
    bool current;
};
/* Fills up to n, returns how many there are. Any thread. */
size_t cache_dict_list(struct cache *cache, struct cache_dict_info *out, size_t n, int64_t now_ms);
/* Asks for a training soon, of one family or (NULL) all. False when there is no such family. */
bool cache_dict_train(struct cache *cache, const char *family, size_t len);
/* Stops using the dictionaries (of one family or all): items are recoded in the background, then
 * they are freed. */
bool cache_dict_drop(struct cache *cache, const char *family, size_t len);

/* ---- statistics ---- */

enum cache_rung {
    CACHE_RUNG_EXPIRE,
    CACHE_RUNG_NURSERY,
    CACHE_RUNG_RECODE,
    CACHE_RUNG_COMPACT,
    CACHE_RUNG_EVICT,
    CACHE_RUNG_REFUSE,
    CACHE_RUNGS
};

struct cache_stats {
    uint64_t items, hits, misses, expired, evicted, refused, damaged;
    uint64_t raw_bytes;    /* of all values */
    uint64_t stored_bytes; /* the same as stored */
    uint64_t key_bytes;
    uint64_t items_by_codec[4]; /* raw, lz4, dense, segmented */
    uint64_t incompressible;    /* items that were tried and stay raw */
    uint64_t compress_attempts, compress_rejected, compress_miscoded, recoded, warmed;
    uint64_t segments_read, segments_written; /* of long values */
    uint64_t compress_cpu_us;
    uint64_t nursery_bytes, nursery_items, ghost_hits;
    uint64_t index_bytes, ghost_bytes, dict_bytes, charged_bytes, pool_bytes, other_bytes,
        used_memory, peak_memory;
    uint64_t lazyfree_pending;
    uint64_t trainings, dicts;
    uint64_t cap;            /* in force now: less than maxmemory while the machine is short */
    uint64_t pressure_times; /* how often it was */
    unsigned pressure;       /* 0 = it is not, 1 = it is, 2 = badly */
    bool pressure_readable;
    struct {
        uint64_t runs, bytes, cpu_us;
    } rung[CACHE_RUNGS];
};
void cache_stats(struct cache *cache, struct cache_stats *out);
/* Sets hits, misses, expired, evicted, refused and the rungs' counters to zero. */
void cache_stats_reset(struct cache *cache);
/* The pool below, for INFO zspool: its statistics functions are in zspool/zspool.h. */
struct zs_pool *cache_pool(struct cache *cache);

/* Walks every invariant of index, items, accounting and pool. NULL when all hold. Stops the world.
 */
const char *cache_check(struct cache_thread *t);
/* For tests: damages n random bytes of coded values, so that they no longer decode (mostly).
 * Returns how many it did. Stops the world. */
size_t cache_damage(struct cache_thread *t, size_t n, uint64_t seed);

/* Policies and options by name. NULL / false when there is none. */
const char *cache_policy_name(enum cache_policy p);
bool cache_policy_parse(const char *s, size_t len, enum cache_policy *out);
const char *cache_compression_name(enum cache_compression c);

#endif
