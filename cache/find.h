/* An item in its shard. All with the shard locked. */
#ifndef CACHE_FIND_H
#define CACHE_FIND_H

#include "item.h"
#include "key_form.h"
#include "state.h"

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

#endif
