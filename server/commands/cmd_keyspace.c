/* All keys of a database: walking, counting, emptying. */
#include <stdlib.h>
#include <string.h>

#include "glob.h"
#include "internal.h"
#include "name_list.h"
#include "number.h"

/* Keys a call, so that no shard is locked for long. Few, while names come that take much memory:
 * room for it is made between the calls. */
#define STEP_FIRST 64
#define STEP_MOST  1024
#define STEP_BYTES ((size_t)256 << 10)
/* From here on room is made for the names. */
#define ROOM_FROM ((size_t)8 << 20)

/* What a walk lets through. */
struct filter {
    struct name_list names;
    const char *pattern; /* NULL = all */
    size_t pattern_len;
    bool any_type;
    enum cache_type type;
};

static void collect(void *arg, const void *key, size_t len, enum cache_type type)
{
    struct filter *f = arg;
    if (!f->any_type && type != f->type)
        return;
    if (f->pattern == NULL || glob_match(f->pattern, f->pattern_len, key, len, false))
        name_list_add(&f->names, key, len);
}

static void set_pattern(struct filter *f, const char *pattern, size_t len)
{
    bool all = len == 1 && pattern[0] == '*';
    f->pattern = all ? NULL : pattern;
    f->pattern_len = len;
}

static void reply_names(struct request *rq, struct name_list *l)
{
    const char *name;
    size_t len;
    resp_array(rq->out, l->count);
    while (reply_goes_on(rq) && name_list_take(l, &name, &len))
        resp_bulk(rq->out, name, len);
}

/* Between two steps of a walk: has room made for the names, and gives way to others. False when an
 * error was replied. */
static bool between_steps(struct request *rq, struct name_list *l, size_t before)
{
    if (l->held > before && l->held >= ROOM_FROM && !cache_make_room(rq->cache))
        l->failed = true;
    if (l->failed)
        reply_oom(rq);
    return !l->failed && request_give_way(rq);
}

/* Looks at about `count` slots from the cursor on and moves it. False when an error was replied. */
static bool walk(struct request *rq, struct filter *f, uint64_t *cursor, uint64_t count)
{
    uint64_t step = STEP_FIRST;
    do {
        size_t before = f->names.held;
        uint64_t n = count < step ? count : step;
        *cursor = cache_scan(rq->cache, request_db(rq), *cursor, n, collect, f);
        count -= n;
        if (!between_steps(rq, &f->names, before))
            return false;
        step = f->names.held - before > STEP_BYTES ? step / 2 + 1 : step * 2;
        step = step < STEP_MOST ? step : STEP_MOST;
    } while (*cursor != 0 && count > 0);
    return true;
}

static void keys_command(struct request *rq)
{
    size_t len;
    const char *pattern = request_flat(rq, 1, &len);
    if (pattern == NULL)
        return;
    struct filter f = {.names = {.cache = request_cache(rq)}, .any_type = true};
    set_pattern(&f, pattern, len);
    uint64_t cursor = 0;
    if (walk(rq, &f, &cursor, UINT64_MAX))
        reply_names(rq, &f.names);
    name_list_free(&f.names);
}

/* ---- SCAN ---- */

static bool type_filter(struct request *rq, size_t i, struct filter *f, bool *nothing)
{
    f->any_type = false;
    f->type = request_is(rq, i, "hash") ? CACHE_HASH : CACHE_STRING;
    *nothing = f->type == CACHE_STRING && !request_is(rq, i, "string");
    return true;
}

/* MATCH, COUNT and TYPE. *nothing = a type that no key can have. */
static bool scan_options(struct request *rq, struct filter *f, int64_t *count, bool *nothing)
{
    for (size_t i = 2; i < rq->argc; i += 2) {
        bool more = i + 1 < rq->argc;
        if (more && request_is(rq, i, "count")) {
            if (!request_scan_count(rq, i + 1, count))
                return false;
        } else if (more && request_is(rq, i, "match")) {
            size_t len;
            const char *pattern = request_flat(rq, i + 1, &len);
            if (pattern == NULL)
                return false;
            set_pattern(f, pattern, len);
        } else if (more && request_is(rq, i, "type")) {
            type_filter(rq, i + 1, f, nothing);
        } else {
            reply_syntax_error(rq);
            return false;
        }
    }
    return true;
}

static void scan_command(struct request *rq)
{
    struct filter f = {.names = {.cache = request_cache(rq)}, .any_type = true};
    uint64_t cursor;
    int64_t count = 10;
    bool nothing = false;
    if (!request_cursor(rq, 1, &cursor) || !scan_options(rq, &f, &count, &nothing))
        return;
    if (walk(rq, &f, &cursor, (uint64_t)count)) {
        if (nothing)
            name_list_free(&f.names);
        reply_cursor(rq, cursor);
        reply_names(rq, &f.names);
    }
    name_list_free(&f.names);
}

