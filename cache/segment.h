/* Segments, and the heads of long values. Layouts are drawn in item.h.
 *
 * Lengths are of raw bytes where they are called raw_len: of the whole value, but for functions
 * about one segment. `stored` is the stored value of a head that is pinned. Who reads segments is a
 * reader of their head (readers_add_locked()), or has its shard locked. */
#ifndef CACHE_SEGMENT_H
#define CACHE_SEGMENT_H

#include "coding.h"
#include "find.h"
#include "item.h"
#include "state.h"

/* Makes a segment: of coded bytes, or raw (coded NULL or of length 0). */
enum cache_status segment_store(struct cache_thread *t, const void *raw, size_t raw_len,
                                const struct coded *coded, const void *coded_bytes,
                                uint32_t *handle);
/* Decodes len bytes at off of a segment of raw_len. False when it is damaged. */
bool segment_read(struct cache_thread *t, uint32_t handle, size_t raw_len, size_t off, size_t len,
                  uint8_t *dst);
/* Frees a segment, and counts it out. */
void segment_free(struct cache_thread *t, uint32_t handle, size_t raw_len);
/* Handle of segment i of a head. */
uint32_t segment_handle(struct cache_thread *t, const uint8_t *stored, size_t raw_len, size_t i);
/* All of them in an array that the caller frees, with place for `room`; NULL when memory is
 * short. */
uint32_t *segment_handles(struct cache_thread *t, const uint8_t *stored, size_t raw_len,
                          size_t room);
/* Puts another object in the place of segment i and frees the old one. Nobody else may read. */
void segment_replace_locked(struct cache_thread *t, const struct found *f, size_t i,
                            uint32_t handle);
/* How a segment is stored. */
void segment_look(struct cache_thread *t, uint32_t handle, unsigned *codec, unsigned *dict,
                  size_t *stored_len);
/* A head over n segments. On failure the segments are still the caller's. */
enum cache_status segment_head(struct cache_thread *t, const struct item *it, struct key_text key,
                               const uint32_t *handles, size_t n, uint32_t *handle);
/* Frees the first n segments of a value of raw_len. */
void segments_free(struct cache_thread *t, const uint32_t *handles, size_t n, size_t raw_len);
/* Frees the lists of a head, not the segments; and all of a value. */
void segment_lists_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len);
void segment_value_free(struct cache_thread *t, const uint8_t *stored, size_t raw_len);
/* Adds to the readers of a head. Returns how many there are then, with READERS_ORPHAN if the head
 * is in no slot: at READERS_ORPHAN alone the last is gone, and frees the value. The shard is
 * locked. */
unsigned readers_add_locked(struct cache_thread *t, uint32_t handle, int delta);
/* Marks a head that goes out of its slot while it has readers. */
void readers_orphan_locked(struct cache_thread *t, uint32_t handle);
/* The word of the readers, in a head that is dead and has none, links it with others (dead.c). */
uint32_t head_link(struct cache_thread *t, uint32_t handle);
void head_set_link(struct cache_thread *t, uint32_t handle, uint32_t link);

#endif
