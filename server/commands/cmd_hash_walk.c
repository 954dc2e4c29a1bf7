/* Small hashes: everything that shows many fields at once. */
#include <stdlib.h>
#include <string.h>

#include "hash_access.h"

enum parts { FIELDS = 1, VALUES = 2 };

static void reply_entry(struct request *rq, const struct hash_entry *entry, unsigned parts)
{
    if (parts & FIELDS)
        resp_bulk(rq->out, entry->field, entry->field_len);
    if (parts & VALUES)
        resp_bulk(rq->out, entry->value, entry->value_len);
}

/* hash_load(), and how many fields there are. */
static enum lookup load_counted(struct request *rq, struct hash_blob *h, uint32_t *count)
{
    struct hash_reader r;
    enum lookup found = hash_load(rq, 1, h);
    *count = found == LOOKUP_FOUND ? hash_open(&r, h->bytes, h->len) : 0;
    return found;
}

static void reply_all(struct request *rq, unsigned parts)
{
    struct hash_blob h;
    struct hash_reader r;
    struct hash_entry entry;
    uint32_t count = 0;
    enum lookup found = load_counted(rq, &h, &count);
    if (found == LOOKUP_REPLIED)
        return;
    if (parts == (FIELDS | VALUES))
        resp_map(rq->out, count);
    else
        resp_array(rq->out, count);
    if (found == LOOKUP_MISSING)
        return;
    hash_open(&r, h.bytes, h.len);
    while (hash_next(&r, &entry))
        reply_entry(rq, &entry, parts);
    hash_unload(&h);
}

static void hgetall_command(struct request *rq)
{
    reply_all(rq, FIELDS | VALUES);
}

static void hkeys_command(struct request *rq)
{
    reply_all(rq, FIELDS);
}

static void hvals_command(struct request *rq)
{
    reply_all(rq, VALUES);
}

static void hlen_command(struct request *rq)
{
    struct hash_blob h;
    uint32_t count = 0;
    enum lookup found = load_counted(rq, &h, &count);
    if (found == LOOKUP_REPLIED)
        return;
    resp_integer(rq->out, found == LOOKUP_FOUND ? (int64_t)count : 0);
    if (found == LOOKUP_FOUND)
        hash_unload(&h);
}

/* ---- HRANDFIELD ---- */

static void reply_random_entry(struct request *rq, const struct hash_entry *entry, bool values)
{
    if (values && resp_is3(rq->out))
        resp_array(rq->out, 2);
    reply_entry(rq, entry, values ? FIELDS | VALUES : FIELDS);
}

static void random_header(struct request *rq, size_t n, bool values)
{
    resp_array(rq->out, values && !resp_is3(rq->out) ? 2 * n : n);
}

/* n different fields: goes once through the hash, taking each with the chance that is left. */
static void random_distinct(struct request *rq, const struct hash_blob *h, uint32_t count,
                            uint64_t n, bool values)
{
    struct hash_reader r;
    struct hash_entry entry;
    uint32_t left = count, wanted = n < count ? (uint32_t)n : count;
    random_header(rq, wanted, values);
    hash_open(&r, h->bytes, h->len);
    while (wanted > 0 && hash_next(&r, &entry)) {
        if (arc4random_uniform(left--) < wanted) {
            reply_random_entry(rq, &entry, values);
            wanted--;
        }
    }
}

/* n fields, any of them again and again. */
static void random_repeated(struct request *rq, const struct hash_blob *h, uint32_t count,
                            uint64_t n, bool values)
{
    struct hash_edit e;
    if (hash_edit_begin(&e, h->bytes, h->len, 0) != HASH_OK) {
        reply_oom(rq);
    } else {
        random_header(rq, n, values);
        for (uint64_t i = 0; i < n && reply_goes_on(rq); i++)
            reply_random_entry(rq, &e.entries[arc4random_uniform(count)], values);
    }
    hash_edit_end(&e);
}

static bool random_arguments(struct request *rq, int64_t *count, bool *values)
{
    *values = rq->argc == 4;
    if (*count == INT64_MIN) {
        resp_error(rq->out,
                   "ERR value is out of range, value must between -9223372036854775807 and "
                   "9223372036854775807");
        return false;
    }
    if (rq->argc > 4 || (*values && !request_is(rq, 3, "withvalues"))) {
        reply_syntax_error(rq);
        return false;
    }
    if (*values && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        resp_error(rq->out, "ERR value is out of range");
        return false;
    }
    return true;
}

/* More fields in one reply than this are refused: nobody means it, and the output would be without
 * bound. */
#define RANDOM_MAX 1048576

static void hrandfield_command(struct request *rq)
{
    struct hash_blob h;
    struct hash_reader r;
    struct hash_entry entry;
    int64_t n = 1;
    uint32_t count = 0;
    bool values = false;
    if (rq->argc > 2 && (!request_integer(rq, 2, &n) || !random_arguments(rq, &n, &values)))
        return;
    enum lookup found = load_counted(rq, &h, &count);
    if (found == LOOKUP_REPLIED)
        return;
    if (found == LOOKUP_MISSING) {
        if (rq->argc == 2)
            resp_null(rq->out);
        else
            resp_array(rq->out, 0);
        return;
    }
    if (rq->argc == 2) {
        uint32_t skip = arc4random_uniform(count);
        hash_open(&r, h.bytes, h.len);
        while (hash_next(&r, &entry) && skip > 0)
            skip--;
        resp_bulk(rq->out, entry.field, entry.field_len);
    } else if (n >= 0) {
        random_distinct(rq, &h, count, (uint64_t)n, values);
    } else if (n < -RANDOM_MAX) {
        resp_error(rq->out, "ERR value is out of range");
    } else {
        random_repeated(rq, &h, count, (uint64_t)-n, values);
    }
    hash_unload(&h);
}

#define KEY_1 .group = GROUP_HASH, .first_key = 1, .last_key = 1, .key_step = 1

const struct command commands_hash_walk[] = {
    {.name = "hgetall",
     .fn = hgetall_command,
     .arity = 2,
     .flags = CMD_READONLY,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns all fields and values in a hash.",
     .args = "key"},
    {.name = "hkeys",
     .fn = hkeys_command,
     .arity = 2,
     .flags = CMD_READONLY,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns all fields in a hash.",
     .args = "key"},
    {.name = "hvals",
     .fn = hvals_command,
     .arity = 2,
     .flags = CMD_READONLY,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns all values in a hash.",
     .args = "key"},
    {.name = "hlen",
     .fn = hlen_command,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns the number of fields in a hash.",
     .args = "key"},
    {.name = "hrandfield",
     .fn = hrandfield_command,
     .arity = -2,
     .flags = CMD_READONLY,
     KEY_1,
     .since = "6.2.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns one or more random fields from a hash.",
     .args = "key [count [WITHVALUES]]",
     .differs = "A negative count below -1,048,576 is refused."},
    {.name = NULL},
};
