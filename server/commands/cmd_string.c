/* Strings: reading them, and reading with a small change of the key. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

/* Keys at hand at a time, so that the waits for their memory overlap. */
#define PREFETCH 32

static void get_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key))
        return;
    switch (lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view)) {
    case LOOKUP_FOUND:
        reply_view(rq, &view);
        return;
    case LOOKUP_MISSING:
        resp_null(rq->out);
        return;
    case LOOKUP_REPLIED:
        return;
    }
}

static void get_or_null(struct request *rq, const struct cache_key *key)
{
    struct cache_view view;
    if (cache_get(rq->cache, key, request_touch(rq), &view) != CACHE_OK) {
        request_missed(rq, key);
        resp_null(rq->out);
    } else if (view.type != CACHE_STRING) {
        cache_view_end(rq->cache, &view);
        resp_null(rq->out);
    } else {
        reply_view(rq, &view);
    }
}

/* Before the reply begins: keys that came in chunks are made flat, which may fail, and all others
 * are as long as they may be. */
static bool keys_fit(struct request *rq)
{
    struct cache_key key;
    for (size_t i = 1; i < rq->argc; i++) {
        const struct resp_arg *arg = &rq->argv[i];
        if ((arg->ptr == NULL || arg->len > CACHE_MAX_KEY) && !request_key(rq, i, &key))
            return false;
    }
    return true;
}

static void mget_command(struct request *rq)
{
    if (!keys_fit(rq))
        return;
    resp_array(rq->out, rq->argc - 1);
    struct cache_key keys[PREFETCH];
    struct cache_wanted wanted[PREFETCH];
    for (size_t first = 1; first < rq->argc; first += PREFETCH) {
        size_t n = rq->argc - first < PREFETCH ? rq->argc - first : PREFETCH;
        for (size_t i = 0; i < n; i++) {
            (void)request_key(rq, first + i, &keys[i]); /* it fits */
            cache_prefetch_shard(rq->cache, &keys[i]);
            wanted[i] = (struct cache_wanted){&keys[i], true};
        }
        cache_prefetch(rq->cache, wanted, n);
        for (size_t i = 0; i < n; i++)
            get_or_null(rq, &keys[i]);
    }
}

static void strlen_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_REPLIED)
        return;
    size_t len = found == LOOKUP_FOUND ? view.raw_len : 0;
    if (found == LOOKUP_FOUND)
        cache_view_end(rq->cache, &view);
    resp_integer(rq->out, (int64_t)len);
}

/* The range [start, end] of a string of len bytes, negative positions counted from its end. False
 * when it is empty. */
static bool clip_range(int64_t start, int64_t end, size_t len, size_t *off, size_t *count)
{
    int64_t length = (int64_t)len;
    if (start < 0 && end < 0 && start > end)
        return false;
    if (start < 0)
        start = start + length < 0 ? 0 : start + length;
    if (end < 0)
        end = end + length < 0 ? 0 : end + length;
    if (end >= length)
        end = length - 1;
    if (start > end || length == 0)
        return false;
    *off = (size_t)start;
    *count = (size_t)(end - start) + 1;
    return true;
}

static void getrange_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    int64_t start, end;
    size_t off, len;
    if (!request_integer(rq, 2, &start) || !request_integer(rq, 3, &end) ||
        !request_key(rq, 1, &key))
        return;
    switch (lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view)) {
    case LOOKUP_REPLIED:
        return;
    case LOOKUP_MISSING:
        resp_bulk(rq->out, "", 0);
        return;
    case LOOKUP_FOUND:
        break;
    }
    if (!clip_range(start, end, view.raw_len, &off, &len)) {
        cache_view_end(rq->cache, &view);
        resp_bulk(rq->out, "", 0);
    } else {
        reply_view_part(rq, &view, off, len);
    }
}

static void getdel_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key) || !lock_key(rq, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_FOUND)
        cache_delete(rq->cache, &key);
    cache_unlock_keys(rq->cache);
    if (found == LOOKUP_MISSING)
        resp_null(rq->out);
    if (found != LOOKUP_FOUND)
        return;
    request_touched(rq, &key, "del");
    reply_view(rq, &view);
}

/* Gives the key of an existing item its new expiry. Returns the event for it, NULL when nothing
 * changed or (with *status) failed. The key is locked. */
static const char *getex_apply(struct request *rq, const struct cache_key *key,
                               enum expiry_unit unit, int64_t at_ms, int64_t old_ms,
                               enum cache_status *status)
{
    *status = CACHE_OK;
    if (unit == EXPIRY_PERSIST && old_ms == CACHE_NO_EXPIRY)
        return NULL;
    if (unit != EXPIRY_PERSIST && at_ms <= rq->now_ms) {
        cache_delete(rq->cache, key);
        return "del";
    }
    struct cache_update u;
    cache_update_begin(rq->cache, key, &u);
    *status = cache_update_expire(rq->cache, &u, unit == EXPIRY_PERSIST ? CACHE_NO_EXPIRY : at_ms);
    cache_update_end(rq->cache, &u);
    if (*status != CACHE_OK)
        return NULL;
    return unit == EXPIRY_PERSIST ? "persist" : "expire";
}

