/* A string as DUMP writes it and RESTORE reads it: the form of Redis's snapshot files.
 *
 *   +------+---------------+-------------+-----------+
 *   | type | length, bytes | version, LE | CRC64, LE |
 *   | 1 B  |               | 2 B         | 8 B       |     of all before it
 *   +------+---------------+-------------+-----------+
 *
 * All functions are pure. */
#ifndef SERVER_COMMANDS_RDB_STRING_H
#define SERVER_COMMANDS_RDB_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDB_HEAD_MOST 10
#define RDB_TAIL      10

/* Writes a length as it stands before a string, or a number of elements; returns how many bytes
 * that is. */
#define RDB_LENGTH_MOST 5
size_t rdb_length(size_t len, uint8_t to[RDB_LENGTH_MOST]);
/* Writes what stands before a string of len bytes that is a value; returns how many bytes that is.
 */
size_t rdb_string_head(size_t len, uint8_t head[RDB_HEAD_MOST]);
/* Writes what stands behind it; `crc` is that of head and string. */
void rdb_string_tail(uint64_t crc, uint8_t tail[RDB_TAIL]);
uint64_t rdb_crc(uint64_t crc, const uint8_t *bytes, size_t len);

enum rdb_form { RDB_PLAIN, RDB_INTEGER, RDB_PACKED };
/* Where the string is in a payload. */
struct rdb_string {
    enum rdb_form form;
    const uint8_t *bytes;
    size_t stored; /* bytes there */
    size_t len;    /* of the string; RDB_INTEGER: not known */
    int64_t integer;
};

/* What is left to read between the type of a payload and its tail. */
struct rdb_reader {
    const uint8_t *at;
    size_t left;
};
/* The type that a whole payload has, and the reader behind it. -1 = there is nothing. */
int rdb_open(struct rdb_reader *r, const uint8_t *payload, size_t len);
/* The next n bytes; NULL = there are not so many. */
const uint8_t *rdb_take(struct rdb_reader *r, size_t n);
/* The next number of elements, or string. False when it is broken. */
bool rdb_read_count(struct rdb_reader *r, uint64_t *n);
bool rdb_read_string(struct rdb_reader *r, struct rdb_string *s);

/* False when version or CRC are wrong. */
bool rdb_payload_is_whole(const uint8_t *payload, size_t len);
/* Finds the string in a whole payload. False when it has another type, or is none. */
bool rdb_string_find(const uint8_t *payload, size_t len, struct rdb_string *s);
/* Unpacks one of RDB_PACKED into len bytes. False when it is broken. */
bool rdb_string_unpack(const struct rdb_string *s, uint8_t *out);

#endif
