/* Names gathered one after the other while their number is not yet known. */
#ifndef SERVER_COMMANDS_NAME_LIST_H
#define SERVER_COMMANDS_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct name_list {
    char *bytes; /* 4 bytes of length, then the name, again and again */
    size_t len, cap, count;
    bool failed; /* memory ran out: the list is not whole */
};

/* Start from {0}. Copies the name. */
void name_list_add(struct name_list *l, const void *name, size_t len);
/* Walks: start with *at = 0. False at the end. */
bool name_list_next(const struct name_list *l, size_t *at, const char **name, size_t *len);
void name_list_free(struct name_list *l);

#endif
