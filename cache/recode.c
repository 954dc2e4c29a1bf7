/* Coding items again that are in the index: out of the nursery, when idle, off old dictionaries.
 *
 * The work on the bytes is done without the lock, while the item is pinned. It is then put in only
 * if the slot still has the same object: a pinned object keeps its handle, so that the same handle
 * is the same item. Its expiry may have changed meanwhile, so the header is written at the end.
 */
#include <stdatomic.h>

#include "account.h"
#include "base/lock.h"
#include "bucket.h"
#include "build.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "coding.h"
#include "counters.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "recode.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

bool shard_seize(struct cache_thread *t, struct shard *s)
{
    if (t->helping != 0)
        return lock_try(&s->lock);
    lock_acquire(&s->lock);
    return true;
}

/* Rewrites the flags of an item in place. */
static void set_flags_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f,
                             unsigned flags)
{
    uint8_t byte = (uint8_t)flags;
    if (byte == f->item.flags)
        return;
    account(t, db, s, &f->item, -1);
    f->item.flags = byte;
    account(t, db, s, &f->item, 1);
    zs_obj_write(t->cache->pool, ref_handle(f->slot.bucket->ref[f->slot.i]), 0, &byte, 1);
}

/* Leaves an item to the next walk that finds it idle. */
static void put_off_locked(struct found *f)
{
    struct bucket *b = f->slot.bucket;
    if (tag_age(b->tag[f->slot.i]) == AGE_SEEN)
        b->tag[f->slot.i] = tag_with_age(b->tag[f->slot.i], 0);
}

/* What is to become of an item. */
enum goal { GOAL_FAST = CODEC_FAST, GOAL_CLOSE = CODEC_CLOSE, GOAL_RAW };

static enum goal goal_of(const struct cache_thread *t, unsigned how)
{
    unsigned compression = atomic_load_explicit(&t->cache->compression, memory_order_relaxed);
    if (compression == CACHE_UNCOMPRESSED)
        return GOAL_RAW;
    return (how & RECODE_CLOSE) != 0 ? GOAL_CLOSE : GOAL_FAST;
}

/* While requests come, or much is not coded yet, more items coded are worth more than a few percent
 * less of each. */
static enum codec_effort effort_of(const struct cache_thread *t, enum goal goal)
{
    if (goal != GOAL_CLOSE)
        return CODEC_FAST;
    bool haste = atomic_load_explicit(&t->cache->haste, memory_order_relaxed);
    return is_settling(t->cache) && !haste ? CODEC_CLOSE : CODEC_HASTY;
}

struct aim {
    enum goal goal;
    enum codec_effort effort;
};

static struct aim aim_of(const struct cache_thread *t, unsigned how)
{
    enum goal goal = goal_of(t, how);
    return (struct aim){goal, effort_of(t, goal)};
}

/* Its dictionary is to go, or there is a better one since: the family had none of its own then. */
static bool is_outdated(struct cache_thread *t, const struct item *it, const struct aim *aim,
                        unsigned how)
{
    struct learner *l = t->cache->learner;
    if (it->dict != 0 && learner_is_retired(l, it->dict))
        return true;
    if ((how & RECODE_AGAIN) == 0 || (item_codec(it) == CODEC_DENSE && aim->goal == GOAL_FAST))
        return false;
    unsigned text = scratch_take(t);
    struct key_text key = item_key(t, it, t->scratch[text]);
    unsigned current = learner_current(l, key.ptr, key.len);
    scratch_give(t, text);
    return current != 0 && current != it->dict;
}

/* Whether all effort has not been made yet. */
static bool gets_close(const struct item *it, const struct aim *aim)
{
    if (aim->goal != GOAL_CLOSE)
        return false;
    return (it->flags & ITEM_CLOSE) == 0 || (item_is_hasty(it) && aim->effort == CODEC_CLOSE);
}

static bool is_wanted(struct cache_thread *t, const struct item *it, const struct aim *aim,
                      unsigned how)
{
    enum goal goal = aim->goal;
    unsigned codec = item_codec(it);
    if (it->raw_len == 0)
        return false;
    if (codec == ITEM_SEGMENTED)
        return goal == GOAL_RAW || how > RECODE_CLOSE || (it->flags & ITEM_NURSERY) != 0 ||
               gets_close(it, aim);
    if (goal == GOAL_RAW)
        return codec != CODEC_RAW;
    if (codec == CODEC_RAW && (it->flags & (ITEM_STUBBORN | ITEM_CLOSE)) == 0)
        return true;
    return gets_close(it, aim) || is_outdated(t, it, aim, how);
}

