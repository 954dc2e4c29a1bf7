/* Walking every invariant; and damaging values on purpose, for tests. */
#include <stdlib.h>

#include "base/lock.h"
#include "base/random.h"
#include "base/siphash.h"
#include "bucket.h"
#include "bucket_store.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "counters.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

/* What the counters should say. */
struct tally {
    int64_t n[COUNTERS];
};

static void tally_segments(struct cache_thread *t, const struct item *it, struct tally *y)
{
    for (size_t i = 0; i < segment_count(it->raw_len); i++) {
        unsigned codec, dict;
        size_t stored_len;
        segment_look(t, segment_handle(t, it->stored, it->raw_len, i), &codec, &dict, &stored_len);
        y->n[N_RAW_BYTES] += (int64_t)segment_len(it->raw_len, i);
        y->n[N_STORED_BYTES] += (int64_t)stored_len;
        y->n[N_DICT_ITEMS + dict] += dict != 0;
    }
}

static void tally_item(struct cache_thread *t, unsigned db, const struct item *it, struct tally *y)
{
    y->n[N_ITEMS]++;
    y->n[N_DB_ITEMS + db]++;
    y->n[N_DB_EXPIRING + db] += it->expire_ms != CACHE_NO_EXPIRY;
    y->n[N_KEY_BYTES] += (int64_t)key_form_bytes(it->key_form);
    y->n[N_CODEC + item_codec(it)]++;
    y->n[N_INCOMPRESSIBLE] += item_is_stubborn(it);
    y->n[N_HASTY] += item_is_hasty(it);
    y->n[N_LOOSE_BYTES] += item_is_loose(it) ? (int64_t)item_loose_bytes(it) : 0;
    if ((it->flags & ITEM_NURSERY) != 0) {
        y->n[N_NURSERY_ITEMS]++;
        y->n[N_NURSERY_BYTES] += (int64_t)it->raw_len;
    }
    if (item_codec(it) == ITEM_SEGMENTED) {
        tally_segments(t, it, y);
        return;
    }
    y->n[N_RAW_BYTES] += (int64_t)it->raw_len;
    y->n[N_STORED_BYTES] += (int64_t)it->stored_len;
    y->n[N_DICT_ITEMS + it->dict] += it->dict != 0;
}

/* Of the key as it was given. */
static uint64_t hash_of_stored(struct cache_thread *t, const struct item *it)
{
    unsigned scratch = scratch_take(t);
    struct key_text key = item_key(t, it, t->scratch[scratch]);
    uint64_t hash = siphash13(key.ptr, key.len, t->cache->hash_seed);
    scratch_give(t, scratch);
    return hash;
}

static const char *check_item(struct cache_thread *t, unsigned db, size_t shard, struct slot slot,
                              struct tally *y)
{
    struct cache *c = t->cache;
    struct found f;
    const char *wrong = NULL;
    if (!found_open(t, slot, &f))
        return "an object is no item";
    const struct item *it = &f.item;
    uint64_t hash = hash_of_stored(t, it);
    if (shard_number(c, hash) != shard)
        wrong = "an item is in another shard than its key says";
    else if (hash_h14(c, hash) != tag_h14(slot.bucket->tag[slot.i]))
        wrong = "a tag does not fit its key";
    else if (it->expire_ms != CACHE_NO_EXPIRY && slot.bucket->due > due_of(it->expire_ms))
        wrong = "a bucket's earliest expiry is too late";
    else if (it->dict != 0 && learner_dict(c->learner, it->dict) == NULL)
        wrong = "an item's dictionary is gone";
    else if (item_size(it, f.object) > f.map.len)
        wrong = "an item is longer than its object";
    else
        tally_item(t, db, it, y);
    found_end(t, &f);
    return wrong;
}

static const char *check_shard(struct cache_thread *t, unsigned db, size_t n, struct tally *y)
{
    struct shard *s = &db_shards(t->cache, db)[n];
    int64_t expiring = y->n[N_DB_EXPIRING + db];
    const char *wrong = shard_check(s);
    for (uint32_t b = 0; wrong == NULL && b < s->nbuckets; b++)
        for (unsigned i = 0; wrong == NULL && i < BUCKET_SLOTS; i++)
            if (shard_bucket(s, b)->ref[i] != 0)
                wrong = check_item(t, db, n, (struct slot){shard_bucket(s, b), i}, y);
    if (wrong == NULL && y->n[N_DB_EXPIRING + db] - expiring != s->expiring)
        wrong = "items of a shard with an expiry are miscounted";
    return wrong;
}

/* Every bucket of the store is in one table. */
static const char *check_buckets(struct cache *c)
{
    size_t buckets = 0;
    for (unsigned db = 0; db < c->databases; db++)
        for (size_t i = 0; db_shards(c, db) != NULL && i < (size_t)1 << c->shard_bits; i++)
            buckets += shard_buckets_taken(&db_shards(c, db)[i]);
    for (const struct flushed *f = c->flushed; f != NULL; f = f->next)
        buckets += shard_buckets_taken(&f->table);
    return bucket_store_check(&c->buckets, buckets);
}

