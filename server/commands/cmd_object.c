/* What an item really is: OBJECT and ZINFO. */
#include <string.h>

#include "internal.h"
#include "number.h"

/* Replies what cache_inspect() says of a key, or null and returns false. */
static bool inspect(struct request *rq, size_t i, struct cache_item_info *info)
{
    struct cache_key key;
    if (!request_key(rq, i, &key))
        return false;
    if (cache_inspect(rq->cache, &key, info) == CACHE_OK)
        return true;
    resp_null(rq->out);
    return false;
}

static void object_encoding(struct request *rq)
{
    struct cache_item_info info;
    if (!inspect(rq, 2, &info))
        return;
    const char *name = request_encoding(rq, 2, &info);
    if (name != NULL)
        resp_bulk(rq->out, name, strlen(name));
}

static bool under_lfu(struct request *rq)
{
    enum cache_policy policy = request_policy(rq);
    return policy == CACHE_ALLKEYS_LFU || policy == CACHE_VOLATILE_LFU;
}

static void object_freq(struct request *rq)
{
    struct cache_item_info info;
    if (!inspect(rq, 2, &info))
        return;
    if (under_lfu(rq) || request_policy(rq) == CACHE_ALLKEYS_S3FIFO)
        resp_integer(rq->out, (int64_t)info.frequency);
    else
        resp_error(rq->out,
                   "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                   "Please note that when switching between policies at runtime LRU and LFU data "
                   "will take some time to adjust.");
}

static void object_idletime(struct request *rq)
{
    struct cache_item_info info;
    if (!inspect(rq, 2, &info))
        return;
    if (under_lfu(rq))
        resp_error(rq->out,
                   "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note "
                   "that when switching between policies at runtime LRU and LFU data will take "
                   "some time to adjust.");
    else
        resp_integer(rq->out, info.idle_ms / 1000);
}

static void object_refcount(struct request *rq)
{
    struct cache_item_info info;
    if (inspect(rq, 2, &info))
        resp_integer(rq->out, 1);
}

static const char *const object_help_lines[] = {
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>: int, raw, lz4, dense or segmented; of a hash what it is in",
    "    Redis, listpack or hashtable.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>: always 1.",
    NULL,
};

static void object_help(struct request *rq)
{
    reply_help(rq, object_help_lines);
}

/* ---- ZINFO ---- */

static void put_text(struct request *rq, const char *name, const char *value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_bulk(rq->out, value, strlen(value));
}

static void put_number(struct request *rq, const char *name, int64_t value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_integer(rq->out, value);
}

static void zinfo_command(struct request *rq)
{
    struct cache_item_info info;
    if (!inspect(rq, 1, &info))
        return;
    resp_map(rq->out, 11);
    put_text(rq, "type", info.type == CACHE_HASH ? "hash" : "string");
    put_number(rq, "raw-length", (int64_t)info.raw_len);
    put_number(rq, "stored-length", (int64_t)info.stored_len);
    put_text(rq, "codec", info.codec);
    put_number(rq, "dictionary", info.dict);
    put_number(rq, "class-size", (int64_t)info.class_size);
    put_number(rq, "memory", (int64_t)info.cost);
    put_text(rq, "place", info.nursery ? "nursery" : "main");
    put_number(rq, "frequency", info.frequency);
    put_number(rq, "idle-ms", info.idle_ms);
    put_number(rq, "expires-at-ms", info.expire_ms == CACHE_NO_EXPIRY ? -1 : info.expire_ms);
}

#define SUB_KEY                                                                                    \
    .flags = CMD_READONLY, .group = GROUP_GENERIC, .first_key = 2, .last_key = 2, .key_step = 1,   \
    .complexity = "O(1)", .args = "key"

static const struct command object_subcommands[] = {
    {.name = "encoding",
     .fn = object_encoding,
     .arity = 3,
     SUB_KEY,
     .since = "2.2.3",
     .summary = "Returns the internal encoding of an object.",
     .differs = "Says how a string is stored: int, raw, lz4, dense or segmented. Of a hash it says "
                "what it would be in Redis; ZINFO tells how it is stored."},
    {.name = "freq",
     .fn = object_freq,
     .arity = 3,
     SUB_KEY,
     .since = "4.0.0",
     .summary = "Returns the logarithmic access frequency counter of an object.",
     .differs = "Under allkeys-s3fifo it is the counter of that policy, 0 to 3."},
    {.name = "idletime",
     .fn = object_idletime,
     .arity = 3,
     SUB_KEY,
     .since = "2.2.3",
     .summary = "Returns the time since the last access to an object.",
     .differs = "Coarse under allkeys-s3fifo: 0, 2, 4 or 8 seconds, and never more."},
    {.name = "refcount",
     .fn = object_refcount,
     .arity = 3,
     SUB_KEY,
     .since = "2.2.3",
     .summary = "Returns the reference count of a value of a key.",
     .differs = "Always 1."},
    {.name = "help",
     .fn = object_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = GROUP_GENERIC,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_object[] = {
    {.name = "object",
     .arity = -2,
     .group = GROUP_GENERIC,
     .subcommands = object_subcommands,
     .since = "2.2.3",
     .complexity = "Depends on subcommand.",
     .summary = "A container for object introspection commands.",
     .args = ""},
    {.name = "zinfo",
     .fn = zinfo_command,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .group = GROUP_ZSCACHE,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .since = "zscache 0.1",
     .complexity = "O(1)",
     .summary = "Tells how an item is stored: lengths, codec, dictionary, size class, place, idle "
                "time.",
     .args = "key"},
    {.name = NULL},
};
