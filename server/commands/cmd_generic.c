/* Keys of any type: deleting, asking, renaming, copying. */
#include <string.h>

#include "internal.h"

static void del_command(struct request *rq)
{
    int64_t deleted = 0;
    for (size_t i = 1; i < rq->argc; i++) {
        struct cache_key key;
        if (!request_key(rq, i, &key))
            return;
        if (cache_delete(rq->cache, &key) == CACHE_OK) {
            request_touched(rq, &key, "del");
            deleted++;
        }
    }
    resp_integer(rq->out, deleted);
}

static void count_existing(struct request *rq, unsigned flags)
{
    int64_t found = 0;
    for (size_t i = 1; i < rq->argc; i++) {
        struct cache_key key;
        struct cache_view view;
        if (!request_key(rq, i, &key))
            return;
        if (cache_get(rq->cache, &key, flags, &view) == CACHE_OK) {
            cache_view_end(rq->cache, &view);
            found++;
        } else {
            request_missed(rq, &key);
        }
    }
    resp_integer(rq->out, found);
}

static void exists_command(struct request *rq)
{
    count_existing(rq, 0);
}

static void touch_command(struct request *rq)
{
    count_existing(rq, CACHE_GET_TOUCH);
}

static void type_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key))
        return;
    if (cache_get(rq->cache, &key, 0, &view) != CACHE_OK) {
        request_missed(rq, &key);
        resp_simple(rq->out, "none");
        return;
    }
    resp_simple(rq->out, view.type == CACHE_HASH ? "hash" : "string");
    cache_view_end(rq->cache, &view);
}

/* ---- from key to key ---- */

enum transfer_flags {
    TRANSFER_REPLACE = 1, /* the destination may exist */
    TRANSFER_MOVE = 2,    /* the source goes */
};

/* CACHE_MISS: no source. CACHE_EXISTS: a destination in the way. Both keys are locked. */
static enum cache_status transfer_locked(struct request *rq, const struct cache_key *from,
                                         const struct cache_key *to, unsigned flags)
{
    struct cache_view view, other;
    if (cache_get(rq->cache, from, 0, &view) != CACHE_OK)
        return CACHE_MISS;
    if (!(flags & TRANSFER_REPLACE) && cache_get(rq->cache, to, 0, &other) == CACHE_OK) {
        cache_view_end(rq->cache, &other);
        cache_view_end(rq->cache, &view);
        return CACHE_EXISTS;
    }
    enum cache_status status = copy_value(rq, &view, to, view.expire_ms);
    if (status == CACHE_OK && (flags & TRANSFER_MOVE))
        cache_delete(rq->cache, from);
    return status;
}

static enum cache_status transfer(struct request *rq, const struct cache_key *from,
                                  const struct cache_key *to, unsigned flags)
{
    struct cache_key both[2] = {*from, *to};
    enum cache_status status = cache_lock_keys(rq->cache, both, 2);
    if (status != CACHE_OK)
        return status;
    status = transfer_locked(rq, from, to, flags);
    cache_unlock_keys(rq->cache);
    return status;
}

