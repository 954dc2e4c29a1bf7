/* When keys expire. */
#include <stdio.h>

#include "internal.h"

/* ---- setting ---- */

enum expire_condition {
    WHEN_NX = 1, /* no expiry yet */
    WHEN_XX = 2, /* some expiry */
    WHEN_GT = 4, /* later than the current one; none counts as never */
    WHEN_LT = 8, /* earlier */
};

static void reply_unsupported(struct request *rq, size_t i)
{
    size_t len;
    const char *option = request_flat(rq, i, &len);
    if (option != NULL)
        resp_errorf(rq->out, "ERR Unsupported option %.*s", len < 128 ? (int)len : 128, option);
}

static bool parse_conditions(struct request *rq, unsigned *when)
{
    *when = 0;
    for (size_t i = 3; i < rq->argc; i++) {
        if (request_is(rq, i, "nx")) {
            *when |= WHEN_NX;
        } else if (request_is(rq, i, "xx")) {
            *when |= WHEN_XX;
        } else if (request_is(rq, i, "gt")) {
            *when |= WHEN_GT;
        } else if (request_is(rq, i, "lt")) {
            *when |= WHEN_LT;
        } else {
            reply_unsupported(rq, i);
            return false;
        }
    }
    if ((*when & WHEN_NX) && (*when & (WHEN_XX | WHEN_GT | WHEN_LT))) {
        resp_error(rq->out, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((*when & WHEN_GT) && (*when & WHEN_LT)) {
        resp_error(rq->out, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

static bool condition_holds(unsigned when, int64_t current_ms, int64_t at_ms)
{
    bool has = current_ms != CACHE_NO_EXPIRY;
    if ((when & WHEN_NX) && has)
        return false;
    if ((when & WHEN_XX) && !has)
        return false;
    if ((when & WHEN_GT) && (!has || at_ms <= current_ms))
        return false;
    return !((when & WHEN_LT) && has && at_ms >= current_ms);
}

/* Negative times are allowed (they delete), those that overflow are not. */
static bool time_argument(struct request *rq, bool seconds, bool relative, int64_t *at_ms)
{
    int64_t n;
    if (!request_integer(rq, 2, &n))
        return false;
    if ((seconds && __builtin_mul_overflow(n, 1000, &n)) ||
        (relative && __builtin_add_overflow(n, rq->now_ms, &n))) {
        reply_expire_time_error(rq);
        return false;
    }
    *at_ms = n;
    return true;
}

static void expire_generic(struct request *rq, bool seconds, bool relative)
{
    struct cache_key key;
    struct cache_update u;
    unsigned when;
    int64_t at_ms;
    if (!parse_conditions(rq, &when) || !time_argument(rq, seconds, relative, &at_ms) ||
        !request_key(rq, 1, &key))
        return;
    const char *event = NULL;
    enum cache_status status = CACHE_OK;
    cache_update_begin(rq->cache, &key, &u);
    if (u.found && condition_holds(when, u.view.expire_ms, at_ms)) {
        if (at_ms <= rq->now_ms) {
            cache_update_delete(rq->cache, &u);
            event = "del";
        } else {
            status = cache_update_expire(rq->cache, &u, at_ms);
            event = "expire";
        }
    }
    cache_update_end(rq->cache, &u);
    if (status != CACHE_OK) {
        reply_cache_error(rq, status);
        return;
    }
    if (event != NULL)
        request_touched(rq, &key, event);
    resp_integer(rq->out, event != NULL);
}

static void expire_command(struct request *rq)
{
    expire_generic(rq, true, true);
}

static void pexpire_command(struct request *rq)
{
    expire_generic(rq, false, true);
}

static void expireat_command(struct request *rq)
{
    expire_generic(rq, true, false);
}

static void pexpireat_command(struct request *rq)
{
    expire_generic(rq, false, false);
}

static void persist_command(struct request *rq)
{
    struct cache_key key;
    struct cache_update u;
    if (!request_key(rq, 1, &key))
        return;
    enum cache_status status = CACHE_UNMET;
    cache_update_begin(rq->cache, &key, &u);
    if (u.found && u.view.expire_ms != CACHE_NO_EXPIRY)
        status = cache_update_expire(rq->cache, &u, CACHE_NO_EXPIRY);
    cache_update_end(rq->cache, &u);
    if (status != CACHE_OK && status != CACHE_UNMET) {
        reply_cache_error(rq, status);
        return;
    }
    if (status == CACHE_OK)
        request_touched(rq, &key, "persist");
    resp_integer(rq->out, status == CACHE_OK);
}

/* ---- asking ---- */

/* Replies -2 and -1 as they are, and what fn makes of the expiry. */
static void reply_expiry(struct request *rq, int64_t (*fn)(int64_t at_ms, int64_t now_ms))
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key))
        return;
    int64_t n = -2;
    if (cache_get(rq->cache, &key, 0, &view) == CACHE_OK) {
        n = view.expire_ms == CACHE_NO_EXPIRY ? -1 : fn(view.expire_ms, rq->now_ms);
        cache_view_end(rq->cache, &view);
    } else {
        request_missed(rq, &key);
    }
    resp_integer(rq->out, n);
}

static int64_t rounded_seconds(int64_t ms)
{
    return (ms + 500) / 1000;
}

static int64_t left_ms(int64_t at_ms, int64_t now_ms)
{
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

static int64_t left_seconds(int64_t at_ms, int64_t now_ms)
{
    return rounded_seconds(left_ms(at_ms, now_ms));
}

static int64_t instant_ms(int64_t at_ms, int64_t now_ms)
{
    (void)now_ms;
    return at_ms;
}

static int64_t instant_seconds(int64_t at_ms, int64_t now_ms)
{
    (void)now_ms;
    return rounded_seconds(at_ms);
}

static void ttl_command(struct request *rq)
{
    reply_expiry(rq, left_seconds);
}

static void pttl_command(struct request *rq)
{
    reply_expiry(rq, left_ms);
}

static void expiretime_command(struct request *rq)
{
    reply_expiry(rq, instant_seconds);
}

static void pexpiretime_command(struct request *rq)
{
    reply_expiry(rq, instant_ms);
}

#define KEY_1                                                                                      \
    .group = GROUP_GENERIC, .first_key = 1, .last_key = 1, .key_step = 1, .complexity = "O(1)"
#define SETS CMD_WRITE | CMD_FAST
#define ASKS CMD_READONLY | CMD_FAST

const struct command commands_expire[] = {
    {.name = "expire",
     .fn = expire_command,
     .arity = -3,
     .flags = SETS,
     KEY_1,
     .since = "1.0.0",
     .summary = "Sets the expiration time of a key in seconds.",
     .args = "key seconds [NX | XX | GT | LT]"},
    {.name = "pexpire",
     .fn = pexpire_command,
     .arity = -3,
     .flags = SETS,
     KEY_1,
     .since = "2.6.0",
     .summary = "Sets the expiration time of a key in milliseconds.",
     .args = "key milliseconds [NX | XX | GT | LT]"},
    {.name = "expireat",
     .fn = expireat_command,
     .arity = -3,
     .flags = SETS,
     KEY_1,
     .since = "1.2.0",
     .summary = "Sets the expiration time of a key to a Unix timestamp.",
     .args = "key unix-time-seconds [NX | XX | GT | LT]"},
    {.name = "pexpireat",
     .fn = pexpireat_command,
     .arity = -3,
     .flags = SETS,
     KEY_1,
     .since = "2.6.0",
     .summary = "Sets the expiration time of a key to a Unix milliseconds timestamp.",
     .args = "key unix-time-milliseconds [NX | XX | GT | LT]"},
    {.name = "persist",
     .fn = persist_command,
     .arity = 2,
     .flags = SETS,
     KEY_1,
     .since = "2.2.0",
     .summary = "Removes the expiration time of a key.",
     .args = "key"},
    {.name = "ttl",
     .fn = ttl_command,
     .arity = 2,
     .flags = ASKS,
     KEY_1,
     .since = "1.0.0",
     .summary = "Returns the expiration time in seconds of a key.",
     .args = "key"},
    {.name = "pttl",
     .fn = pttl_command,
     .arity = 2,
     .flags = ASKS,
     KEY_1,
     .since = "2.6.0",
     .summary = "Returns the expiration time in milliseconds of a key.",
     .args = "key"},
    {.name = "expiretime",
     .fn = expiretime_command,
     .arity = 2,
     .flags = ASKS,
     KEY_1,
     .since = "7.0.0",
     .summary = "Returns the expiration time of a key as a Unix timestamp.",
     .args = "key"},
    {.name = "pexpiretime",
     .fn = pexpiretime_command,
     .arity = 2,
     .flags = ASKS,
     KEY_1,
     .since = "7.0.0",
     .summary = "Returns the expiration time of a key as a Unix milliseconds timestamp.",
     .args = "key"},
    {.name = NULL},
};
