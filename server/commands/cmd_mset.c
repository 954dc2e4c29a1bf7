/* Strings: writing many keys as one step. */
#include "internal.h"

/* The pairs of an MSET-like command: key i is argument first + 2i, its value the next one. */
struct pairs {
    size_t first, count;
    enum set_condition condition; /* SET_ALWAYS, SET_NX (none exists) or SET_XX (all exist) */
    unsigned flags;               /* for cache_set() */
    int64_t at_ms;
};

/* Whether the condition holds for all keys. They are locked. */
static bool condition_holds(struct request *rq, const struct pairs *p, const struct key_list *l)
{
    if (p->condition == SET_ALWAYS)
        return true;
    for (size_t i = 0; i < l->count; i++) {
        struct cache_view view;
        bool found = cache_get(rq->cache, &l->keys[i], 0, &view) == CACHE_OK;
        if (found)
            cache_view_end(rq->cache, &view);
        if (found != (p->condition == SET_XX))
            return false;
    }
    return true;
}

/* Stores until one fails; *stored says how many did not. */
static enum cache_status store_all(struct request *rq, const struct pairs *p,
                                   const struct key_list *l, size_t *stored)
{
    for (*stored = 0; *stored < l->count; ++*stored) {
        struct argument_reader reader;
        struct cache_source source = source_argument(rq, p->first + 2 * *stored + 1, &reader);
        enum cache_status status =
            cache_set(rq->cache, &l->keys[*stored], CACHE_STRING, &source, p->at_ms, p->flags);
        if (status != CACHE_OK)
            return status;
    }
    return CACHE_OK;
}

/* CACHE_OK, CACHE_UNMET (nothing changed), or another status; replies nothing but for CACHE_MISS,
 * where the error is replied already. */
static enum cache_status store_pairs(struct request *rq, const struct pairs *p)
{
    struct key_list keys;
    if (!key_list_begin(rq, &keys, p->first, p->count, 2))
        return CACHE_MISS;
    enum cache_status status = cache_lock_keys(rq->cache, keys.keys, keys.count);
    size_t stored = 0;
    if (status == CACHE_OK) {
        status = condition_holds(rq, p, &keys) ? store_all(rq, p, &keys, &stored) : CACHE_UNMET;
        cache_unlock_keys(rq->cache);
    }
    for (size_t i = 0; i < stored; i++) {
        request_touched(rq, &keys.keys[i], "set");
        if (p->at_ms != CACHE_NO_EXPIRY)
            request_touched(rq, &keys.keys[i], "expire");
    }
    key_list_end(&keys);
    return status;
}

static void reply_pairs(struct request *rq, enum cache_status status, bool as_number)
{
    if (status == CACHE_MISS)
        return;
    if (status != CACHE_OK && status != CACHE_UNMET)
        reply_cache_error(rq, status);
    else if (as_number)
        resp_integer(rq->out, status == CACHE_OK);
    else
        resp_ok(rq->out);
}

static void mset_generic(struct request *rq, enum set_condition condition, bool as_number)
{
    if (rq->argc % 2 == 0) {
        reply_arity_error(rq);
        return;
    }
    struct pairs p = {
        .first = 1, .count = rq->argc / 2, .condition = condition, .at_ms = CACHE_NO_EXPIRY};
    reply_pairs(rq, store_pairs(rq, &p), as_number);
}

static void mset_command(struct request *rq)
{
    mset_generic(rq, SET_ALWAYS, false);
}

static void msetnx_command(struct request *rq)
{
    mset_generic(rq, SET_NX, true);
}

static void msetex_command(struct request *rq)
{
    int64_t numkeys;
    struct set_options o;
    if (!request_integer(rq, 1, &numkeys))
        return;
    if (numkeys <= 0 || numkeys > INT32_MAX) {
        resp_error(rq->out, "ERR invalid numkeys value");
        return;
    }
    if ((uint64_t)numkeys > (rq->argc - 2) / 2) {
        resp_error(rq->out, "ERR wrong number of key-value pairs");
        return;
    }
    struct pairs p = {.first = 2, .count = (size_t)numkeys, .at_ms = CACHE_NO_EXPIRY};
    if (!set_options_parse(rq, 2 + 2 * p.count, OPTIONS_OF_MSETEX, &o))
        return;
    if (o.expiry_arg != 0 && !expiry_argument(rq, o.expiry_arg, o.expiry, &p.at_ms))
        return;
    p.condition = o.condition;
    p.flags = o.expiry == EXPIRY_KEEP ? CACHE_SET_KEEPTTL : 0;
    reply_pairs(rq, store_pairs(rq, &p), true);
}

static int msetex_keys(size_t argc, const struct resp_arg *argv, int *pos, int max)
{
    return keys_after_count(argc, argv, 1, 2, pos, max);
}

#define DENY_WRITE (CMD_WRITE | CMD_DENYOOM)
#define PARTIAL                                                                                    \
    "When memory runs out on the way, the error is answered and the keys before stay stored."

const struct command commands_mset[] = {
    {.name = "mset",
     .fn = mset_command,
     .arity = -3,
     .flags = DENY_WRITE,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = -1,
     .key_step = 2,
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys to set.",
     .summary = "Atomically creates or modifies the string values of one or more keys.",
     .args = "key value [key value ...]",
     .differs = PARTIAL},
    {.name = "msetnx",
     .fn = msetnx_command,
     .arity = -3,
     .flags = DENY_WRITE,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = -1,
     .key_step = 2,
     .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys to set.",
     .summary = "Atomically modifies the string values of one or more keys only when all keys "
                "don't exist.",
     .args = "key value [key value ...]",
     .differs = PARTIAL},
    {.name = "msetex",
     .fn = msetex_command,
     .arity = -4,
     .flags = DENY_WRITE | CMD_MOVABLEKEYS,
     .group = GROUP_STRING,
     .keys = msetex_keys,
     .since = "8.4.0",
     .complexity = "O(N) where N is the number of keys to set.",
     .summary = "Atomically sets multiple string keys with a shared expiration.",
     .args = "numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | "
             "EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     .differs = PARTIAL},
    {.name = NULL},
};