static const char *check_counters(struct cache *c, const struct tally *y)
{
    for (unsigned i = N_DB_ITEMS; i < N_DICT_ITEMS; i++)
        if (counter_sum(c, i) != y->n[i])
            return "items of a database are miscounted";
    if (c->flushed != NULL || c->dead_first != 0)
        return NULL; /* these count still */
    static const unsigned exact[] = {
        N_ITEMS,        N_KEY_BYTES, N_INCOMPRESSIBLE, N_CODEC,         N_CODEC + 1,
        N_CODEC + 2,    N_CODEC + 3, N_NURSERY_ITEMS,  N_NURSERY_BYTES, N_RAW_BYTES,
        N_STORED_BYTES, N_HASTY,     N_LOOSE_BYTES};
    for (unsigned i = 0; i < sizeof exact / sizeof exact[0]; i++)
        if (counter_sum(c, exact[i]) != y->n[exact[i]])
            return "a total of items or bytes is wrong";
    for (unsigned i = N_DICT_ITEMS; i < N_DICT_RAW; i++)
        if (counter_sum(c, i) != y->n[i])
            return "items of a dictionary are miscounted";
    return NULL;
}

const char *cache_check(struct cache_thread *t)
{
    struct cache *c = t->cache;
    const char *wrong = NULL;
    bool had_world = t->has_world;
    struct tally *y = calloc(1, sizeof *y);
    if (y == NULL)
        return "no memory to check";
    if (!had_world)
        cache_world_lock(t);
    for (unsigned db = 0; db < c->databases && wrong == NULL; db++)
        if (db_shards(c, db) != NULL)
            for (size_t n = 0; n < (size_t)1 << c->shard_bits && wrong == NULL; n++)
                wrong = check_shard(t, db, n, y);
    if (wrong == NULL)
        wrong = check_counters(c, y);
    if (wrong == NULL)
        wrong = check_buckets(c);
    if (wrong == NULL)
        wrong = zs_check(c->pool);
    if (!had_world)
        cache_world_unlock(t);
    free(y);
    return wrong;
}

/* ---- damage ---- */

static bool flip_byte(struct cache_thread *t, uint32_t handle, size_t at, uint8_t bits)
{
    uint8_t buf[SEGMENT_HEADER];
    struct zs_map map;
    unsigned scratch = scratch_take(t);
    const uint8_t *p =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[scratch], &map);
    buf[0] = p[at] ^ bits;
    zs_unmap_object(t->cache->pool, &map);
    scratch_give(t, scratch);
    zs_obj_write(t->cache->pool, handle, at, buf, 1);
    return true;
}

/* Only coded bytes: a raw value is right whatever it says. */
static bool damage_found(struct cache_thread *t, struct random *random, struct found *f)
{
    const struct item *it = &f->item;
    uint8_t bits = (uint8_t)(1 + random_below(random, 255));
    if (item_codec(it) != ITEM_SEGMENTED)
        return item_codec(it) != CODEC_RAW &&
               flip_byte(t, f->map.handle,
                         (size_t)(it->stored - f->object) +
                             random_below(random, (uint32_t)it->stored_len),
                         bits);
    size_t i = random_below(random, (uint32_t)segment_count(it->raw_len));
    uint32_t handle = segment_handle(t, it->stored, it->raw_len, i);
    unsigned codec, dict;
    size_t stored_len;
    segment_look(t, handle, &codec, &dict, &stored_len);
    return codec != CODEC_RAW &&
           flip_byte(t, handle, SEGMENT_HEADER + random_below(random, (uint32_t)stored_len), bits);
}

size_t cache_damage(struct cache_thread *t, size_t n, uint64_t seed)
{
    struct cache *c = t->cache;
    struct random random = {.state = seed};
    unsigned dbs[CACHE_MAX_DATABASES];
    unsigned present = databases_present(c, dbs);
    size_t hit = 0;
    bool had_world = t->has_world;
    if (!had_world)
        cache_world_lock(t); /* the keeper reads what it codes without the shard's lock */
    for (size_t tries = 0; present > 0 && tries < n * 100 && hit < n; tries++) {
        struct shard *s = &db_shards(
            c, dbs[random_below(&random, present)])[random_below(&random, 1u << c->shard_bits)];
        struct found f;
        lock_acquire(&s->lock);
        uint32_t slots = s->nbuckets * BUCKET_SLOTS;
        uint32_t at = slots == 0 ? 0 : random_below(&random, slots);
        struct slot slot = {slots == 0 ? NULL : shard_bucket(s, at / BUCKET_SLOTS),
                            at % BUCKET_SLOTS};
        if (slots > 0 && slot.bucket->ref[slot.i] != 0 && found_open(t, slot, &f)) {
            hit += damage_found(t, &random, &f);
            found_end(t, &f);
        }
        lock_release(&s->lock);
    }
    if (!had_world)
        cache_world_unlock(t);
    return hit;
}
