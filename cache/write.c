/* Writing: storing, deleting, and changing the expiry of one key. */
#include "write.h"
#include "account.h"
#include "bucket.h"
#include "build.h"
#include "cache/cache.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "ghost.h"
#include "item.h"
#include "keeper.h"
#include "key.h"
#include "nursery.h"
#include "state.h"
#include "stats.h"
#include "zspool/zspool.h"

/* A writer looks after the nursery every so many stores. */
#define SETS_PER_HELP 4

static struct shard *shard_for_write(struct cache_thread *t, const struct cache_key *k)
{
    if (db_shards(t->cache, k->db) == NULL && !db_begin(t, k->db))
        return NULL;
    return &db_shards(t->cache, k->db)[shard_number(t->cache, k->hash)];
}

enum cache_status refused(struct cache_thread *t, enum cache_status status)
{
    if (status == CACHE_OOM)
        count(t, N_REFUSED, 1);
    return status;
}

static uint32_t due_of_item(const struct item *it)
{
    return it->expire_ms == CACHE_NO_EXPIRY ? DUE_NEVER : due_of(it->expire_ms);
}

static enum cache_status insert_locked(struct cache_thread *t, struct shard *s,
                                       const struct cache_key *k, uint32_t handle,
                                       const struct item *it)
{
    struct cache *c = t->cache;
    /* One who comes back soon is worth keeping when it leaves the nursery. */
    unsigned frequency = 0;
    if ((it->flags & ITEM_NURSERY) != 0 && ghost_take(c->ghost, k->hash)) {
        count(t, N_GHOST_HITS, 1);
        frequency = 1;
    }
    while (!shard_insert(s, hash_h14(c, k->hash), handle, frequency, due_of_item(it)))
        if (evict_of_shard_locked(t, k->db, s) == 0)
            return CACHE_OOM;
    return CACHE_OK;
}

void swap_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f, uint32_t handle, const struct item *it)
{
    struct bucket *b = f->slot.bucket;
    unsigned i = f->slot.i;
    account(t, k->db, s, &f->item, -1);
    account(t, k->db, s, it, 1);
    b->ref[i] = ref_make(handle, ref_frequency(b->ref[i]));
    b->tag[i] = tag_with_age(b->tag[i], 0);
    shard_note_due(s, b, due_of_item(it));
    if ((it->flags & ITEM_NURSERY) != 0)
        nursery_arrive(t, k, handle);
}

enum cache_status place_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                               struct found *f, uint32_t handle, const struct item *it)
{
    if (f != NULL) {
        swap_locked(t, s, k, f, handle, it);
        found_free_locked(t, f);
        return CACHE_OK;
    }
    enum cache_status status = insert_locked(t, s, k, handle, it);
    if (status != CACHE_OK)
        return status;
    account(t, k->db, s, it, 1);
    if ((it->flags & ITEM_NURSERY) != 0)
        nursery_arrive(t, k, handle);
    return CACHE_OK;
}

/* ---- storing ---- */

static enum cache_status build_and_place_locked(struct cache_thread *t, struct shard *s,
                                                const struct build *b, struct found *f)
{
    struct item it;
    uint32_t handle;
    enum cache_status status = build_item(t, b, &handle, &it);
    if (status != CACHE_OK)
        return status;
    status = place_locked(t, s, b->key, f, handle, &it);
    if (status != CACHE_OK)
        built_free(t, handle);
    return status;
}

enum cache_status store_locked(struct cache_thread *t, struct shard *s, const struct build *b,
                               struct found *f)
{
    if (b->expire_ms > t->now_ms)
        return build_and_place_locked(t, s, b, f);
    if (f != NULL) {
        account(t, b->key->db, s, &f->item, -1);
        found_free_locked(t, f);
        shard_remove(s, f->slot);
    }
    return CACHE_OK;
}

