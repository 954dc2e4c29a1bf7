/* Small hashes: fields set, read and deleted by name. Walking a whole hash is in cmd_hash_walk.c.
 */
#include <math.h>
#include <string.h>

#include "hash_access.h"
#include "number.h"

/* ---- setting ---- */

/* Sets the pairs from argument 2 on; *added = how many fields are new. */
static bool set_pairs(struct request *rq, struct hash_change *c, int64_t *added)
{
    *added = 0;
    for (size_t i = 2; i < rq->argc; i += 2) {
        bool new_field;
        if (!hash_change_set(rq, c, rq->argv[i].ptr, rq->argv[i].len, rq->argv[i + 1].ptr,
                             rq->argv[i + 1].len, &new_field))
            return false;
        *added += new_field;
    }
    return true;
}

static bool hset_generic(struct request *rq, int64_t *added)
{
    struct hash_change c;
    if (rq->argc % 2 == 1) {
        reply_arity_error(rq);
        return false;
    }
    return hash_change_begin(rq, 1, &c) && set_pairs(rq, &c, added) &&
           hash_change_end(rq, &c, "hset");
}

static void hset_flat(struct request *rq)
{
    int64_t added;
    if (hset_generic(rq, &added))
        resp_integer(rq->out, added);
}

static void hmset_flat(struct request *rq)
{
    int64_t added;
    if (hset_generic(rq, &added))
        resp_ok(rq->out);
}

static void hsetnx_flat(struct request *rq)
{
    struct hash_change c;
    if (!hash_change_begin(rq, 1, &c))
        return;
    bool added = hash_edit_find(&c.edit, rq->argv[2].ptr, rq->argv[2].len) == NULL;
    if (added && !hash_change_set(rq, &c, rq->argv[2].ptr, rq->argv[2].len, rq->argv[3].ptr,
                                  rq->argv[3].len, &added))
        return;
    if (hash_change_end(rq, &c, "hset"))
        resp_integer(rq->out, added);
}

static void hdel_flat(struct request *rq)
{
    struct hash_change c;
    int64_t removed = 0;
    if (!hash_change_begin(rq, 1, &c))
        return;
    for (size_t i = 2; i < rq->argc; i++)
        removed += hash_change_remove(&c, rq->argv[i].ptr, rq->argv[i].len);
    if (hash_change_end(rq, &c, "hdel"))
        resp_integer(rq->out, removed);
}

/* ---- counting ---- */

static void hincrby_flat(struct request *rq)
{
    struct hash_change c;
    int64_t by, n = 0;
    bool added;
    if (!request_integer(rq, 3, &by) || !hash_change_begin(rq, 1, &c))
        return;
    const char *field = rq->argv[2].ptr, *error = NULL;
    const struct hash_entry *old = hash_edit_find(&c.edit, field, rq->argv[2].len);
    if (old != NULL && !number_parse_int(old->value, old->value_len, &n))
        error = "ERR hash value is not an integer";
    else if (__builtin_add_overflow(n, by, &n))
        error = "ERR increment or decrement would overflow";
    if (error != NULL) {
        hash_change_abort(rq, &c);
        resp_error(rq->out, error);
        return;
    }
    char text[NUMBER_INT_CHARS];
    size_t len = number_print_int(n, text);
    if (hash_change_set(rq, &c, field, rq->argv[2].len, text, len, &added) &&
        hash_change_end(rq, &c, "hincrby"))
        resp_integer(rq->out, n);
}

static void hincrbyfloat_flat(struct request *rq)
{
    struct hash_change c;
    long double by, f = 0;
    bool added;
    if (!number_parse_float(rq->argv[3].ptr, rq->argv[3].len, &by)) {
        resp_error(rq->out, "ERR value is not a valid float");
        return;
    }
    if (isinf(by)) {
        resp_error(rq->out, "ERR value is NaN or Infinity");
        return;
    }
    if (!hash_change_begin(rq, 1, &c))
        return;
    const char *field = rq->argv[2].ptr, *error = NULL;
    const struct hash_entry *old = hash_edit_find(&c.edit, field, rq->argv[2].len);
    if (old != NULL && !number_parse_float(old->value, old->value_len, &f))
        error = "ERR hash value is not a float";
    else if (!isfinite(f += by))
        error = "ERR increment would produce NaN or Infinity";
    if (error != NULL) {
        hash_change_abort(rq, &c);
        resp_error(rq->out, error);
        return;
    }
    char text[NUMBER_FLOAT_CHARS];
    size_t len = number_print_float(f, text);
    if (hash_change_set(rq, &c, field, rq->argv[2].len, text, len, &added) &&
        hash_change_end(rq, &c, "hincrbyfloat"))
        resp_bulk(rq->out, text, len);
}

/* ---- reading ---- */

/* Finds the field of argument `i` in the hash of argument 1. Found: unload the blob after use of
 * the entry. */
static enum lookup load_field(struct request *rq, size_t i, struct hash_blob *h,
                              struct hash_entry *entry)
{
    struct hash_reader r;
    enum lookup found = hash_load(rq, 1, h);
    if (found != LOOKUP_FOUND)
        return found;
    if (hash_find(&r, h->bytes, h->len, rq->argv[i].ptr, rq->argv[i].len, entry))
        return LOOKUP_FOUND;
    hash_unload(h);
    return LOOKUP_MISSING;
}

