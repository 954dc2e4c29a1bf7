/* BITOP: strings combined bit by bit into another. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum bitop { BITOP_AND, BITOP_OR, BITOP_XOR, BITOP_NOT };

/* The strings, and the result as the source of a store: made piece by piece as the cache asks for
 * it, so that none is ever whole in memory. */
struct combination {
    struct request *rq;
    enum bitop op;
    struct cache_view *view; /* of the keys that exist */
    size_t views;
    bool some_missing; /* a key does not exist: it counts as zeros */
    size_t at, len;
    uint8_t result[CACHE_SEGMENT], operand[CACHE_SEGMENT];
};

/* The bytes of one string at c->at, with zeros behind its end. What is damaged counts as zeros here
 * and is found out afterwards. */
static void read_operand(struct combination *c, size_t i, size_t n, uint8_t *bytes)
{
    struct cache_view *v = &c->view[i];
    size_t have = c->at < v->raw_len ? v->raw_len - c->at : 0;
    if (have > n)
        have = n;
    if (have > 0 && cache_view_read(c->rq->cache, v, c->at, have, bytes) != CACHE_OK)
        have = 0;
    memset(bytes + have, 0, n - have);
}

static void combine(enum bitop op, uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (op == BITOP_AND)
            to[i] &= from[i];
        else if (op == BITOP_OR)
            to[i] |= from[i];
        else
            to[i] ^= from[i];
    }
}

static const void *next_result(void *arg, size_t *len)
{
    struct combination *c = arg;
    size_t n = c->len - c->at < CACHE_SEGMENT ? c->len - c->at : CACHE_SEGMENT;
    *len = n;
    if (n == 0)
        return c->result;
    read_operand(c, 0, n, c->result);
    for (size_t i = 1; i < c->views; i++) {
        read_operand(c, i, n, c->operand);
        combine(c->op, c->result, c->operand, n);
    }
    if (c->op == BITOP_AND && c->some_missing)
        memset(c->result, 0, n);
    for (size_t i = 0; c->op == BITOP_NOT && i < n; i++)
        c->result[i] = (uint8_t)~c->result[i];
    c->at += n;
    return c->result;
}

/* Opens the strings, which are locked. False when one is of another type. */
static bool open_views(struct combination *c, const struct key_list *keys)
{
    struct request *rq = c->rq;
    c->views = c->at = c->len = 0;
    c->some_missing = false;
    for (size_t i = 1; i < keys->count; i++) {
        struct cache_view *v = &c->view[c->views];
        if (cache_get(rq->cache, &keys->keys[i], request_touch(rq), v) != CACHE_OK) {
            c->some_missing = true;
            continue;
        }
        c->views++;
        if (v->type != CACHE_STRING)
            return false;
        if (v->raw_len > c->len)
            c->len = v->raw_len;
    }
    return true;
}

/* CACHE_DAMAGED: a string did not decode. It is gone now, and the result must be made anew. */
static enum cache_status close_views(struct combination *c, enum cache_status status)
{
    for (size_t i = 0; i < c->views; i++) {
        if (cache_view_is_damaged(&c->view[i]))
            status = CACHE_DAMAGED;
        cache_view_end(c->rq->cache, &c->view[i]);
    }
    return status;
}

/* One try. The result is longer than 0, or the destination is deleted. */
static enum cache_status try_combination(struct combination *c, const struct key_list *keys,
                                         const char **event)
{
    const struct cache_key *to = &keys->keys[0];
    enum cache_status status = CACHE_UNMET;
    *event = NULL;
    if (open_views(c, keys)) {
        status = CACHE_OK;
        if (c->len > 0) {
            struct cache_source source = {.next = next_result, .arg = c, .total = c->len};
            status = cache_set(c->rq->cache, to, CACHE_STRING, &source, CACHE_NO_EXPIRY, 0);
            *event = "set";
        } else if (cache_delete(c->rq->cache, to) == CACHE_OK) {
            *event = "del";
        }
    }
    return close_views(c, status);
}

static void bitop_keys(struct request *rq, enum bitop op, const struct key_list *keys)
{
    const char *event = NULL;
    size_t bytes = sizeof(struct combination) + keys->count * sizeof(struct cache_view);
    struct combination *c = NULL;
    if (cache_may_charge(request_cache(rq), bytes))
        c = malloc(bytes);
    enum cache_status status =
        c != NULL ? cache_lock_keys(rq->cache, keys->keys, keys->count) : CACHE_OOM;
    if (status == CACHE_OK) {
        c->rq = rq;
        c->op = op;
        c->view = (struct cache_view *)(c + 1);
        do
            status = try_combination(c, keys, &event);
        while (status == CACHE_DAMAGED);
        cache_unlock_keys(rq->cache);
    }
    if (status == CACHE_UNMET) {
        reply_wrong_type(rq);
    } else if (status != CACHE_OK) {
        reply_cache_error(rq, status);
    } else {
        if (event != NULL)
            request_touched(rq, &keys->keys[0], event);
        resp_integer(rq->out, (int64_t)c->len);
    }
    free(c);
}

static void bitop_command(struct request *rq)
{
    static const char *const names[] = {"and", "or", "xor", "not"};
    unsigned op = 0;
    struct key_list keys;
    while (op < sizeof names / sizeof names[0] && !request_is(rq, 1, names[op]))
        op++;
    if (op == sizeof names / sizeof names[0]) {
        reply_syntax_error(rq);
        return;
    }
    if (op == BITOP_NOT && rq->argc != 4) {
        resp_error(rq->out, "ERR BITOP NOT must be called with a single source key.");
        return;
    }
    if (!key_list_begin(rq, &keys, 2, rq->argc - 2, 1))
        return;
    bitop_keys(rq, op, &keys);
    key_list_end(&keys);
}

const struct command commands_bitop[] = {
    {.name = "bitop",
     .fn = bitop_command,
     .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .group = GROUP_BITMAP,
     .first_key = 2,
     .last_key = -1,
     .key_step = 1,
     .since = "2.6.0",
     .complexity = "O(N)",
     .summary = "Performs bitwise operations on multiple strings, and stores the result.",
     .args = "AND | OR | XOR | NOT destkey key [key ...]"},
    {.name = NULL},
};
