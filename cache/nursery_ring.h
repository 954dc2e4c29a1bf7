/* The order of arrival in the nursery: FIFO rings of entries that say where a new item lies.
 *
 * An entry is a hint. Items are overwritten and deleted without touching the ring; who takes an
 * entry checks that the slot still has this handle and that the item is still flagged as in the
 * nursery.
 *
 * Each lane is a FIFO of its own with a lock of its own, so that workers do not meet: a worker
 * adds to its lane, and whoever takes asks for the lane with the oldest head. Lanes are chains of
 * chunks, the tail is filled and the head is drained; one empty chunk is kept a lane.
 *
 * Thread safety: any thread, but nursery_ring_destroy().
 */
#ifndef CACHE_NURSERY_RING_H
#define CACHE_NURSERY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nursery_ring;

struct nursery_entry {
    uint64_t hash; /* of the key */
    uint32_t handle;
    uint32_t db : 4;
    uint32_t when : 28; /* of arrival, in tenths of a second; wraps after 310 days */
};

/* NULL when memory is short. */
struct nursery_ring *nursery_ring_create(unsigned lanes);
void nursery_ring_destroy(struct nursery_ring *ring);
/* False when memory is short: the item is then nobody's to take out of the nursery. */
bool nursery_ring_add(struct nursery_ring *ring, unsigned lane, const struct nursery_entry *e);
/* Takes up to n of the oldest entries of the lane whose head is oldest, and only such as arrived
 * at least min_age tenths of a second before `now`. Returns how many; 0 = none is old enough. */
unsigned nursery_ring_take(struct nursery_ring *ring, uint32_t now, uint32_t min_age,
                           struct nursery_entry *out, unsigned n);
/* Entries held, stale ones among them. An estimate while others add and take. */
size_t nursery_ring_count(const struct nursery_ring *ring);
/* Bytes of chunks. */
size_t nursery_ring_bytes(const struct nursery_ring *ring);

#endif
