/* Strings: SET and its relatives, which store one value under one key; and conditional deletion. */
#include "internal.h"

/* What a SET found and did. */
struct set_result {
    bool had; /* view holds the old string, pinned */
    struct cache_view old;
    enum cache_status status; /* CACHE_UNMET: the condition does not hold, nothing changed */
    bool replied;
};

static void touched_by_set(struct request *rq, const struct cache_key *key, bool expires)
{
    request_touched(rq, key, "set");
    if (expires)
        request_touched(rq, key, "expire");
}

/* Stores argument `value`; the reply is left to the caller. */
static enum cache_status store_argument(struct request *rq, const struct cache_key *key,
                                        size_t value, int64_t at_ms, unsigned flags)
{
    struct argument_reader reader;
    struct cache_source source = source_argument(rq, value, &reader);
    return cache_set(rq->cache, key, CACHE_STRING, &source, at_ms, flags);
}

static void set_plain(struct request *rq, const struct cache_key *key)
{
    enum cache_status status = store_argument(rq, key, 2, CACHE_NO_EXPIRY, 0);
    if (status != CACHE_OK) {
        reply_cache_error(rq, status);
        return;
    }
    request_touched(rq, key, "set");
    resp_ok(rq->out);
}

/* SET without GET and without comparing: the cache checks NX and XX itself. */
static void set_simple(struct request *rq, const struct cache_key *key, const struct set_options *o,
                       int64_t at_ms)
{
    unsigned flags = (o->condition == SET_NX ? CACHE_SET_NX : 0u) |
                     (o->condition == SET_XX ? CACHE_SET_XX : 0u) |
                     (o->expiry == EXPIRY_KEEP ? CACHE_SET_KEEPTTL : 0u);
    enum cache_status status = store_argument(rq, key, 2, at_ms, flags);
    if (status == CACHE_OK) {
        touched_by_set(rq, key, at_ms != CACHE_NO_EXPIRY);
        resp_ok(rq->out);
    } else if (status == CACHE_EXISTS || status == CACHE_MISS) {
        resp_null(rq->out);
    } else {
        reply_cache_error(rq, status);
    }
}

static enum set_verdict condition_of(struct request *rq, const struct set_options *o,
                                     struct set_result *r)
{
    switch (o->condition) {
    case SET_ALWAYS:
        return VERDICT_YES;
    case SET_NX:
        return r->had ? VERDICT_NO : VERDICT_YES;
    case SET_XX:
        return r->had ? VERDICT_YES : VERDICT_NO;
    case SET_IFEQ:
    case SET_IFDEQ:
        return r->had ? set_condition_holds(rq, o->condition, o->operand, &r->old) : VERDICT_NO;
    case SET_IFNE:
    case SET_IFDNE:
        return r->had ? set_condition_holds(rq, o->condition, o->operand, &r->old) : VERDICT_YES;
    }
    return VERDICT_NO;
}

/* The key is locked from looking at the old value to storing the new one. */
static void set_locked(struct request *rq, const struct cache_key *key, const struct set_options *o,
                       int64_t at_ms, struct set_result *r)
{
    enum lookup found = lookup_type(rq, key, CACHE_STRING, o->get ? request_touch(rq) : 0, &r->old);
    r->had = found == LOOKUP_FOUND;
    r->replied = found == LOOKUP_REPLIED;
    if (r->replied)
        return;
    switch (condition_of(rq, o, r)) {
    case VERDICT_YES:
        r->status =
            store_argument(rq, key, 2, at_ms, o->expiry == EXPIRY_KEEP ? CACHE_SET_KEEPTTL : 0);
        break;
    case VERDICT_NO:
        r->status = CACHE_UNMET;
        break;
    case VERDICT_REPLIED:
        r->replied = true;
        break;
    }
}

static void set_reading(struct request *rq, const struct cache_key *key,
                        const struct set_options *o, int64_t at_ms)
{
    struct set_result r = {.status = CACHE_OK};
    if (!lock_key(rq, key))
        return;
    set_locked(rq, key, o, at_ms, &r);
    cache_unlock_keys(rq->cache);
    bool show_old = false;
    if (r.replied) {
        /* nothing to add */
    } else if (r.status != CACHE_OK && r.status != CACHE_UNMET) {
        reply_cache_error(rq, r.status);
    } else {
        if (r.status == CACHE_OK)
            touched_by_set(rq, key, at_ms != CACHE_NO_EXPIRY);
        show_old = o->get && r.had;
        if (show_old)
            reply_view(rq, &r.old);
        else if (o->get || r.status == CACHE_UNMET)
            resp_null(rq->out);
        else
            resp_ok(rq->out);
    }
    if (r.had && !show_old)
        cache_view_end(rq->cache, &r.old);
}

static void set_command(struct request *rq)
{
    struct cache_key key;
    struct set_options o;
    int64_t at_ms = CACHE_NO_EXPIRY;
    if (rq->argc == 3) {
        if (request_key(rq, 1, &key))
            set_plain(rq, &key);
        return;
    }
    if (!set_options_parse(rq, 3, OPTIONS_OF_SET, &o))
        return;
    if (o.expiry_arg != 0 && !expiry_argument(rq, o.expiry_arg, o.expiry, &at_ms))
        return;
    if (!request_key(rq, 1, &key))
        return;
    if (o.get || o.condition > SET_XX)
        set_reading(rq, &key, &o, at_ms);
    else
        set_simple(rq, &key, &o, at_ms);
}