/* For an item that has this codec then. `failed`: coding was not worth it. */
static uint8_t flags_after(const struct item *it, const struct aim *aim, unsigned codec,
                           bool failed)
{
    unsigned flags = it->flags & ~(unsigned)(ITEM_NURSERY | ITEM_STUBBORN | ITEM_HASTY);
    if (aim->goal == GOAL_RAW)
        return (uint8_t)(flags & ~(unsigned)ITEM_CLOSE);
    if (aim->goal == GOAL_CLOSE)
        flags |= ITEM_CLOSE;
    if (codec == CODEC_RAW)
        flags |= failed ? ITEM_STUBBORN : 0;
    else if (aim->effort == CODEC_HASTY)
        flags |= ITEM_HASTY;
    return (uint8_t)flags;
}

/* ---- values of one piece ---- */

const uint8_t *raw_of(struct cache_thread *t, const struct item *it, uint8_t *buf)
{
    struct coded coded = item_coded(it);
    if (coded.codec == CODEC_RAW)
        return it->stored;
    return decode_value(t, &coded, it->stored, it->raw_len, buf) ? buf : NULL;
}

/* What is put in the place of an item. */
struct fresh {
    struct key_text key;
    struct coded coded;
    const void *stored;
};

/* Puts the new form in. On failure the item stays as it is but for its flags. */
static enum recoded put_locked(struct cache_thread *t, unsigned db, struct shard *s,
                               struct found *f, const struct fresh *fresh, const struct aim *aim,
                               size_t *saved)
{
    struct item it = f->item;
    uint32_t handle;
    it.flags = flags_after(&f->item, aim, fresh->coded.codec, fresh->coded.len == 0);
    item_set_coded(&it, &fresh->coded);
    size_t before = zs_usable_size(t->cache->pool, ref_handle(f->slot.bucket->ref[f->slot.i]));
    if (build_object(t, &it, fresh->key, fresh->stored, &handle) != CACHE_OK) {
        put_off_locked(f);
        set_flags_locked(t, db, s, f, f->item.flags & ~(unsigned)ITEM_NURSERY);
        return RECODED_SAME;
    }
    struct bucket *b = f->slot.bucket;
    unsigned i = f->slot.i;
    account(t, db, s, &f->item, -1);
    account(t, db, s, &it, 1);
    b->ref[i] = ref_make(handle, ref_frequency(b->ref[i]));
    count(t, N_RECODED, 1);
    size_t after = zs_usable_size(t->cache->pool, handle);
    *saved += before > after ? before - after : 0;
    return RECODED_SMALLER;
}

static bool is_smaller(struct cache_thread *t, const struct found *f, const struct fresh *fresh)
{
    struct zs_pool *pool = t->cache->pool;
    struct item it = f->item;
    item_set_coded(&it, &fresh->coded);
    it.key_form = key_form_of(learner_keys(t->cache->learner, it.dict), fresh->key);
    return zs_lookup_class_index(pool, item_bytes(&it)) <
           zs_lookup_class_index(pool, item_size(&f->item, f->object));
}

/* With the shard locked again: the item may be another now. */
static enum recoded finish_locked(struct cache_thread *t, unsigned db, struct shard *s,
                                  unsigned h14, uint32_t handle, const struct fresh *fresh,
                                  const struct aim *aim, size_t *saved)
{
    struct slot slot;
    struct found f;
    if (!shard_find_handle(s, h14, handle, &slot) || !found_open(t, slot, &f))
        return RECODED_GONE;
    enum recoded result = RECODED_SAME;
    bool must = item_codec(&f.item) != CODEC_RAW &&
                (aim->goal == GOAL_RAW || learner_is_retired(t->cache->learner, f.item.dict));
    if (must || is_smaller(t, &f, fresh))
        result = put_locked(t, db, s, &f, fresh, aim, saved);
    else
        set_flags_locked(t, db, s, &f,
                         flags_after(&f.item, aim, item_codec(&f.item), fresh->coded.len == 0));
    found_end(t, &f);
    return result;
}

