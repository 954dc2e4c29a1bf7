/* An item in its shard. All with the shard locked, but for found_end() and item_key(), for which
 * the pin is enough. */
#ifndef CACHE_FIND_H
#define CACHE_FIND_H

#include "item.h"
#include "key_form.h"
#include "state.h"

/* An item that is pinned, from find_locked() and the like to found_end(). `item` points into the
 * object. */
struct found {
    struct slot slot; /* good until the shard is unlocked, or something is put in or removed */
    struct item item;
    const uint8_t *object;
    struct zs_map map;
    unsigned scratch;    /* SCRATCHES = none */
    uint32_t free_after; /* object to free when the pin ends; 0 = none */
};

/* The item of the key, pinned, expired or not. False when there is none; then nothing is pinned. */
bool find_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                 struct found *f);
/* The same, but an item that has expired is dropped and not found. */
bool find_live_locked(struct cache_thread *t, struct shard *s, const struct cache_key *k,
                      struct found *f);
/* Pins the item of a slot that is taken. False when it cannot be read; then nothing is pinned. */
bool found_open(struct cache_thread *t, struct slot slot, struct found *f);
/* Ends the pin, and frees what waits for that (free_after). */
void found_end(struct cache_thread *t, struct found *f);
/* The whole key of an item: where it lies, or put together in buf (CACHE_MAX_KEY). */
struct key_text item_key(const struct cache_thread *t, const struct item *it, uint8_t *buf);
static inline struct key_text key_text_of(const struct cache_key *k)
{
    return (struct key_text){k->ptr, k->len};
}

/* Counts as a use: frequency, age, and the clock of the policies that have one. */
void touch_locked(struct cache_thread *t, struct found *f);

#endif
