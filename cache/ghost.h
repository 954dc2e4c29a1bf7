/* The ghost: fingerprints of keys that were dropped lately, so that one which comes back soon is
 * known. Holds no keys and no values, four bytes an entry, in a table of fixed size.
 *
 *   bucket (64 bytes, chosen by the hash)
 *   [ fp:20 | age:12 ] x 16        0 = empty
 *
 * FIFO without a list: each entry carries the time of its insertion, counted in insertions (1,024
 * steps for `capacity` of them), and counts as gone when `capacity` younger ones came after it. An
 * insertion takes an empty or dead place of its bucket, else the oldest.
 *
 * Thread safety: all functions from any thread but ghost_destroy(). Entries are words of their own
 * and changed atomically, without a lock; when two threads insert into one place one is lost.
 */
#ifndef CACHE_GHOST_H
#define CACHE_GHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ghost;

/* Remembers about the last `capacity` insertions. The table is allocated at the first one. NULL
 * when memory is short. */
struct ghost *ghost_create(size_t capacity);
void ghost_destroy(struct ghost *ghost);
size_t ghost_capacity(const struct ghost *ghost);
/* Forgets all and gives the table back. No other thread may use it meanwhile. */
void ghost_resize(struct ghost *ghost, size_t capacity);
/* Shortens the memory to about the last `insertions`; at most `capacity` it is in any case. */
void ghost_set_life(struct ghost *ghost, size_t insertions);
/* Remembers the hash; without memory for the table it does nothing. */
void ghost_add(struct ghost *ghost, uint64_t hash);
/* True when the hash is remembered; forgets it then. */
bool ghost_take(struct ghost *ghost, uint64_t hash);
/* Forgets all. */
void ghost_clear(struct ghost *ghost);
/* Bytes the table takes; 0 before the first insertion. */
size_t ghost_bytes(const struct ghost *ghost);

#endif
