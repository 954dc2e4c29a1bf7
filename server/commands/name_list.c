#include "name_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"

/* What most lists need, and what long ones grow by. */
#define FIRST_BYTES ((size_t)4 << 10)
#define BLOCK_BYTES ((size_t)256 << 10)

struct name_block {
    struct name_block *next;
    size_t len, cap;
    char bytes[];
};

/* NULL: no memory. */
static struct name_block *add_block(struct name_list *l, size_t least)
{
    size_t cap = l->last == NULL ? FIRST_BYTES : BLOCK_BYTES;
    cap = (least > cap ? least : cap) - sizeof(struct name_block);
    size_t bytes = sizeof(struct name_block) + cap;
    struct name_block *b = cache_may_charge(l->cache, bytes) ? malloc(bytes) : NULL;
    if (b == NULL)
        return NULL;
    cache_charge(l->cache, (int64_t)bytes);
    *b = (struct name_block){.cap = cap};
    if (l->last == NULL)
        l->first = b;
    else
        l->last->next = b;
    l->last = b;
    l->held += bytes;
    return b;
}

void name_list_add(struct name_list *l, const void *name, size_t len)
{
    uint32_t head = (uint32_t)len;
    struct name_block *b = l->last;
    if (l->failed || len > UINT32_MAX)
        return;
    if (b == NULL || b->cap - b->len < sizeof head + len)
        b = add_block(l, sizeof *b + sizeof head + len);
    if (b == NULL) {
        l->failed = true;
        return;
    }
    memcpy(b->bytes + b->len, &head, sizeof head);
    if (len > 0)
        memcpy(b->bytes + b->len + sizeof head, name, len);
    b->len += sizeof head + len;
    l->count++;
}

static void drop_first(struct name_list *l)
{
    struct name_block *b = l->first;
    size_t bytes = sizeof *b + b->cap;
    l->first = b->next;
    if (l->first == NULL)
        l->last = NULL;
    l->at = 0;
    l->held -= bytes;
    cache_charge(l->cache, -(int64_t)bytes);
    free(b);
}

bool name_list_take(struct name_list *l, const char **name, size_t *len)
{
    uint32_t head;
    if (l->first != NULL && l->at == l->first->len)
        drop_first(l);
    if (l->first == NULL)
        return false;
    memcpy(&head, l->first->bytes + l->at, sizeof head);
    *name = l->first->bytes + l->at + sizeof head;
    *len = head;
    l->at += sizeof head + head;
    return true;
}

void name_list_free(struct name_list *l)
{
    while (l->first != NULL)
        drop_first(l);
    l->count = 0;
}
