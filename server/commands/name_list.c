#include "name_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void name_list_add(struct name_list *l, const void *name, size_t len)
{
    uint32_t head = (uint32_t)len;
    if (l->failed || len > UINT32_MAX)
        return;
    if (l->cap - l->len < sizeof head + len) {
        size_t cap = l->cap * 2 > l->len + sizeof head + len ? l->cap * 2
                                                             : l->len + sizeof head + len + 4096;
        char *bytes = realloc(l->bytes, cap);
        if (bytes == NULL) {
            l->failed = true;
            return;
        }
        l->bytes = bytes;
        l->cap = cap;
    }
    memcpy(l->bytes + l->len, &head, sizeof head);
    if (len > 0)
        memcpy(l->bytes + l->len + sizeof head, name, len);
    l->len += sizeof head + len;
    l->count++;
}

bool name_list_next(const struct name_list *l, size_t *at, const char **name, size_t *len)
{
    uint32_t head;
    if (*at == l->len)
        return false;
    memcpy(&head, l->bytes + *at, sizeof head);
    *name = l->bytes + *at + sizeof head;
    *len = head;
    *at += sizeof head + head;
    return true;
}

void name_list_free(struct name_list *l)
{
    free(l->bytes);
    *l = (struct name_list){0};
}
