/* TIME, SHUTDOWN and MEMORY. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "metrics/info.h"
#include "metrics/memory_doctor.h"
#include "metrics/memory_stats.h"

static void time_command(struct request *rq)
{
    char text[32];
    int64_t now_us = clock_wall_us();
    resp_array(rq->out, 2);
    int n = snprintf(text, sizeof text, "%lld", (long long)(now_us / 1000000));
    resp_bulk(rq->out, text, (size_t)n);
    n = snprintf(text, sizeof text, "%lld", (long long)(now_us % 1000000));
    resp_bulk(rq->out, text, (size_t)n);
}

/* The main thread ends the server as it does for the same signal from outside. */
static void shutdown_command(struct request *rq)
{
    for (size_t i = 1; i < rq->argc; i++) {
        if (request_is(rq, i, "abort")) {
            resp_error(rq->out, "ERR No shutdown in progress.");
            return;
        }
        if (!request_is(rq, i, "nosave") && !request_is(rq, i, "save") &&
            !request_is(rq, i, "now") && !request_is(rq, i, "force")) {
            reply_syntax_error(rq);
            return;
        }
    }
    (void)kill(getpid(), SIGTERM);
}

/* ---- MEMORY ---- */

static void memory_usage(struct request *rq)
{
    struct cache_key key;
    struct cache_item_info info;
    int64_t samples;
    if (rq->argc == 5 && request_is(rq, 3, "samples")) {
        if (!request_integer(rq, 4, &samples))
            return;
        if (samples < 0) {
            reply_syntax_error(rq);
            return;
        }
    } else if (rq->argc != 3) {
        reply_syntax_error(rq);
        return;
    }
    if (!request_key(rq, 2, &key))
        return;
    if (cache_inspect(rq->cache, &key, &info) == CACHE_OK)
        resp_integer(rq->out, (int64_t)info.cost);
    else
        resp_null(rq->out);
}

static void memory_purge(struct request *rq)
{
    (void)malloc_trim(0);
    resp_ok(rq->out);
}

static void memory_malloc_stats(struct request *rq)
{
    static const char text[] = "Stats not supported for the current allocator";
    resp_bulk(rq->out, text, sizeof text - 1);
}

static void memory_doctor(struct request *rq)
{
    struct text t = {0};
    struct doctor_facts facts;
    doctor_facts_of(rq->server, rq->now_ms, &facts);
    doctor_write(&facts, &t);
    if (t.failed)
        reply_oom(rq);
    else
        resp_verbatim(rq->out, "txt", t.bytes, t.len);
    text_free(&t);
}

static const char *const memory_help_lines[] = {
    "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value.",
    NULL,
};

static void memory_help(struct request *rq)
{
    reply_help(rq, memory_help_lines);
}

#define SERVER .group = GROUP_SERVER, .since = "4.0.0"

static const struct command memory_subcommands[] = {
    {.name = "doctor",
     .fn = memory_doctor,
     .arity = 2,
     SERVER,
     .complexity = "O(1)",
     .summary = "Outputs a memory problems report.",
     .args = "",
     .differs = "Says what holds the memory, and what would help, in sentences of its own."},
    {.name = "help",
     .fn = memory_help,
     .arity = 2,
     SERVER,
     .flags = CMD_LOADING | CMD_STALE,
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "malloc-stats",
     .fn = memory_malloc_stats,
     .arity = 2,
     SERVER,
     .complexity = "O(1)",
     .summary = "Returns the allocator statistics.",
     .args = "",
     .differs = "The allocator has none, as where Redis is built without jemalloc."},
    {.name = "purge",
     .fn = memory_purge,
     .arity = 2,
     SERVER,
     .complexity = "Depends on how much memory is allocated, could be slow",
     .summary = "Asks the allocator to release memory.",
     .args = "",
     .differs = "Concerns the memory of connections; the pool of values gives its memory back by "
                "itself."},
    {.name = "stats",
     .fn = memory_stats,
     .arity = 2,
     SERVER,
     .complexity = "O(1)",
     .summary = "Returns details about memory usage.",
     .args = "",
     .differs =
         "After the fields of Redis come some of its own. There are none of single databases."},
    {.name = "usage",
     .fn = memory_usage,
     .arity = -3,
     SERVER,
     .flags = CMD_READONLY,
     .first_key = 2,
     .last_key = 2,
     .key_step = 1,
     .complexity = "O(1)",
     .summary = "Estimates the memory usage of a key.",
     .args = "key [SAMPLES count]",
     .differs = "Exact: what the item takes as it is stored now, its slot in the index included."},
    {.name = NULL},
};

const struct command commands_server[] = {
    {.name = "time",
     .fn = time_command,
     .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST | CMD_APART,
     .group = GROUP_SERVER,
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Returns the server time.",
     .args = ""},
    {.name = "shutdown",
     .fn = shutdown_command,
     .arity = -1,
     .flags = CMD_ALLOW_BUSY | CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI |
              CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Stops the server.",
     .args = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
     .differs = "Nothing is saved; replies that are due are sent first."},
    {.name = "memory",
     .arity = -2,
     .subcommands = memory_subcommands,
     .group = GROUP_SERVER,
     .since = "4.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for memory diagnostics commands.",
     .args = ""},
    {.name = NULL},
};
