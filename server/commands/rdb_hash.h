/* A hash as DUMP writes it and RESTORE reads it. Written is the form that every Redis reads; read
 * are those that Redis writes for a hash without times of its fields: strings one after the other,
 * or a listpack (since 7.0) or a ziplist (before) of all of them.
 *
 *   +------+-------+-------+-------+-------+-------+---- ... --+-----------+
 *   | type | count | field | value | field | value |           | tail      |
 *   | 4    | pairs | strings, each with its length             |           |
 *   +------+-------+-------+-------+-------+-------+---- ... --+-----------+
 *
 * Not thread safe; no state but what is handed in. */
#ifndef SERVER_COMMANDS_RDB_HASH_H
#define SERVER_COMMANDS_RDB_HASH_H

#include "hash_object.h"
#include "rdb_string.h"

/* Bytes that rdb_hash_write() writes for a sound hash in the form of hash_object.h: all but the
 * tail. */
size_t rdb_hash_size(const void *blob, size_t len);
void rdb_hash_write(const void *blob, size_t len, uint8_t *out);

/* Whether a whole payload says that it is a hash of a form that can be read. */
bool rdb_is_hash(const uint8_t *payload, size_t len);

/* What the fields and values of a hash that was read lie in, besides the payload. */
struct rdb_hash_room {
    uint8_t *unpacked; /* the listpack or ziplist */
    char *texts;       /* integers and packed strings */
};
/* Sets the fields in an edit that was begun empty. The edit borrows from payload and room: whatever
 * is answered, end it before rdb_hash_room_free(). */
enum hash_status rdb_hash_read(const uint8_t *payload, size_t len, struct hash_edit *e,
                               struct rdb_hash_room *room);
void rdb_hash_room_free(struct rdb_hash_room *room);

#endif
