/* EVAL and its kin, and SCRIPT. */
#include <string.h>

#include "script_engine.h"
#include "server.h"

/* ---- EVAL ---- */

/* Keys after the text or the id, behind their number. */
static int eval_keys(size_t argc, const struct resp_arg *argv, int *pos, int max)
{
    size_t n = 0;
    if (argc < 3 || argv[2].ptr == NULL || argv[2].len == 0)
        return -1;
    for (size_t i = 0; i < argv[2].len; i++) {
        char digit = argv[2].ptr[i];
        if (digit < '0' || digit > '9' || n > argc)
            return -1;
        n = n * 10 + (size_t)(digit - '0');
    }
    if (n > argc - 3)
        return -1;
    for (size_t i = 0; i < n && i < (size_t)max; i++)
        pos[i] = (int)(3 + i);
    return (int)n;
}

/* Reads the number of keys; replies the error and returns false. */
static bool count_keys(struct request *rq, size_t *n)
{
    int64_t count;
    if (!request_integer(rq, 2, &count))
        return false;
    if (count > (int64_t)rq->argc - 3)
        resp_error(rq->out, "ERR Number of keys can't be greater than number of args");
    else if (count < 0)
        resp_error(rq->out, "ERR Number of keys can't be negative");
    else
        *n = (size_t)count;
    return count >= 0 && count <= (int64_t)rq->argc - 3;
}

/* The script of a text, compiled and in the cache, held. NULL: the error is replied. */
static struct script *load(struct request *rq, size_t arg)
{
    char id[SCRIPT_ID + 1], error[SCRIPT_ERROR];
    size_t len;
    const char *text = request_flat(rq, arg, &len);
    if (text == NULL)
        return NULL;
    script_id(text, len, id);
    struct script *s = script_find(rq->server, id, SCRIPT_ID);
    if (s != NULL)
        return s;
    s = script_create(rq->server, text, len, error);
    if (s == NULL) {
        resp_errorf(rq->out, "%s", error);
        return NULL;
    }
    if (script_check(rq, s)) {
        script_keep(rq->server, s);
        return s;
    }
    script_let_go(rq->server, s);
    return NULL;
}

static void run(struct request *rq, struct script *s, size_t keys, bool read_only)
{
    struct script_run r = {.rq = rq,
                           .script = s,
                           .first_key = 3,
                           .keys = keys,
                           .read_only = read_only || s->flags & SCRIPT_NO_WRITES};
    if (read_only && s->flags & SCRIPT_SHEBANG && !(s->flags & SCRIPT_NO_WRITES))
        resp_error(rq->out, "ERR Can not execute a script with write flag using *_ro command.");
    else
        script_run(&r);
    script_let_go(rq->server, s);
}

static void eval(struct request *rq, bool read_only)
{
    size_t keys;
    if (!count_keys(rq, &keys))
        return;
    struct script *s = load(rq, 1);
    if (s != NULL)
        run(rq, s, keys, read_only);
}

static void reply_no_script(struct request *rq)
{
    resp_error(rq->out, "NOSCRIPT No matching script. Please use EVAL.");
}

static void evalsha(struct request *rq, bool read_only)
{
    const struct resp_arg *id = &rq->argv[1];
    size_t keys;
    if (id->len != SCRIPT_ID) {
        reply_no_script(rq);
        return;
    }
    if (!count_keys(rq, &keys))
        return;
    struct script *s = script_find(rq->server, id->ptr, id->len);
    if (s == NULL)
        reply_no_script(rq);
    else
        run(rq, s, keys, read_only);
}

static void eval_command(struct request *rq)
{
    eval(rq, false);
}

static void eval_ro_command(struct request *rq)
{
    eval(rq, true);
}

static void evalsha_command(struct request *rq)
{
    evalsha(rq, false);
}

static void evalsha_ro_command(struct request *rq)
{
    evalsha(rq, true);
}

/* ---- SCRIPT ---- */

static void script_load(struct request *rq)
{
    struct script *s = load(rq, 2);
    if (s == NULL)
        return;
    resp_bulk(rq->out, s->id, SCRIPT_ID);
    script_let_go(rq->server, s);
}

static void script_exists(struct request *rq)
{
    resp_array(rq->out, rq->argc - 2);
    for (size_t i = 2; i < rq->argc; i++) {
        const struct resp_arg *id = &rq->argv[i];
        struct script *s = id->ptr == NULL ? NULL : script_find(rq->server, id->ptr, id->len);
        resp_integer(rq->out, s != NULL);
        if (s != NULL)
            script_let_go(rq->server, s);
    }
}

