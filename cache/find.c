/* Finding an item in its shard. */
#include <stdatomic.h>
#include <string.h>

#include "account.h"
#include "bucket.h"
#include "cache/cache.h"
#include "evict.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "learner.h"
#include "policy.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

static bool key_is(const struct cache_thread *t, const struct item *it, const struct cache_key *k)
{
    if (it->key_form.kind == KEY_WHOLE)
        return it->key_form.count == k->len && memcmp(it->key, k->ptr, k->len) == 0;
    const struct key_frame *frame = learner_keys(t->cache->learner, it->dict);
    return key_form_is(frame, it->key_form, it->key, key_text_of(k));
}

struct key_text item_key(const struct cache_thread *t, const struct item *it, uint8_t *buf)
{
    const struct key_frame *frame = learner_keys(t->cache->learner, it->dict);
    if (it->key_form.kind == KEY_WHOLE)
        return (struct key_text){it->key, it->key_form.count};
    key_form_read(frame, it->key_form, it->key, buf);
    return (struct key_text){buf, key_form_length(frame, it->key_form)};
}

bool found_open(struct cache_thread *t, struct slot slot, struct found *f)
{
    f->slot = slot;
    f->free_after = 0;
    f->scratch = scratch_take(t);
    uint32_t handle = ref_handle(slot.bucket->ref[slot.i]);
    f->object =
        zs_map_object(t->cache->pool, handle, ZS_MM_RO, SIZE_MAX, t->scratch[f->scratch], &f->map);
    if (!f->map.copied) {
        scratch_give(t, f->scratch);
        f->scratch = SCRATCHES;
    }
    if (item_read(f->object, f->map.len, &f->item))
        return true;
    found_end(t, f);
    return false;
}

void found_end(struct cache_thread *t, struct found *f)
{
    zs_unmap_object(t->cache->pool, &f->map);
    if (f->scratch != SCRATCHES)
        scratch_give(t, f->scratch);
    if (f->free_after != 0)
        zs_free(t->cache->pool, f->free_after);
}

static bool find_in_bucket(struct cache_thread *t, struct bucket *b, unsigned h14,
                           const struct cache_key *k, struct found *f)
{
    for (unsigned same = bucket_match(b, h14); same != 0; same &= same - 1) {
        if (!found_open(t, (struct slot){b, (unsigned)__builtin_ctz(same)}, f))
            continue;
        if (key_is(t, &f->item, k))
            return true;
        found_end(t, f);
    }
    return false;
}

bool find_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f)
{
    unsigned h14 = hash_h14(t->cache, k->hash);
    uint32_t at = bucket_home(s, h14);
    bool full = true;
    for (uint32_t left = s->nbuckets; left > 0 && full; left--, at = bucket_after(s, at)) {
        struct bucket *b = shard_bucket(s, at);
        if (find_in_bucket(t, b, h14, k, f))
            return true;
        full = bucket_is_full(b);
    }
    return false;
}

bool find_live_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                      struct found *f)
{
    if (!find_locked(t, s, k, f))
        return false;
    if (f->item.expire_ms > t->now_ms)
        return true;
    drop_as_locked(t, k->db, s, f, GONE_EXPIRED);
    return false;
}

/* Writes to the slot only what changes: the line may be in another core's cache. */
void touch_locked(struct cache_thread *t, struct found *f)
{
    struct bucket *b = f->slot.bucket;
    unsigned i = f->slot.i;
    if (ref_frequency(b->ref[i]) < 3)
        b->ref[i]++;
    if (tag_age(b->tag[i]) != 0)
        b->tag[i] = tag_with_age(b->tag[i], 0);
    unsigned policy = atomic_load_explicit(&t->cache->policy, memory_order_relaxed);
    if (f->item.clock_at == 0 || !policy_has_clock(policy))
        return;
    uint32_t was = item_read_clock(f->object + f->item.clock_at);
    uint32_t is = clock_touched(t, policy, was);
    if (is == was)
        return;
    uint8_t bytes[ITEM_CLOCK_BYTES];
    item_write_clock(bytes, is);
    zs_obj_write(t->cache->pool, ref_handle(b->ref[i]), f->item.clock_at, bytes, sizeof bytes);
}
