/* Names gathered one after the other while their number is not yet known.
 *
 *   first -> [ length name | length name | ... ] -> [ ... ] <- last
 *
 * They may be those of all keys, so the cache is told of the memory, and each block is freed once
 * its names were taken. */
#ifndef SERVER_COMMANDS_NAME_LIST_H
#define SERVER_COMMANDS_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cache;
struct name_block;

struct name_list {
    struct cache *cache;
    struct name_block *first, *last;
    size_t at; /* of the first block: what was taken */
    size_t held, count;
    bool failed; /* memory ran out: the list is not whole */
};

/* Start from {.cache = ...}. Copies the name. */
void name_list_add(struct name_list *l, const void *name, size_t len);
/* Takes the next name, which is valid until the next call. False at the end. */
bool name_list_take(struct name_list *l, const char **name, size_t *len);
void name_list_free(struct name_list *l);

#endif