static void hget_flat(struct request *rq)
{
    struct hash_blob h;
    struct hash_entry entry;
    enum lookup found = load_field(rq, 2, &h, &entry);
    if (found == LOOKUP_MISSING)
        resp_null(rq->out);
    if (found != LOOKUP_FOUND)
        return;
    resp_bulk(rq->out, entry.value, entry.value_len);
    hash_unload(&h);
}

static void reply_field_number(struct request *rq, bool length)
{
    struct hash_blob h;
    struct hash_entry entry;
    enum lookup found = load_field(rq, 2, &h, &entry);
    if (found == LOOKUP_MISSING)
        resp_integer(rq->out, 0);
    if (found != LOOKUP_FOUND)
        return;
    resp_integer(rq->out, length ? (int64_t)entry.value_len : 1);
    hash_unload(&h);
}

static void hexists_flat(struct request *rq)
{
    reply_field_number(rq, false);
}

static void hstrlen_flat(struct request *rq)
{
    reply_field_number(rq, true);
}

static void reply_fields(struct request *rq, struct hash_edit *e)
{
    resp_array(rq->out, rq->argc - 2);
    for (size_t i = 2; i < rq->argc && reply_goes_on(rq); i++) {
        const struct hash_entry *entry = hash_edit_find(e, rq->argv[i].ptr, rq->argv[i].len);
        if (entry == NULL)
            resp_null(rq->out);
        else
            resp_bulk(rq->out, entry->value, entry->value_len);
    }
}

static void hmget_flat(struct request *rq)
{
    struct hash_blob h;
    struct hash_edit e;
    enum lookup found = hash_load(rq, 1, &h);
    if (found == LOOKUP_REPLIED)
        return;
    enum hash_status status = found == LOOKUP_MISSING ? hash_edit_begin(&e, NULL, 0, 0)
                                                      : hash_edit_begin(&e, h.bytes, h.len, h.seed);
    if (status == HASH_NOMEM)
        reply_oom(rq);
    else
        reply_fields(rq, &e);
    hash_edit_end(&e);
    if (found == LOOKUP_FOUND)
        hash_unload(&h);
}

/* ---- with fields and values in one piece each ---- */

static void hset_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hset_flat);
}

static void hmset_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hmset_flat);
}

static void hsetnx_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hsetnx_flat);
}

static void hdel_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hdel_flat);
}

static void hincrby_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hincrby_flat);
}

static void hincrbyfloat_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hincrbyfloat_flat);
}

static void hget_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hget_flat);
}

static void hexists_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hexists_flat);
}

static void hstrlen_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hstrlen_flat);
}

static void hmget_command(struct request *rq)
{
    with_flat_arguments(rq, HASH_MAX_BYTES, hmget_flat);
}

#define KEY_1  .group = GROUP_HASH, .first_key = 1, .last_key = 1, .key_step = 1
#define READS  .flags = CMD_READONLY | CMD_FAST
#define WRITES .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST
#define SMALL                                                                                      \
    "A hash is one packed value of at most 65,536 fields and 4 MiB; each command on it costs "     \
    "O(N) "                                                                                        \
    "in its size."

const struct command commands_hash[] = {
    {.name = "hset",
     .fn = hset_command,
     .arity = -4,
     WRITES,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Creates or modifies the value of a field in a hash.",
     .args = "key field value [field value ...]",
     .differs = SMALL},
    {.name = "hmset",
     .fn = hmset_command,
     .arity = -4,
     WRITES,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Sets the values of multiple fields.",
     .args = "key field value [field value ...]",
     .differs = SMALL},
    {.name = "hsetnx",
     .fn = hsetnx_command,
     .arity = 4,
     WRITES,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Sets the value of a field in a hash only when the field doesn't exist.",
     .args = "key field value",
     .differs = SMALL},
    {.name = "hget",
     .fn = hget_command,
     .arity = 3,
     READS,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns the value of a field in a hash.",
     .args = "key field"},
    {.name = "hmget",
     .fn = hmget_command,
     .arity = -3,
     READS,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns the values of all the specified fields in a hash.",
     .args = "key field [field ...]"},
    {.name = "hdel",
     .fn = hdel_command,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Deletes one or more fields and their values from a hash. Deletes the hash if no "
                "fields remain.",
     .args = "key field [field ...]"},
    {.name = "hexists",
     .fn = hexists_command,
     .arity = 3,
     READS,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Determines whether a field exists in a hash.",
     .args = "key field"},
    {.name = "hstrlen",
     .fn = hstrlen_command,
     .arity = 3,
     READS,
     KEY_1,
     .since = "3.2.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Returns the length of the value of a field.",
     .args = "key field"},
    {.name = "hincrby",
     .fn = hincrby_command,
     .arity = 4,
     WRITES,
     KEY_1,
     .since = "2.0.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Increments the integer value of a field in a hash by a number. Uses 0 as initial "
                "value if the field doesn't exist.",
     .args = "key field increment",
     .differs = SMALL},
    {.name = "hincrbyfloat",
     .fn = hincrbyfloat_command,
     .arity = 4,
     WRITES,
     KEY_1,
     .since = "2.6.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Increments the floating point value of a field by a number. Uses 0 as initial "
                "value if the field doesn't exist.",
     .args = "key field increment",
     .differs = SMALL},
    {.name = NULL},
};
