/* FUNCTION, FCALL and MODULE: there are none of either, and clients are told so in Redis's words.
 */
#include <string.h>

#include "internal.h"

/* ---- FUNCTION ---- */

static void reply_nothing(struct request *rq)
{
    resp_array(rq->out, 0);
}

static void function_list(struct request *rq)
{
    for (size_t i = 2; i < rq->argc; i++) {
        if (request_is(rq, i, "withcode"))
            continue;
        if (!request_is(rq, i, "libraryname")) {
            size_t len = rq->argv[i].ptr == NULL ? 0 : rq->argv[i].len;
            resp_errorf(rq->out, "ERR Unknown argument %.*s", (int)(len < 128 ? len : 128),
                        len == 0 ? "" : rq->argv[i].ptr);
            return;
        }
        if (++i == rq->argc) {
            resp_error(rq->out, "ERR library name argument was not given");
            return;
        }
    }
    reply_nothing(rq);
}

static void function_flush(struct request *rq)
{
    if (rq->argc > 3)
        reply_subcommand_error(rq, "FUNCTION");
    else if (rq->argc == 3 && !request_is(rq, 2, "sync") && !request_is(rq, 2, "async"))
        resp_error(rq->out, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    else
        resp_ok(rq->out);
}

static void put_name(struct request *rq, const char *name)
{
    resp_bulk(rq->out, name, strlen(name));
}

static void function_stats(struct request *rq)
{
    resp_map(rq->out, 2);
    put_name(rq, "running_script");
    resp_null(rq->out);
    put_name(rq, "engines");
    resp_map(rq->out, 1);
    put_name(rq, "LUA");
    resp_map(rq->out, 2);
    put_name(rq, "libraries_count");
    resp_integer(rq->out, 0);
    put_name(rq, "functions_count");
    resp_integer(rq->out, 0);
}

static void function_delete(struct request *rq)
{
    resp_error(rq->out, "ERR Library not found");
}

static void function_load(struct request *rq)
{
    resp_error(rq->out, "ERR Functions are not supported; use EVAL or SCRIPT LOAD");
}

static void function_help(struct request *rq)
{
    static const char *const lines[] = {
        "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DELETE <LIBRARY NAME>",
        "    Delete the given library: answers an error.",
        "FLUSH [ASYNC|SYNC]",
        "    Delete all the libraries.",
        "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
        "    Return general information on all the libraries: there are none.",
        "LOAD [REPLACE] <FUNCTION CODE>",
        "    Create a new library: answers an error.",
        "STATS",
        "    Return information about the current function running: there is none.",
        NULL,
    };
    reply_help(rq, lines);
}

static void fcall_command(struct request *rq)
{
    resp_error(rq->out, "ERR Function not found");
}

static int fcall_keys(size_t argc, const struct resp_arg *argv, int *pos, int max)
{
    return keys_after_count(argc, argv, 2, 1, pos, max);
}

/* ---- MODULE ---- */

static void module_load(struct request *rq)
{
    resp_error(rq->out, "ERR Modules are not supported");
}

static void module_help(struct request *rq)
{
    static const char *const lines[] = {
        "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "LIST",
        "    Return a list of loaded modules: there are none.",
        "LOAD <path> [<arg> ...]",
        "    Load a module library: answers an error.",
        NULL,
    };
    reply_help(rq, lines);
}

/* ---- the table ---- */

#define NONE "There are no functions."

static const struct command function_subcommands[] = {
    {.name = "delete",
     .fn = function_delete,
     .arity = 3,
     .flags = CMD_NOSCRIPT | CMD_WRITE,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Deletes a library and its functions.",
     .args = "library-name",
     .differs = "There are no functions: always answers that the library was not found."},
    {.name = "flush",
     .fn = function_flush,
     .arity = -2,
     .flags = CMD_NOSCRIPT | CMD_WRITE,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Deletes all libraries and functions.",
     .args = "[ASYNC | SYNC]",
     .differs = NONE},
    {.name = "help",
     .fn = function_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "list",
     .fn = function_list,
     .arity = -2,
     .flags = CMD_NOSCRIPT,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns information about all libraries.",
     .args = "[LIBRARYNAME library-name-pattern] [WITHCODE]",
     .differs = NONE},
    {.name = "load",
     .fn = function_load,
     .arity = -3,
     .flags = CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Creates a library.",
     .args = "[REPLACE] function-code",
     .differs = "Answers an error: there are no functions, but scripts."},
    {.name = "stats",
     .fn = function_stats,
     .arity = 2,
     .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns information about a function during execution.",
     .args = "",
     .differs = NONE},
    {.name = NULL},
};

static const struct command module_subcommands[] = {
    {.name = "help",
     .fn = module_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = GROUP_SERVER,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "list",
     .fn = reply_nothing,
     .arity = 2,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Returns all loaded modules.",
     .args = "",
     .differs = "There are no modules."},
    {.name = "load",
     .fn = module_load,
     .arity = -3,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_MULTI | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Loads a module.",
     .args = "path [arg ...]",
     .differs = "Always answers an error."},
    {.name = NULL},
};

#define FCALL                                                                                      \
    .fn = fcall_command, .arity = -3, .group = GROUP_SCRIPTING, .since = "7.0.0",                  \
    .keys = fcall_keys, .complexity = "O(1)",                                                      \
    .args = "function numkeys [key [key ...]] [arg [arg ...]]",                                    \
    .differs = "There are no functions: always answers that it was not found."

const struct command commands_function[] = {
    {.name = "function",
     .arity = -2,
     .subcommands = function_subcommands,
     .group = GROUP_SCRIPTING,
     .since = "7.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for function commands.",
     .args = ""},
    {.name = "fcall",
     FCALL,
     .flags = CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_MOVABLEKEYS,
     .summary = "Invokes a function."},
    {.name = "fcall_ro",
     FCALL,
     .flags = CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_MOVABLEKEYS | CMD_READONLY,
     .summary = "Invokes a read-only function."},
    {.name = "module",
     .arity = -2,
     .subcommands = module_subcommands,
     .group = GROUP_SERVER,
     .since = "4.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for module commands.",
     .args = ""},
    {.name = NULL},
};
