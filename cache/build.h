/* New objects. No lock is needed to make them, but a shard may be held: room is made by trying
 * others. Until an object is placed (write.h), it is the caller's to free. */
#ifndef CACHE_BUILD_H
#define CACHE_BUILD_H

#include "item.h"
#include "key_form.h"
#include "state.h"

/* What an item is made of. */
struct build {
    const struct cache_key *key;
    enum cache_type type;
    int64_t expire_ms; /* CACHE_NO_EXPIRY = none */
    const struct cache_source *value;
};

/* Makes an object, all or nothing; *it tells what it is (without pointers). */
enum cache_status build_item(struct cache_thread *t, const struct build *b, uint32_t *handle,
                             struct item *it);
/* An object of header, key and stored bytes; sets the form of the key. */
enum cache_status build_object(struct cache_thread *t, struct item *it, struct key_text key,
                               const void *stored, uint32_t *handle);
/* Frees what build_item() made and nobody placed. */
void built_free(struct cache_thread *t, uint32_t handle);
/* A segment, coded when compression is on-write. */
enum cache_status build_segment(struct cache_thread *t, struct key_text key, const uint8_t *raw,
                                size_t len, uint32_t *handle);
/* zs_malloc() that makes room. CACHE_OOM when there is none to make. */
enum cache_status object_alloc(struct cache_thread *t, size_t size, uint32_t *handle);
/* What new items carry, by the policy and compression in force. */
uint8_t build_flags(const struct cache *c);

#endif
