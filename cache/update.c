/* Read-modify-write of one key under the lock of its shard. */
#include "update.h"
#include "account.h"
#include "bucket.h"
#include "build.h"
#include "cache/cache.h"
#include "counters.h"
#include "find.h"
#include "key.h"
#include "read.h"
#include "state.h"
#include "stats.h"
#include "write.h"

void cache_update_begin(struct cache_thread *t, const struct cache_key *k, struct cache_update *u)
{
    struct found f;
    *u = (struct cache_update){.key = k};
    if (db_shards(t->cache, k->db) == NULL && !db_begin(t, k->db))
        return; /* stays absent, and storing fails for lack of memory */
    struct shard *s = &db_shards(t->cache, k->db)[shard_number(t->cache, k->hash)];
    u->shard = s;
    shard_enter(t, s);
    u->found = find_live_locked(t, s, k, &f);
    if (!u->found)
        return;
    u->slot[0] = f.slot.bucket;
    u->slot[1] = &f.slot.bucket->ref[f.slot.i];
    view_begin_locked(t, k, &f, &u->view);
}

bool update_open(struct cache_thread *t, struct cache_update *u, struct found *f)
{
    struct bucket *b = u->slot[0];
    if (b == NULL)
        return false;
    return found_open(t, (struct slot){b, (unsigned)((uint32_t *)u->slot[1] - b->ref)}, f);
}

/* The view has a pin too and lasts longer: it takes over what is to be freed. */
void update_close(struct cache_thread *t, struct cache_update *u, struct found *f)
{
    u->view.free_after = f->free_after;
    f->free_after = 0;
    found_end(t, f);
}

enum cache_status cache_update_store(struct cache_thread *t, struct cache_update *u,
                                     enum cache_type type, const struct cache_source *value,
                                     int64_t expire_ms)
{
    struct build b = {.key = u->key, .type = type, .expire_ms = expire_ms, .value = value};
    struct found f;
    if (u->shard == NULL)
        return CACHE_OOM;
    bool had = update_open(t, u, &f);
    enum cache_status status = store_locked(t, u->shard, &b, had ? &f : NULL);
    if (had)
        update_close(t, u, &f);
    if (status == CACHE_OK) {
        count(t, N_DAMAGED, had && u->view.damaged);
        u->slot[0] = NULL;
    }
    return refused(t, status);
}

void cache_update_delete(struct cache_thread *t, struct cache_update *u)
{
    struct found f;
    if (update_open(t, u, &f))
        drop_locked(t, u->key->db, u->shard, &f);
    u->slot[0] = NULL;
}

enum cache_status cache_update_expire(struct cache_thread *t, struct cache_update *u,
                                      int64_t expire_ms)
{
    struct found f;
    if (expire_ms <= t->now_ms) {
        cache_update_delete(t, u);
        return CACHE_OK;
    }
    if (!update_open(t, u, &f))
        return CACHE_MISS;
    enum cache_status status = expire_locked(t, u->shard, u->key, &f, expire_ms);
    update_close(t, u, &f);
    return refused(t, status);
}

void cache_update_end(struct cache_thread *t, struct cache_update *u)
{
    if (u->shard == NULL)
        return;
    if (u->found)
        view_end_locked(t, u->shard, &u->view);
    shard_leave(t, u->shard);
}
