/* Arguments too long to wait in the connection's buffer: a list of chunks, each allocated when its
 * first byte has come. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct resp_chunk {
    struct resp_chunk *next;
    size_t len;
    size_t cap;
    char data[];
};

/* Behind this many bytes that have come, chunks are so long that the allocator maps each on its own
 * and gives it back to the system when it is freed: else a value of 400 MiB would leave a hole of
 * 400 MiB in the heap. */
#define LONG_FROM  ((size_t)1 << 20)
#define LONG_CHUNK (((size_t)256 << 10) - 64)

/*  first -> chunk -> chunk -> ... -> last      All but the last are full. */
struct resp_chain {
    struct resp_chunk *first;
    struct resp_chunk *last;
    size_t room; /* of all chunks so far, those that were read included */
};

struct resp_chain *resp_chain_create(void)
{
    return calloc(1, sizeof(struct resp_chain));
}

static bool add_chunk(struct resp_chain *chain, size_t left, size_t *held)
{
    size_t most = chain->room < LONG_FROM ? RESP_CHUNK : LONG_CHUNK;
    size_t cap = left < most ? left : most;
    struct resp_chunk *chunk = malloc(sizeof *chunk + cap);
    if (chunk == NULL)
        return false;
    chunk->next = NULL;
    chunk->len = 0;
    chunk->cap = cap;
    if (chain->last != NULL)
        chain->last->next = chunk;
    else
        chain->first = chunk;
    chain->last = chunk;
    chain->room += cap;
    *held += sizeof *chunk + cap;
    return true;
}

bool resp_chain_append(struct resp_chain *chain, const char *bytes, size_t len, size_t left,
                       size_t *held)
{
    while (len > 0) {
        struct resp_chunk *last = chain->last;
        if (last == NULL || last->len == last->cap) {
            if (!add_chunk(chain, left, held))
                return false;
            last = chain->last;
        }
        size_t n = last->cap - last->len;
        if (n > len)
            n = len;
        memcpy(last->data + last->len, bytes, n);
        last->len += n;
        bytes += n;
        len -= n;
        left -= n;
    }
    return true;
}

static void drop_first(struct resp_chain *chain)
{
    struct resp_chunk *chunk = chain->first;
    chain->first = chunk->next;
    if (chain->first == NULL)
        chain->last = NULL;
    free(chunk);
}

void resp_chain_destroy(struct resp_chain *chain)
{
    if (chain == NULL)
        return;
    while (chain->first != NULL)
        drop_first(chain);
    free(chain);
}

void resp_arg_reader_init(struct resp_arg_reader *r, const struct resp_arg *arg)
{
    r->arg = arg;
    r->started = false;
}

const void *resp_arg_next(void *reader, size_t *len)
{
    struct resp_arg_reader *r = reader;
    struct resp_chain *chain = r->arg->chain;
    if (chain == NULL) {
        *len = r->started ? 0 : r->arg->len;
        r->started = true;
        return r->arg->ptr;
    }
    if (r->started && chain->first != NULL)
        drop_first(chain);
    r->started = true;
    *len = chain->first != NULL ? chain->first->len : 0;
    return chain->first != NULL ? chain->first->data : NULL;
}

void resp_arg_copy(const struct resp_arg *arg, size_t off, size_t len, char *dst)
{
    if (arg->chain == NULL) {
        if (len > 0)
            memcpy(dst, arg->ptr + off, len);
        return;
    }
    for (const struct resp_chunk *c = arg->chain->first; c != NULL && len > 0; c = c->next) {
        if (off >= c->len) {
            off -= c->len;
            continue;
        }
        size_t n = c->len - off < len ? c->len - off : len;
        memcpy(dst, c->data + off, n);
        dst += n;
        len -= n;
        off = 0;
    }
}