static bool same_key(const struct cache_key *a, const struct cache_key *b)
{
    return a->db == b->db && a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

/* For RENAME onto itself: all that is asked is whether the key is there. */
static enum cache_status existence(struct request *rq, const struct cache_key *key)
{
    struct cache_view view;
    enum cache_status status = cache_get(rq->cache, key, 0, &view);
    if (status == CACHE_OK)
        cache_view_end(rq->cache, &view);
    return status;
}

/* CACHE_OK with *same = nothing had to be done. The error of a long key is replied; then false. */
static bool rename_generic(struct request *rq, unsigned flags, enum cache_status *status,
                           bool *same)
{
    struct cache_key from, to;
    if (!request_key(rq, 1, &from) || !request_key(rq, 2, &to))
        return false;
    *same = same_key(&from, &to);
    *status = *same ? existence(rq, &from) : transfer(rq, &from, &to, flags | TRANSFER_MOVE);
    if (*status == CACHE_MISS) {
        resp_error(rq->out, "ERR no such key");
        return false;
    }
    if (*status != CACHE_OK && *status != CACHE_EXISTS) {
        reply_cache_error(rq, *status);
        return false;
    }
    if (*status == CACHE_OK && !*same) {
        request_touched(rq, &from, "rename_from");
        request_touched(rq, &to, "rename_to");
    }
    return true;
}

static void rename_command(struct request *rq)
{
    enum cache_status status;
    bool same;
    if (rename_generic(rq, TRANSFER_REPLACE, &status, &same))
        resp_ok(rq->out);
}

static void renamenx_command(struct request *rq)
{
    enum cache_status status;
    bool same;
    if (rename_generic(rq, 0, &status, &same))
        resp_integer(rq->out, status == CACHE_OK && !same);
}

/* Replies 1 or 0, or the error. */
static void reply_transfer(struct request *rq, enum cache_status status)
{
    if (status == CACHE_OK || status == CACHE_MISS || status == CACHE_EXISTS)
        resp_integer(rq->out, status == CACHE_OK);
    else
        reply_cache_error(rq, status);
}

/* Reads a database number; replies the error and returns false. */
static bool database_argument(struct request *rq, size_t i, unsigned *db)
{
    int64_t n;
    if (!request_integer(rq, i, &n))
        return false;
    if (n < INT32_MIN || n > INT32_MAX) {
        resp_error(rq->out, "ERR value is out of range, value must between -2147483648 and "
                            "2147483647");
        return false;
    }
    if (n < 0 || n >= (int64_t)request_databases(rq)) {
        resp_error(rq->out, "ERR DB index is out of range");
        return false;
    }
    *db = (unsigned)n;
    return true;
}

static void copy_command(struct request *rq)
{
    struct cache_key from, to;
    unsigned flags = 0;
    if (!request_key(rq, 1, &from) || !request_key(rq, 2, &to))
        return;
    unsigned db = from.db;
    for (size_t i = 3; i < rq->argc; i++) {
        if (request_is(rq, i, "replace")) {
            flags |= TRANSFER_REPLACE;
        } else if (request_is(rq, i, "db") && i + 1 < rq->argc) {
            if (!database_argument(rq, ++i, &db))
                return;
        } else {
            reply_syntax_error(rq);
            return;
        }
    }
    cache_key_init(rq->cache, &to, db, to.ptr, to.len);
    if (same_key(&from, &to)) {
        resp_error(rq->out, "ERR source and destination objects are the same");
        return;
    }
    enum cache_status status = transfer(rq, &from, &to, flags);
    if (status == CACHE_OK)
        request_touched(rq, &to, "copy_to");
    reply_transfer(rq, status);
}

static void move_command(struct request *rq)
{
    struct cache_key from, to;
    unsigned db;
    if (!database_argument(rq, 2, &db) || !request_key(rq, 1, &from))
        return;
    if (db == from.db) {
        resp_error(rq->out, "ERR source and destination objects are the same");
        return;
    }
    cache_key_init(rq->cache, &to, db, from.ptr, from.len);
    enum cache_status status = transfer(rq, &from, &to, TRANSFER_MOVE);
    if (status == CACHE_OK) {
        request_touched(rq, &from, "move_from");
        request_touched(rq, &to, "move_to");
    }
    reply_transfer(rq, status);
}

#define GENERIC   .group = GROUP_GENERIC
#define KEY_1     .first_key = 1, .last_key = 1, .key_step = 1
#define KEYS_1_2  .first_key = 1, .last_key = 2, .key_step = 1
#define KEYS_ALL  .first_key = 1, .last_key = -1, .key_step = 1
#define READ_FAST (CMD_READONLY | CMD_FAST)

#define ONE_BY_ONE "The keys are deleted one by one: another client may see some of them gone."
#define COPIES     "The value is copied, in pieces of 16 KiB: O(N) where N is its length."

const struct command commands_generic[] = {
    {.name = "del",
     .fn = del_command,
     .arity = -2,
     .flags = CMD_WRITE,
     GENERIC,
     KEYS_ALL,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys that will be removed.",
     .summary = "Deletes one or more keys.",
     .args = "key [key ...]",
     .differs = ONE_BY_ONE},
    {.name = "unlink",
     .fn = del_command,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     GENERIC,
     KEYS_ALL,
     .since = "4.0.0",
     .complexity = "O(N) where N is the number of keys that will be removed.",
     .summary = "Asynchronously deletes one or more keys.",
     .args = "key [key ...]",
     .differs = ONE_BY_ONE},
    {.name = "exists",
     .fn = exists_command,
     .arity = -2,
     .flags = READ_FAST,
     GENERIC,
     KEYS_ALL,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys to check.",
     .summary = "Determines whether one or more keys exist.",
     .args = "key [key ...]"},
    {.name = "touch",
     .fn = touch_command,
     .arity = -2,
     .flags = READ_FAST,
     GENERIC,
     KEYS_ALL,
     .since = "3.2.1",
     .complexity = "O(N) where N is the number of keys that will be touched.",
     .summary = "Returns the number of existing keys out of those specified after updating the "
                "time they were last accessed.",
     .args = "key [key ...]"},
    {.name = "type",
     .fn = type_command,
     .arity = 2,
     .flags = READ_FAST,
     GENERIC,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Determines the type of value stored at a key.",
     .args = "key"},
    {.name = "rename",
     .fn = rename_command,
     .arity = 3,
     .flags = CMD_WRITE,
     GENERIC,
     KEYS_1_2,
     .since = "1.0.0",
     .complexity = "O(N) where N is the length of the value.",
     .summary = "Renames a key and overwrites the destination.",
     .args = "key newkey",
     .differs = COPIES},
    {.name = "renamenx",
     .fn = renamenx_command,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     GENERIC,
     KEYS_1_2,
     .since = "1.0.0",
     .complexity = "O(N) where N is the length of the value.",
     .summary = "Renames a key only when the target key name doesn't exist.",
     .args = "key newkey",
     .differs = COPIES},
    {.name = "copy",
     .fn = copy_command,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_OTHER_DB,
     GENERIC,
     KEYS_1_2,
     .since = "6.2.0",
     .complexity = "O(N) where N is the length of the value.",
     .summary = "Copies the value of a key to a new key.",
     .args = "source destination [DB destination-db] [REPLACE]"},
    {.name = "move",
     .fn = move_command,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST | CMD_OTHER_DB,
     GENERIC,
     KEY_1,
     .since = "1.0.0",
     .complexity = "O(N) where N is the length of the value.",
     .summary = "Moves a key to another database.",
     .args = "key db",
     .differs = COPIES},
    {.name = NULL},
};
