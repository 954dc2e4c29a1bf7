/* Hashes in the cache: reading one whole, changing one under its lock. For the hash commands. */
#ifndef SERVER_COMMANDS_HASH_ACCESS_H
#define SERVER_COMMANDS_HASH_ACCESS_H

#include "hash_object.h"
#include "internal.h"

/* A hash as it lies in the cache, decoded. Small ones need no memory of their own. */
struct hash_blob {
    char *bytes;
    size_t len;
    uint64_t seed; /* what those who choose field names cannot know */
    char few[4096];
};

/* Reads the hash of the key in argument i. LOOKUP_FOUND: end with hash_unload(). A damaged one, or
 * one whose form is broken, is dropped and missing. */
enum lookup hash_load(struct request *rq, size_t i, struct hash_blob *h);
/* The same, but not as a use of the key, and a missing one is replied as such. */
enum lookup hash_peek(struct request *rq, size_t i, struct hash_blob *h);
void hash_unload(struct hash_blob *h);

/* A hash being changed: its shard is locked from beginning to end. */
struct hash_change {
    struct cache_key key;
    struct cache_update update;
    struct hash_blob blob;
    struct hash_edit edit;
    bool existed, changed;
};

/* Takes the hash of argument i apart, an absent one counts as empty. Replies the error and returns
 * false, and then there is nothing to end. */
bool hash_change_begin(struct request *rq, size_t i, struct hash_change *c);
/* Sets a field; the bytes must live until the end. Replies the error, aborts and returns false. */
bool hash_change_set(struct request *rq, struct hash_change *c, const char *field, size_t field_len,
                     const char *value, size_t value_len, bool *added);
bool hash_change_remove(struct hash_change *c, const char *field, size_t len);
/* Writes what changed (a hash without fields goes) and tells the event. Replies the error and
 * returns false. */
bool hash_change_end(struct request *rq, struct hash_change *c, const char *event);
/* Leaves the hash as it was. */
void hash_change_abort(struct request *rq, struct hash_change *c);

#endif