static void randomkey_command(struct request *rq)
{
    size_t len;
    char *name = malloc(CACHE_MAX_KEY);
    if (name == NULL) {
        reply_oom(rq);
        return;
    }
    if (cache_random_key(rq->cache, request_db(rq), name, &len))
        resp_bulk(rq->out, name, len);
    else
        resp_null(rq->out);
    free(name);
}

static void dbsize_command(struct request *rq)
{
    resp_integer(rq->out, (int64_t)cache_count(request_cache(rq), request_db(rq)));
}

/* ---- emptying ---- */

static void flush(struct request *rq, int db)
{
    bool sync = rq->argc == 2 && request_is(rq, 1, "sync");
    if (rq->argc > 2 || (rq->argc == 2 && !sync && !request_is(rq, 1, "async"))) {
        reply_syntax_error(rq);
        return;
    }
    cache_flush(rq->cache, db, sync);
    request_flushed(rq, db);
    resp_ok(rq->out);
}

static void flushdb_command(struct request *rq)
{
    flush(rq, (int)request_db(rq));
}

static void flushall_command(struct request *rq)
{
    flush(rq, -1);
}

static bool database_argument(struct request *rq, size_t i, const char *which, int64_t *db)
{
    if (!request_parse_integer(rq, i, db) || *db < INT32_MIN || *db > INT32_MAX)
        resp_errorf(rq->out, "ERR invalid %s DB index", which);
    else if (*db < 0 || *db >= (int64_t)request_databases(rq))
        resp_error(rq->out, "ERR DB index is out of range");
    else
        return true;
    return false;
}

/* Two that are empty are swapped by doing nothing. */
static void swapdb_command(struct request *rq)
{
    int64_t a, b;
    struct cache *cache = request_cache(rq);
    if (!database_argument(rq, 1, "first", &a) || !database_argument(rq, 2, "second", &b))
        return;
    if (a == b || cache_count(cache, (unsigned)a) + cache_count(cache, (unsigned)b) == 0) {
        resp_ok(rq->out);
        return;
    }
    resp_error(rq->out, "ERR SWAPDB is not supported: a database cannot take the place of another");
}

#define GENERIC .group = GROUP_GENERIC
#define SERVER  .group = GROUP_SERVER

const struct command commands_keyspace[] = {
    {.name = "keys",
     .fn = keys_command,
     .arity = 2,
     .flags = CMD_READONLY | CMD_DANGEROUS,
     GENERIC,
     .since = "1.0.0",
     .complexity = "O(N) with N being the number of keys in the database.",
     .summary = "Returns all key names that match a pattern.",
     .args = "pattern",
     .differs = "Other clients are served meanwhile, so a key may show twice or not at all when it "
                "is written during the walk."},
    {.name = "scan",
     .fn = scan_command,
     .arity = -2,
     .flags = CMD_READONLY,
     GENERIC,
     .since = "2.8.0",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, N being the number of keys.",
     .summary = "Iterates over the key names in the database.",
     .args = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .differs = "Cursors are its own; a cursor of another server is no error."},
    {.name = "randomkey",
     .fn = randomkey_command,
     .arity = 1,
     .flags = CMD_READONLY,
     GENERIC,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns a random key name from the database.",
     .args = ""},
    {.name = "dbsize",
     .fn = dbsize_command,
     .arity = 1,
     .flags = CMD_READONLY | CMD_FAST | CMD_KEYSPACE,
     SERVER,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the number of keys in the database.",
     .args = ""},
    {.name = "flushdb",
     .fn = flushdb_command,
     .arity = -1,
     .flags = CMD_WRITE | CMD_DANGEROUS,
     SERVER,
     .since = "1.0.0",
     .complexity = "O(1) in the number of keys; memory is given back in the background, with SYNC "
                   "before the reply.",
     .summary = "Removes all keys from the current database.",
     .args = "[ASYNC | SYNC]"},
    {.name = "flushall",
     .fn = flushall_command,
     .arity = -1,
     .flags = CMD_WRITE | CMD_DANGEROUS,
     SERVER,
     .since = "1.0.0",
     .complexity = "O(1) in the number of keys; memory is given back in the background, with SYNC "
                   "before the reply.",
     .summary = "Removes all keys from all databases.",
     .args = "[ASYNC | SYNC]"},
    {.name = "swapdb",
     .fn = swapdb_command,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST | CMD_DANGEROUS,
     SERVER,
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Swaps two databases.",
     .args = "index1 index2",
     .differs = "Answers an error unless both databases are empty."},
    {.name = NULL},
};
