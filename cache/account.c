/* What every insertion and removal changes, in one place. */
#include <stdatomic.h>

#include "account.h"
#include "bucket.h"
#include "cache/cache.h"
#include "counters.h"
#include "dead.h"
#include "find.h"
#include "item.h"
#include "key.h"
#include "key_form.h"
#include "segment.h"
#include "state.h"
#include "stats.h"
#include "thread.h"

void count_bytes(struct cache_thread *t, unsigned what, size_t n, int sign)
{
    int64_t bytes = (int64_t)n;
    count(t, what, sign < 0 ? -bytes : bytes);
}

void account(struct cache_thread *t, unsigned db, struct shard *s, const struct item *it, int sign)
{
    unsigned codec = item_codec(it);
    count(t, N_ITEMS, sign);
    count_bytes(t, N_KEY_BYTES, key_form_bytes(it->key_form), sign);
    count(t, N_CODEC + codec, sign);
    if (s != NULL) {
        bool expires = it->expire_ms != CACHE_NO_EXPIRY;
        count(t, N_DB_ITEMS + db, sign);
        count(t, N_DB_EXPIRING + db, expires ? sign : 0);
        s->expiring += expires ? (uint32_t)sign : 0;
    }
    if (item_is_stubborn(it))
        count(t, N_INCOMPRESSIBLE, sign);
    if ((it->flags & ITEM_NURSERY) != 0) {
        count(t, N_NURSERY_ITEMS, sign);
        count_bytes(t, N_NURSERY_BYTES, it->raw_len, sign);
    }
    if (item_is_hasty(it))
        count(t, N_HASTY, sign);
    if (item_is_loose(it))
        count_bytes(t, N_LOOSE_BYTES, item_loose_bytes(it), sign);
    if (codec == ITEM_SEGMENTED)
        return; /* segments count for themselves */
    count_bytes(t, N_RAW_BYTES, it->raw_len, sign);
    count_bytes(t, N_STORED_BYTES, it->stored_len, sign);
    if (it->dict != 0) {
        count(t, N_DICT_ITEMS + it->dict, sign);
        count_bytes(t, N_DICT_RAW + it->dict, it->raw_len, sign);
        count_bytes(t, N_DICT_STORED + it->dict, it->stored_len, sign);
    }
}

void found_free_locked(struct cache_thread *t, struct found *f)
{
    uint32_t handle = f->map.handle;
    if (item_codec(&f->item) == ITEM_SEGMENTED) {
        if (readers_add_locked(t, handle, 0) > 0) {
            readers_orphan_locked(t, handle); /* the last reader frees it */
            return;
        }
        if (dead_add(t, handle, f->item.raw_len))
            return;
        segment_value_free(t, f->item.stored, f->item.raw_len);
    }
    f->free_after = handle;
}

void drop_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f)
{
    account(t, db, s, &f->item, -1);
    found_free_locked(t, f);
    found_end(t, f);
    shard_remove(s, f->slot);
}

static void tell(struct cache_thread *t, unsigned db, const struct item *it, enum cache_event what)
{
    unsigned scratch = scratch_take(t);
    struct key_text key = item_key(t, it, t->scratch[scratch]);
    t->cache->on_event(t->cache->event_arg, what, db, key.ptr, key.len);
    scratch_give(t, scratch);
}

size_t drop_as_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f,
                      enum cache_gone why)
{
    static const enum counter counters[] = {N_EXPIRED, N_EVICTED, N_DAMAGED};
    struct cache *c = t->cache;
    size_t bytes =
        item_codec(&f->item) == ITEM_SEGMENTED ? f->item.raw_len : item_size(&f->item, f->object);
    count(t, counters[why], 1);
    if (atomic_load_explicit(&c->listening, memory_order_relaxed) && why != GONE_DAMAGED)
        tell(t, db, &f->item, why == GONE_EXPIRED ? CACHE_EXPIRED : CACHE_EVICTED);
    drop_locked(t, db, s, f);
    return bytes;
}
