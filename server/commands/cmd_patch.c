/* Strings: changing a part of one value. The cache touches only the segments needed. */
#include "internal.h"

/* Writes argument `value` at `off`, or behind the end when off is SIZE_MAX. The key is in `u`, and
 * is a string or absent. */
static enum cache_status patch(struct request *rq, struct cache_update *u, size_t off, size_t value,
                               size_t *new_len)
{
    size_t len = rq->argv[value].len;
    if (off == SIZE_MAX)
        off = u->found ? u->view.raw_len : 0;
    if (off > CACHE_MAX_VALUE || len > CACHE_MAX_VALUE - off)
        return CACHE_TOOBIG;
    struct argument_reader reader;
    struct cache_source source = source_argument(rq, value, &reader);
    return cache_update_patch(rq->cache, u, off, &source, new_len);
}

/* One try. A damaged value is gone afterwards. */
static enum cache_status try_patch(struct request *rq, const struct cache_key *key, size_t off,
                                   size_t value, size_t *new_len, bool *wrong_type)
{
    struct cache_update u;
    enum cache_status status = CACHE_OK;
    cache_update_begin(rq->cache, key, &u);
    *wrong_type = u.found && u.view.type != CACHE_STRING;
    *new_len = u.found ? u.view.raw_len : 0;
    /* SETRANGE of nothing changes nothing, and does not even make the key. */
    if (!*wrong_type && (off == SIZE_MAX || rq->argv[value].len > 0))
        status = patch(rq, &u, off, value, new_len);
    cache_update_end(rq->cache, &u);
    return status;
}

static void patch_command(struct request *rq, size_t off, size_t value, const char *event)
{
    struct cache_key key;
    size_t new_len;
    bool wrong_type;
    bool nothing = off != SIZE_MAX && rq->argv[value].len == 0;
    if (!request_key(rq, 1, &key))
        return;
    enum cache_status status = try_patch(rq, &key, off, value, &new_len, &wrong_type);
    /* As if it had been absent; what came in chunks is there only once. */
    if (status == CACHE_DAMAGED && rq->argv[value].ptr != NULL)
        status = try_patch(rq, &key, off, value, &new_len, &wrong_type);
    if (wrong_type) {
        reply_wrong_type(rq);
    } else if (status != CACHE_OK) {
        reply_cache_error(rq, status);
    } else {
        if (!nothing)
            request_touched(rq, &key, event);
        resp_integer(rq->out, (int64_t)new_len);
    }
}

static void append_command(struct request *rq)
{
    patch_command(rq, SIZE_MAX, 2, "append");
}

static void setrange_command(struct request *rq)
{
    int64_t off;
    if (!request_integer(rq, 2, &off))
        return;
    if (off < 0)
        resp_error(rq->out, "ERR offset is out of range");
    else
        patch_command(rq, (size_t)off, 3, "setrange");
}

const struct command commands_patch[] = {
    {.name = "append",
     .fn = append_command,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .since = "2.0.0",
     .complexity = "O(1) amortized in the length of the value appended: a long value is changed "
                   "in its last segment only.",
     .summary = "Appends a string to the value of a key. Creates the key if it doesn't exist.",
     .args = "key value"},
    {.name = "setrange",
     .fn = setrange_command,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .since = "2.2.0",
     .complexity = "O(N) where N is the length of the value written, and of the gap before it.",
     .summary = "Overwrites a part of a string value with another by an offset. Creates the key if "
                "it doesn't exist.",
     .args = "key offset value"},
    {.name = NULL},
};
