/* The nursery: where new items stay raw until it is known whether they are worth coding. */
#ifndef CACHE_NURSERY_H
#define CACHE_NURSERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;
struct cache_key;
struct cache_thread;

/* Notes the arrival of an item with ITEM_NURSERY that was just put into its slot. The shard is
 * locked. */
void nursery_arrive(struct cache_thread *t, const struct cache_key *k, uint32_t handle);
/* Takes up to n that arrived at least min_age tenths of a second ago out of the nursery: into main,
 * coded, or (may_drop) away. Returns how many entries it took; *freed grows by bytes. A thread that
 * helps out (t->helping) may hold shards, and only tries others. */
unsigned nursery_leave(struct cache_thread *t, unsigned n, uint32_t min_age, bool may_drop,
                       size_t *freed);
/* Whether it holds more than its share; with `slack`, so much more that writers should help. */
bool nursery_is_full(struct cache *c, bool slack);
/* Whether next to nothing lies outside it. */
bool nursery_is_most(struct cache *c);
/* Reckons anew how much it may hold (nursery_share of the cache). */
void nursery_share(struct cache *c, int64_t now_ms);
/* Entries of a ghost that a cap of so many bytes allows. */
size_t nursery_ghost_capacity(uint64_t cap);
/* Lets the ghost remember as many as there are items in main, and makes it anew when the cap has
 * changed much. No lock is held. */
void nursery_measure(struct cache_thread *t);
/* A writer lends a hand when the nursery is over its slack. No lock is held. */
void nursery_help(struct cache_thread *t);
/* The keeper's: lets items out of the nursery until end_us. True when more wait. */
bool nursery_slice(struct cache_thread *t, int64_t end_us);

#endif