static void getex_command(struct request *rq)
{
    struct set_options o;
    struct cache_key key;
    struct cache_view view;
    if (!set_options_parse(rq, 2, OPTIONS_OF_GETEX, &o))
        return;
    if (o.expiry == EXPIRY_NONE) {
        get_command(rq);
        return;
    }
    if (!request_key(rq, 1, &key) || !lock_key(rq, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    int64_t at_ms = CACHE_NO_EXPIRY;
    if (found == LOOKUP_FOUND && o.expiry != EXPIRY_PERSIST &&
        !expiry_argument(rq, o.expiry_arg, o.expiry, &at_ms)) {
        cache_view_end(rq->cache, &view);
        found = LOOKUP_REPLIED;
    }
    const char *event = NULL;
    enum cache_status status = CACHE_OK;
    if (found == LOOKUP_FOUND)
        event = getex_apply(rq, &key, o.expiry, at_ms, view.expire_ms, &status);
    cache_unlock_keys(rq->cache);
    if (event != NULL)
        request_touched(rq, &key, event);
    if (found == LOOKUP_MISSING) {
        resp_null(rq->out);
    } else if (status != CACHE_OK) {
        cache_view_end(rq->cache, &view);
        reply_cache_error(rq, status);
    } else if (found == LOOKUP_FOUND) {
        reply_view(rq, &view);
    }
}

static void digest_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    uint64_t digest;
    char hex[17];
    if (!request_key(rq, 1, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_REPLIED)
        return;
    bool ok = found == LOOKUP_FOUND && view_digest(rq, &view, &digest);
    if (found == LOOKUP_FOUND)
        cache_view_end(rq->cache, &view);
    if (!ok) {
        resp_null(rq->out);
        return;
    }
    snprintf(hex, sizeof hex, "%016" PRIx64, digest);
    resp_bulk(rq->out, hex, 16);
}

#define READ_FAST  (CMD_READONLY | CMD_FAST)
#define WRITE_FAST (CMD_WRITE | CMD_FAST)
#define KEY_1      .first_key = 1, .last_key = 1, .key_step = 1
#define STRING     .group = GROUP_STRING

const struct command commands_string[] = {
    {.name = "get",
     .fn = get_command,
     .arity = 2,
     .flags = READ_FAST,
     STRING,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the string value of a key.",
     .args = "key"},
    {.name = "mget",
     .fn = mget_command,
     .arity = -2,
     .flags = READ_FAST,
     STRING,
     .first_key = 1,
     .last_key = -1,
     .key_step = 1,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys to retrieve.",
     .summary = "Atomically returns the string values of one or more keys.",
     .args = "key [key ...]",
     .differs = "Each value is read by itself: an MSET of another client may fall between two of "
                "them. Inside MULTI or a script nothing can."},
    {.name = "strlen",
     .fn = strlen_command,
     .arity = 2,
     .flags = READ_FAST,
     STRING,
     KEY_1,
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Returns the length of a string value.",
     .args = "key"},
    {.name = "getrange",
     .fn = getrange_command,
     .arity = 4,
     .flags = CMD_READONLY,
     STRING,
     KEY_1,
     .since = "2.4.0",
     .complexity = "O(N) where N is the length of the returned string.",
     .summary = "Returns a substring of the string stored at a key.",
     .args = "key start end"},
    {.name = "substr",
     .fn = getrange_command,
     .arity = 4,
     .flags = CMD_READONLY,
     STRING,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(N) where N is the length of the returned string.",
     .summary = "Returns a substring from a string value.",
     .args = "key start end"},
    {.name = "getdel",
     .fn = getdel_command,
     .arity = 2,
     .flags = WRITE_FAST,
     STRING,
     KEY_1,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string value of a key after deleting the key.",
     .args = "key"},
    {.name = "getex",
     .fn = getex_command,
     .arity = -2,
     .flags = WRITE_FAST,
     STRING,
     KEY_1,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string value of a key after setting its expiration time.",
     .args = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
             "PXAT unix-time-milliseconds | PERSIST]"},
    {.name = "digest",
     .fn = digest_command,
     .arity = 2,
     .flags = READ_FAST,
     STRING,
     KEY_1,
     .since = "8.4.0",
     .complexity = "O(N) where N is the length of the string value.",
     .summary = "Returns the XXH3 hash of a string value as 16 hexadecimal digits.",
     .args = "key"},
    {.name = NULL},
};