/* What depends on the old item is decided and done in one go under the lock. */
static enum cache_status set_conditional(struct cache_thread *t, struct shard *s, struct build *b,
                                         unsigned flags)
{
    struct found f;
    enum cache_status status;
    shard_enter(t, s);
    bool had = find_live_locked(t, s, b->key, &f);
    if (had && (flags & CACHE_SET_NX) != 0) {
        status = CACHE_EXISTS;
    } else if (!had && (flags & CACHE_SET_XX) != 0) {
        status = CACHE_MISS;
    } else {
        if (had && (flags & CACHE_SET_KEEPTTL) != 0)
            b->expire_ms = f.item.expire_ms;
        status = store_locked(t, s, b, had ? &f : NULL);
    }
    if (had)
        found_end(t, &f);
    shard_leave(t, s);
    return status;
}

/* The object is made before the lock is taken. */
static enum cache_status set_always(struct cache_thread *t, struct shard *s, const struct build *b)
{
    struct item it;
    struct found f;
    uint32_t handle;
    enum cache_status status = build_item(t, b, &handle, &it);
    if (status != CACHE_OK)
        return status;
    shard_enter(t, s);
    bool had = find_live_locked(t, s, b->key, &f);
    status = place_locked(t, s, b->key, had ? &f : NULL, handle, &it);
    if (had)
        found_end(t, &f);
    shard_leave(t, s);
    if (status != CACHE_OK)
        built_free(t, handle);
    idle_help(t);
    if (++t->sets % SETS_PER_HELP == 0)
        nursery_help(t);
    return status;
}

enum cache_status cache_set(struct cache_thread *t, const struct cache_key *k, enum cache_type type,
                            const struct cache_source *value, int64_t expire_ms, unsigned flags)
{
    struct build b = {.key = k, .type = type, .expire_ms = expire_ms, .value = value};
    struct shard *s = shard_for_write(t, k);
    if (s == NULL)
        return CACHE_OOM;
    if (flags != 0 || expire_ms <= t->now_ms)
        return refused(t, set_conditional(t, s, &b, flags));
    return refused(t, set_always(t, s, &b));
}

enum cache_status cache_delete(struct cache_thread *t, const struct cache_key *k)
{
    struct shard *shards = db_shards(t->cache, k->db);
    struct found f;
    if (shards == NULL)
        return CACHE_MISS;
    struct shard *s = &shards[shard_number(t->cache, k->hash)];
    shard_enter(t, s);
    bool had = find_live_locked(t, s, k, &f);
    if (had)
        drop_locked(t, k->db, s, &f);
    shard_leave(t, s);
    return had ? CACHE_OK : CACHE_MISS;
}

/* ---- expiry ---- */

/* Into the bytes that are there. */
static void expire_in_place_locked(struct cache_thread *t, struct shard *s,
                                   const struct cache_key *k, struct found *f, int64_t expire_ms)
{
    uint8_t bytes[6];
    struct item it = f->item;
    it.expire_ms = expire_ms;
    item_write_expiry(bytes, expire_ms);
    account(t, k->db, s, &f->item, -1);
    account(t, k->db, s, &it, 1);
    zs_obj_write(t->cache->pool, ref_handle(f->slot.bucket->ref[f->slot.i]), it.expiry_at, bytes,
                 sizeof bytes);
    shard_note_due(s, f->slot.bucket, due_of_item(&it));
}

enum cache_status expire_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                                struct found *f, int64_t expire_ms)
{
    if (expire_ms == f->item.expire_ms)
        return CACHE_OK;
    if ((f->item.flags & ITEM_EXPIRES) != 0) {
        expire_in_place_locked(t, s, k, f, expire_ms);
        return CACHE_OK;
    }
    struct item it = f->item;
    uint32_t handle;
    it.flags |= ITEM_EXPIRES;
    it.expire_ms = expire_ms;
    enum cache_status status = build_object(t, &it, key_text_of(k), it.stored, &handle);
    return status == CACHE_OK ? place_locked(t, s, k, f, handle, &it) : status;
}
