/* The packed lists of Redis, of which its snapshots are full: strings and integers in one range.
 *
 *   listpack:  | bytes 4 | elements 2 |         | element ... | 0xff |
 *   ziplist:   | bytes 4 | last 4     | count 2 | element ... | 0xff |
 *
 * An element of a listpack begins with its kind and ends with its own length, read backwards; one
 * of a ziplist begins with the length of the one before it. All numbers are little-endian, but for
 * the lengths of strings in a ziplist.
 *
 * All functions are pure. */
#ifndef SERVER_COMMANDS_RDB_LIST_H
#define SERVER_COMMANDS_RDB_LIST_H

#include "rdb_string.h"

enum rdb_list_kind { RDB_LISTPACK, RDB_ZIPLIST };
struct rdb_list {
    enum rdb_list_kind kind;
    struct rdb_reader reader;
};
/* Before the first element. False when the head is broken. */
bool rdb_list_open(struct rdb_list *l, enum rdb_list_kind kind, const uint8_t *bytes, size_t len);

enum rdb_list_step { RDB_LIST_ELEMENT, RDB_LIST_END, RDB_LIST_BROKEN };
/* The next element: plain or an integer. At the end nothing is left to read. */
enum rdb_list_step rdb_list_next(struct rdb_list *l, struct rdb_string *s);

#endif