/* The shard is locked, and unlocked at return; so is the pin of f. */
static enum recoded recode_piece(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                                 struct found *f, const struct aim *aim, size_t *saved)
{
    uint32_t handle = ref_handle(f->slot.bucket->ref[f->slot.i]);
    enum recoded result = RECODED_GONE;
    lock_release(&s->lock);
    unsigned in = scratch_take(t);
    unsigned out = scratch_take(t);
    unsigned text = scratch_take(t);
    const uint8_t *raw = raw_of(t, &f->item, t->scratch[in]);
    struct fresh fresh = {.key = item_key(t, &f->item, t->scratch[text]), .stored = raw};
    if (raw != NULL && aim->goal != GOAL_RAW)
        fresh.coded = encode_value(t, &f->item, fresh.key, raw, f->item.raw_len, aim->effort,
                                   t->scratch[out]);
    if (fresh.coded.len != 0)
        fresh.stored = t->scratch[out];
    if (shard_seize(t, s)) {
        if (raw != NULL)
            result = finish_locked(t, db, s, h14, handle, &fresh, aim, saved);
        else if (shard_find_handle(s, h14, handle, &f->slot)) {
            found_end(t, f);
            if (found_open(t, f->slot, f))
                drop_as_locked(t, db, s, f, GONE_DAMAGED);
            f = NULL;
        }
        lock_release(&s->lock);
    }
    if (f != NULL && result == RECODED_SMALLER)
        f->free_after = handle;
    if (f != NULL)
        found_end(t, f);
    scratch_give(t, in);
    scratch_give(t, out);
    scratch_give(t, text);
    return result;
}

/* ---- long values: segment by segment, as long as nobody else reads ---- */

/* Puts a segment in, when the item is still there and we are its only reader. */
static bool put_segment(struct cache_thread *t, struct shard *s, unsigned h14,
                        const struct found *f, size_t i, uint32_t fresh)
{
    struct slot slot;
    lock_acquire(&s->lock);
    bool ours = shard_find_handle(s, h14, f->map.handle, &slot) &&
                readers_add_locked(t, f->map.handle, 0) == 1;
    if (ours)
        segment_replace_locked(t, f, i, fresh);
    lock_release(&s->lock);
    if (!ours)
        segment_free(t, fresh, segment_len(f->item.raw_len, i));
    return ours;
}

enum segment_done { SEGMENT_FINE, SEGMENT_DAMAGED, SEGMENT_TAKEN };

/* What is wanted of the segments of a long value. */
struct wanted {
    struct aim aim;
    bool raw;     /* to code what is raw */
    bool coded;   /* to code again what is coded */
    bool no_dict; /* to code again what has no dictionary */
};

static bool segment_wanted(const struct wanted *w, unsigned codec, unsigned dict, bool must)
{
    if (w->aim.goal == GOAL_RAW)
        return codec != CODEC_RAW;
    return must || (codec == CODEC_RAW ? w->raw : w->coded || (w->no_dict && dict == 0));
}

static enum segment_done recode_segment(struct cache_thread *t, struct shard *s, unsigned h14,
                                        const struct found *f, size_t i, const struct wanted *w,
                                        size_t *saved)
{
    size_t len = segment_len(f->item.raw_len, i);
    uint32_t old = segment_handle(t, f->item.stored, f->item.raw_len, i);
    unsigned codec, dict;
    size_t stored_len;
    uint32_t fresh;
    segment_look(t, old, &codec, &dict, &stored_len);
    bool must = w->aim.goal == GOAL_RAW || learner_is_retired(t->cache->learner, dict);
    if (!segment_wanted(w, codec, dict, must))
        return SEGMENT_FINE;
    unsigned in = scratch_take(t);
    unsigned out = scratch_take(t);
    enum segment_done done = SEGMENT_FINE;
    struct coded coded = {.len = 0};
    if (!segment_read(t, old, len, 0, len, t->scratch[in]))
        done = SEGMENT_DAMAGED;
    else if (w->aim.goal != GOAL_RAW)
        coded = encode_value(t, NULL, (struct key_text){f->item.key, f->item.key_form.count},
                             t->scratch[in], len, w->aim.effort, t->scratch[out]);
    size_t then = coded.len == 0 ? len : coded.len;
    if (done == SEGMENT_FINE && (then < stored_len || must) &&
        segment_store(t, t->scratch[in], len, &coded, t->scratch[out], &fresh) == CACHE_OK) {
        bool put = put_segment(t, s, h14, f, i, fresh);
        *saved += put && stored_len > then ? stored_len - then : 0;
        count(t, N_RECODED, put);
        done = put ? SEGMENT_FINE : SEGMENT_TAKEN;
    }
    scratch_give(t, in);
    scratch_give(t, out);
    return done;
}

