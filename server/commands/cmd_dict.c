/* ZDICT: the trained dictionaries. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DICTS_MAX 256

static void put_number(struct request *rq, const char *name, int64_t value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_integer(rq->out, value);
}

static void reply_dict(struct request *rq, const struct cache_dict_info *d)
{
    resp_map(rq->out, 9);
    resp_bulk(rq->out, "family", 6);
    resp_bulk(rq->out, d->family, strnlen(d->family, sizeof d->family));
    put_number(rq, "id", d->id);
    put_number(rq, "generation", d->generation);
    put_number(rq, "size", (int64_t)d->size);
    put_number(rq, "memory", (int64_t)d->memory);
    put_number(rq, "items", (int64_t)d->items);
    resp_bulk(rq->out, "ratio", 5);
    resp_double(rq->out, (double)(int64_t)(d->ratio * 1000 + 0.5) / 1000);
    put_number(rq, "age-ms", d->age_ms);
    put_number(rq, "current", d->current);
}

static void zdict_list(struct request *rq)
{
    struct cache_dict_info *dicts = malloc(DICTS_MAX * sizeof *dicts);
    if (dicts == NULL) {
        reply_oom(rq);
        return;
    }
    size_t n = cache_dict_list(request_cache(rq), dicts, DICTS_MAX, rq->now_ms);
    if (n > DICTS_MAX)
        n = DICTS_MAX;
    resp_array(rq->out, n);
    for (size_t i = 0; i < n; i++)
        reply_dict(rq, &dicts[i]);
    free(dicts);
}

static void for_family(struct request *rq, bool (*fn)(struct cache *, const char *, size_t))
{
    size_t len = 0;
    const char *family = NULL;
    if (rq->argc > 3) {
        reply_arity_error(rq);
        return;
    }
    if (rq->argc == 3 && (family = request_flat(rq, 2, &len)) == NULL)
        return;
    if (fn(request_cache(rq), family, len))
        resp_ok(rq->out);
    else
        resp_error(rq->out, "ERR no such family of keys");
}

static void zdict_train(struct request *rq)
{
    for_family(rq, cache_dict_train);
}

static void zdict_drop(struct request *rq)
{
    for_family(rq, cache_dict_drop);
}

static const char *const zdict_help_lines[] = {
    "ZDICT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "LIST",
    "    Return the trained dictionaries: family of keys, generation, sizes, items, ratio, age.",
    "TRAIN [<family>]",
    "    Train a dictionary soon, for one family of keys or for all.",
    "DROP [<family>]",
    "    Stop using the dictionaries of one family or all; items are coded anew in the background.",
    NULL,
};

static void zdict_help(struct request *rq)
{
    reply_help(rq, zdict_help_lines);
}

#define OURS .group = GROUP_ZSCACHE, .since = "zscache 0.1"

static const struct command zdict_subcommands[] = {
    {.name = "list",
     .fn = zdict_list,
     .arity = 2,
     .flags = CMD_READONLY,
     OURS,
     .complexity = "O(N) where N is the number of dictionaries.",
     .summary = "Lists the trained dictionaries.",
     .args = ""},
    {.name = "train",
     .fn = zdict_train,
     .arity = -2,
     .flags = CMD_ADMIN | CMD_DANGEROUS,
     OURS,
     .complexity = "O(1); the training runs in the background.",
     .summary = "Asks for a training soon, of one family of keys or of all.",
     .args = "[family]"},
    {.name = "drop",
     .fn = zdict_drop,
     .arity = -2,
     .flags = CMD_ADMIN | CMD_DANGEROUS,
     OURS,
     .complexity = "O(1); items are coded anew in the background.",
     .summary = "Stops using the dictionaries of one family of keys or of all.",
     .args = "[family]"},
    {.name = "help",
     .fn = zdict_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     OURS,
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_dict[] = {
    {.name = "zdict",
     .arity = -2,
     OURS,
     .subcommands = zdict_subcommands,
     .complexity = "Depends on subcommand.",
     .summary = "A container for commands about trained dictionaries.",
     .args = ""},
    {.name = NULL},
};