static void script_flush_command(struct request *rq)
{
    if (rq->argc > 3 ||
        (rq->argc == 3 && !request_is(rq, 2, "sync") && !request_is(rq, 2, "async"))) {
        resp_error(rq->out, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
        return;
    }
    script_flush(rq->server);
    resp_ok(rq->out);
}

static void script_help(struct request *rq)
{
    static const char *const lines[] = {
        "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "EXISTS <sha1> [<sha1> ...]",
        "    Return information about the existence of the scripts in the script cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Flush the Lua scripts cache.",
        "KILL",
        "    Kill the currently executing Lua script.",
        "LOAD <script>",
        "    Load a script into the scripts cache without executing it.",
        NULL,
    };
    reply_help(rq, lines);
}

#define SCRIPTING  .group = GROUP_SCRIPTING
#define EVAL_FLAGS (CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_MOVABLEKEYS)
#define DEPENDS    "Depends on the script that is executed."
#define STRAYS                                                                                     \
    "A script that touches keys which KEYS does not name is carried out with all keys locked; "    \
    "see decisions.md. There is no loadstring, and settings of cjson last as long as the script."

static const struct command script_subcommands[] = {
    {.name = "exists",
     .fn = script_exists,
     .arity = -3,
     SCRIPTING,
     .flags = CMD_NOSCRIPT,
     .since = "2.6.0",
     .complexity = "O(N) with N being the number of scripts to check",
     .summary = "Determines whether server-side Lua scripts exist in the script cache.",
     .args = "sha1 [sha1 ...]"},
    {.name = "flush",
     .fn = script_flush_command,
     .arity = -2,
     SCRIPTING,
     .flags = CMD_NOSCRIPT,
     .since = "2.6.0",
     .complexity = "O(N) with N being the number of scripts in cache",
     .summary = "Removes all server-side Lua scripts from the script cache.",
     .args = "[ASYNC | SYNC]"},
    {.name = "help",
     .fn = script_help,
     .arity = 2,
     SCRIPTING,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "kill",
     .fn = script_kill,
     .arity = 2,
     SCRIPTING,
     .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Terminates a server-side Lua script during execution.",
     .args = ""},
    {.name = "load",
     .fn = script_load,
     .arity = 3,
     SCRIPTING,
     .flags = CMD_NOSCRIPT | CMD_STALE,
     .since = "2.6.0",
     .complexity = "O(N) with N being the length in bytes of the script body.",
     .summary = "Loads a server-side Lua script to the script cache.",
     .args = "script",
     .differs =
         "The cache is bounded (script-cache-limit): a script that was not used for long may "
         "be forgotten."},
    {.name = NULL},
};

const struct command commands_script[] = {
    {.name = "eval",
     .fn = eval_command,
     .arity = -3,
     SCRIPTING,
     .flags = EVAL_FLAGS | CMD_MAY_REPLICATE,
     .keys = eval_keys,
     .since = "2.6.0",
     .complexity = DEPENDS,
     .summary = "Executes a server-side Lua script.",
     .args = "script numkeys [key [key ...]] [arg [arg ...]]",
     .differs = STRAYS},
    {.name = "evalsha",
     .fn = evalsha_command,
     .arity = -3,
     SCRIPTING,
     .flags = EVAL_FLAGS | CMD_MAY_REPLICATE,
     .keys = eval_keys,
     .since = "2.6.0",
     .complexity = DEPENDS,
     .summary = "Executes a server-side Lua script by SHA1 digest.",
     .args = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .differs = STRAYS},
    {.name = "eval_ro",
     .fn = eval_ro_command,
     .arity = -3,
     SCRIPTING,
     .flags = EVAL_FLAGS | CMD_READONLY,
     .keys = eval_keys,
     .since = "7.0.0",
     .complexity = DEPENDS,
     .summary = "Executes a read-only server-side Lua script.",
     .args = "script numkeys [key [key ...]] [arg [arg ...]]",
     .differs = STRAYS},
    {.name = "evalsha_ro",
     .fn = evalsha_ro_command,
     .arity = -3,
     SCRIPTING,
     .flags = EVAL_FLAGS | CMD_READONLY,
     .keys = eval_keys,
     .since = "7.0.0",
     .complexity = DEPENDS,
     .summary = "Executes a read-only server-side Lua script by SHA1 digest.",
     .args = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .differs = STRAYS},
    {.name = "script",
     .arity = -2,
     SCRIPTING,
     .subcommands = script_subcommands,
     .since = "2.6.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for Lua scripts management commands.",
     .args = ""},
    {.name = NULL},
};