/* After the last segment that was looked at. */
static void leave_long_locked(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                              uint32_t handle, enum segment_done done)
{
    struct slot slot;
    struct found f;
    if (done != SEGMENT_FINE && shard_find_handle(s, h14, handle, &slot) &&
        found_open(t, slot, &f)) {
        if (done == SEGMENT_DAMAGED) {
            drop_as_locked(t, db, s, &f, GONE_DAMAGED);
        } else { /* another time */
            put_off_locked(&f);
            set_flags_locked(t, db, s, &f, f.item.flags & ~(unsigned)ITEM_CLOSE);
            found_end(t, &f);
        }
    }
    if (readers_add_locked(t, handle, -1) == READERS_ORPHAN)
        built_free(t, handle);
}

/* Who helps out may hold other locks, and leaves long values to the keeper. */
static enum recoded recode_long(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                                struct found *f, const struct aim *aim, unsigned how, size_t *saved)
{
    uint32_t handle = f->map.handle;
    size_t before = *saved;
    bool new = (f->item.flags & ITEM_NURSERY) != 0, closer = gets_close(&f->item, aim);
    bool again = (how & RECODE_AGAIN) != 0;
    struct wanted wanted = {*aim, new || closer || again, closer, again};
    if (t->helping != 0 || readers_add_locked(t, handle, 0) != 0) {
        put_off_locked(f);
        set_flags_locked(t, db, s, f, f->item.flags & ~(unsigned)ITEM_NURSERY);
        lock_release(&s->lock);
        found_end(t, f);
        return RECODED_SAME;
    }
    set_flags_locked(t, db, s, f, flags_after(&f->item, aim, ITEM_SEGMENTED, false));
    readers_add_locked(t, handle, 1);
    lock_release(&s->lock);
    enum segment_done done = SEGMENT_FINE;
    for (size_t i = 0; i < segment_count(f->item.raw_len) && done == SEGMENT_FINE; i++)
        done = recode_segment(t, s, h14, f, i, &wanted, saved);
    lock_acquire(&s->lock);
    leave_long_locked(t, db, s, h14, handle, done);
    lock_release(&s->lock);
    found_end(t, f);
    return *saved > before ? RECODED_SMALLER : RECODED_SAME;
}

enum recoded recode_item(struct cache_thread *t, unsigned db, struct shard *s, unsigned h14,
                         uint32_t handle, unsigned how, size_t *saved)
{
    struct slot slot;
    struct found f;
    struct aim aim = aim_of(t, how);
    if (!shard_find_handle(s, h14, handle, &slot) || !found_open(t, slot, &f)) {
        lock_release(&s->lock);
        return RECODED_GONE;
    }
    bool wanted = is_wanted(t, &f.item, &aim, how);
    if (wanted && item_codec(&f.item) == ITEM_SEGMENTED)
        return recode_long(t, db, s, h14, &f, &aim, how, saved);
    if (wanted)
        return recode_piece(t, db, s, h14, &f, &aim, saved);
    set_flags_locked(t, db, s, &f, f.item.flags & ~(unsigned)ITEM_NURSERY);
    found_end(t, &f);
    lock_release(&s->lock);
    return RECODED_SAME;
}

void warm_up(struct cache_thread *t, struct cache_view *v, const void *raw)
{
    struct cache *c = t->cache;
    struct slot slot;
    struct found f;
    size_t saved = 0;
    if (!atomic_load_explicit(&c->warm, memory_order_relaxed))
        return;
    struct shard *s = &db_shards(c, v->db)[shard_number(c, v->hash)];
    shard_enter(t, s);
    t->helping++; /* nothing is evicted for it */
    if (shard_find_handle(s, hash_h14(c, v->hash), v->handle, &slot) && found_open(t, slot, &f)) {
        unsigned text = scratch_take(t);
        struct fresh fresh = {.key = item_key(t, &f.item, t->scratch[text]), .stored = raw};
        const struct aim aim = {GOAL_RAW, CODEC_FAST};
        /* The view has the last pin, and frees when that ends. */
        if (put_locked(t, v->db, s, &f, &fresh, &aim, &saved) == RECODED_SMALLER) {
            v->free_after = v->handle;
            count(t, N_WARMED, 1);
        }
        scratch_give(t, text);
        found_end(t, &f);
    }
    t->helping--;
    shard_leave(t, s);
}