static void getset_command(struct request *rq)
{
    struct cache_key key;
    struct set_options o = {.condition = SET_ALWAYS, .get = true, .expiry = EXPIRY_NONE};
    if (request_key(rq, 1, &key))
        set_reading(rq, &key, &o, CACHE_NO_EXPIRY);
}

static void setnx_command(struct request *rq)
{
    struct cache_key key;
    if (!request_key(rq, 1, &key))
        return;
    enum cache_status status = store_argument(rq, &key, 2, CACHE_NO_EXPIRY, CACHE_SET_NX);
    if (status != CACHE_OK && status != CACHE_EXISTS) {
        reply_cache_error(rq, status);
        return;
    }
    if (status == CACHE_OK)
        request_touched(rq, &key, "set");
    resp_integer(rq->out, status == CACHE_OK);
}

static void set_expiring(struct request *rq, enum expiry_unit unit)
{
    struct cache_key key;
    int64_t at_ms;
    if (!expiry_argument(rq, 2, unit, &at_ms) || !request_key(rq, 1, &key))
        return;
    enum cache_status status = store_argument(rq, &key, 3, at_ms, 0);
    if (status != CACHE_OK) {
        reply_cache_error(rq, status);
        return;
    }
    touched_by_set(rq, &key, true);
    resp_ok(rq->out);
}

static void setex_command(struct request *rq)
{
    set_expiring(rq, EXPIRY_EX);
}

static void psetex_command(struct request *rq)
{
    set_expiring(rq, EXPIRY_PX);
}

/* ---- deleting when the value is the expected one ---- */

static void delete_if(struct request *rq, enum set_condition condition, size_t operand)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key) || !lock_key(rq, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, 0, &view);
    enum set_verdict verdict = VERDICT_NO;
    if (found == LOOKUP_FOUND) {
        verdict = set_condition_holds(rq, condition, operand, &view);
        cache_view_end(rq->cache, &view);
    }
    if (verdict == VERDICT_YES)
        cache_delete(rq->cache, &key);
    cache_unlock_keys(rq->cache);
    if (found == LOOKUP_REPLIED || verdict == VERDICT_REPLIED)
        return;
    if (verdict == VERDICT_YES)
        request_touched(rq, &key, "del");
    resp_integer(rq->out, verdict == VERDICT_YES);
}

static void delifeq_command(struct request *rq)
{
    delete_if(rq, SET_IFEQ, 2);
}

static void delex_command(struct request *rq)
{
    struct cache_key key;
    enum set_condition condition;
    uint64_t digest;
    if (rq->argc == 2) {
        if (!request_key(rq, 1, &key))
            return;
        bool deleted = cache_delete(rq->cache, &key) == CACHE_OK;
        if (deleted)
            request_touched(rq, &key, "del");
        resp_integer(rq->out, deleted);
    } else if (rq->argc != 4 || !set_condition_compares(rq, 2, &condition)) {
        reply_syntax_error(rq);
    } else if (condition < SET_IFDEQ || set_digest_argument(rq, 3, &digest)) {
        delete_if(rq, condition, 3);
    }
}

#define DENY_WRITE (CMD_WRITE | CMD_DENYOOM)
#define KEY_1      .first_key = 1, .last_key = 1, .key_step = 1
#define STRING     .group = GROUP_STRING

const struct command commands_set[] = {
    {.name = "set",
     .fn = set_command,
     .arity = -3,
     .flags = DENY_WRITE,
     STRING,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Sets the string value of a key, ignoring its type. The key is created if it "
                "doesn't exist.",
     .args = "key value [NX | XX | IFEQ match-value | IFNE match-value | IFDEQ match-digest | "
             "IFDNE match-digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
             "PXAT unix-time-milliseconds | KEEPTTL]",
     .differs = "IFEQ, IFNE, IFDEQ and IFDNE are those of Redis 8.4."},
    {.name = "setnx",
     .fn = setnx_command,
     .arity = 3,
     .flags = DENY_WRITE | CMD_FAST,
     STRING,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Set the string value of a key only when the key doesn't exist.",
     .args = "key value"},
    {.name = "setex",
     .fn = setex_command,
     .arity = 4,
     .flags = DENY_WRITE,
     STRING,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Sets the string value and expiration time of a key. Creates the key if it doesn't "
                "exist.",
     .args = "key seconds value"},
    {.name = "psetex",
     .fn = psetex_command,
     .arity = 4,
     .flags = DENY_WRITE,
     STRING,
     KEY_1,
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Sets both string value and expiration time in milliseconds of a key. The key is "
                "created if it doesn't exist.",
     .args = "key milliseconds value"},
    {.name = "getset",
     .fn = getset_command,
     .arity = 3,
     .flags = DENY_WRITE | CMD_FAST,
     STRING,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the previous string value of a key after setting it to a new value.",
     .args = "key value"},
    {.name = "delex",
     .fn = delex_command,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     STRING,
     KEY_1,
     .since = "8.4.0",
     .complexity = "O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE where N is the length of the "
                   "string value.",
     .summary = "Conditionally removes the specified key based on value or hash digest comparison.",
     .args = "key [IFEQ match-value | IFNE match-value | IFDEQ match-digest | IFDNE match-digest]"},
    {.name = "delifeq",
     .fn = delifeq_command,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     STRING,
     KEY_1,
     .since = "Valkey 9.0.0",
     .complexity = "O(1)",
     .summary = "Deletes a key if its string value is the given one.",
     .args = "key value"},
    {.name = NULL},
};
