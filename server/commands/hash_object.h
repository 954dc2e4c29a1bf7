/* A small hash: fields and their values in one string of bytes, in the order in which they came.
 *
 *   +-------+----------+---------+-------+----------+-------+----------+---- ...
 *   | form  | count    | len     | field | len      | value | len      | field
 *   | 1 B   | varint   | varint  | bytes | varint   | bytes | varint   |
 *   +-------+----------+---------+-------+----------+-------+----------+---- ...
 *
 * Invariants: form is 1; count >= 1; exactly count pairs, and nothing behind the last; no field
 * twice; varints are LEB128 of at most 4 bytes. What is read from the cache is checked against all
 * but "no field twice" while it is walked.
 *
 * The cache packs these bytes as it packs any value. Every change writes the whole hash anew, hence
 * the bounds. Not thread safe; reading functions are pure. */
#ifndef SERVER_COMMANDS_HASH_OBJECT_H
#define SERVER_COMMANDS_HASH_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_MAX_BYTES  ((size_t)4 << 20) /* of the form above */
#define HASH_MAX_FIELDS 65536u

struct hash_entry {
    const char *field, *value; /* borrowed: from the blob, or from whoever set them */
    uint32_t field_len, value_len;
};

/* ---- reading ---- */

struct hash_reader {
    const uint8_t *at, *end;
    uint32_t left;
    bool damaged;
};

/* Sets the reader before the first pair; returns the count of pairs, 0 when the head is damaged. */
uint32_t hash_open(struct hash_reader *r, const void *blob, size_t len);
/* The next pair. False at the end and on damage (then r->damaged). */
bool hash_next(struct hash_reader *r, struct hash_entry *out);
/* Looks for one field. False when it is not there, or on damage (then r->damaged of the reader
 * given). */
bool hash_find(struct hash_reader *r, const void *blob, size_t len, const char *field,
               size_t field_len, struct hash_entry *out);

/* ---- changing ---- */

enum hash_status {
    HASH_OK = 0,
    HASH_DAMAGED, /* the blob breaks the form */
    HASH_FULL,    /* the result would pass HASH_MAX_BYTES or HASH_MAX_FIELDS */
    HASH_NOMEM,
};

#define HASH_INLINE_ENTRIES 32

/* A hash taken apart. Entries whose field is NULL are removed ones. The blob must outlive it. */
struct hash_edit {
    struct hash_entry *entries;
    uint32_t count, cap; /* of entries, removed ones included */
    uint32_t live;
    size_t bytes;    /* of the live entries in the form above, without the head */
    uint32_t *index; /* open addressing, entry number + 1; NULL while few lookups are asked */
    uint32_t index_mask;
    uint64_t seed;   /* of the index */
    uint64_t walked; /* entries compared so far without an index */
    struct hash_entry few[HASH_INLINE_ENTRIES];
};

/* Takes a blob apart; len 0 = an empty hash. Whatever it answers, end with hash_edit_end(). `seed`
 * keeps those who choose field names from choosing collisions. */
enum hash_status hash_edit_begin(struct hash_edit *e, const void *blob, size_t len, uint64_t seed);
/* NULL when it is not there. Valid until the next change. */
const struct hash_entry *hash_edit_find(struct hash_edit *e, const char *field, size_t len);
/* Sets one field. The bytes are borrowed until hash_edit_end(). *added = it was not there. */
enum hash_status hash_edit_set(struct hash_edit *e, const char *field, size_t field_len,
                               const char *value, size_t value_len, bool *added);
/* True when the field was there. */
bool hash_edit_remove(struct hash_edit *e, const char *field, size_t len);
/* Bytes of the result; 0 when no field is left. */
size_t hash_edit_size(const struct hash_edit *e);
/* Writes hash_edit_size() bytes. */
void hash_edit_write(const struct hash_edit *e, void *out);
void hash_edit_end(struct hash_edit *e);

#endif
