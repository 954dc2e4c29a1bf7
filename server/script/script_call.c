/* redis.call() and redis.pcall(): a command of a script. */
#include <stdlib.h>
#include <string.h>

#include "acl/acl.h"
#include "dispatch.h"
#include "script_engine.h"
#include "server.h"
#include "transaction/key_set.h"

#define FEW_KEYS 64

/* ---- arguments ---- */

/* A number as Redis writes it: integers as such, others with 17 digits. */
static void number_to_text(lua_State *lua, int i)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%.17g", lua_tonumber(lua, i));
    lua_pushlstring(lua, text, (size_t)len);
    lua_replace(lua, i);
}

/* The arguments stay on the stack, which keeps their bytes where they are. NULL = fine. */
static const char *take_arguments(struct script_engine *e, lua_State *lua, size_t n)
{
    if (n == 0)
        return "ERR Please specify at least one argument for this redis lib call";
    if (n > e->argv_cap) {
        struct resp_arg *grown = realloc(e->argv, n * sizeof *grown);
        if (grown == NULL)
            return "OOM no memory for the arguments";
        e->argv = grown;
        e->argv_cap = n;
    }
    for (int i = 1; i <= (int)n; i++) {
        int type = lua_type(lua, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            return "ERR Lua redis lib command arguments must be strings or integers";
        if (type == LUA_TNUMBER)
            number_to_text(lua, i);
        size_t len;
        const char *text = lua_tolstring(lua, i, &len);
        e->argv[i - 1] = (struct resp_arg){.ptr = text, .len = len};
    }
    return NULL;
}

/* ---- what may be called ---- */

static bool arity_holds(int arity, size_t argc)
{
    return arity >= 0 ? argc == (size_t)arity : argc >= (size_t)-arity;
}

/* The row of a command, or of its subcommand. NULL = there is none. */
static const struct command *row_of(const struct request *rq)
{
    const struct command *c = command_find(rq->server->commands, rq->argv[0].ptr, rq->argv[0].len);
    if (c != NULL && c->subcommands != NULL && rq->argc > 1)
        return command_find_sub(c, rq->argv[1].ptr, rq->argv[1].len);
    return c;
}

/* Sets rq->command to what will run. NULL = fine. */
static const char *find_command(struct request *rq)
{
    const struct command *c = rq->command = row_of(rq);
    if (c == NULL)
        return "ERR Unknown Redis command called from script";
    if (c->fn == NULL || !arity_holds(c->arity, rq->argc))
        return "ERR Wrong number of args calling Redis command from script";
    if (c->flags & CMD_NOSCRIPT)
        return "ERR This Redis command is not allowed from script";
    return NULL;
}

/* ---- which keys are touched ---- */

static bool is_declared(const struct script_run *run, const struct resp_arg *key)
{
    for (size_t i = 0; i < run->keys; i++) {
        const struct resp_arg *k = &run->rq->argv[run->first_key + i];
        if (k->ptr != NULL && k->len == key->len && memcmp(k->ptr, key->ptr, key->len) == 0)
            return true;
    }
    return false;
}

/* While everything is locked the question is whether KEYS would have been enough. */
static bool is_covered(const struct script_run *run, struct request *rq, size_t i)
{
    struct cache_key key;
    const struct resp_arg *a = &rq->argv[i];
    if (run->whole)
        return is_declared(run, a);
    return !cache_key_init(rq->cache, &key, client_db(rq->client), a->ptr, a->len) ||
           cache_holds_key(rq->cache, &key);
}

static bool stays_with_keys(const struct script_run *run, struct request *rq)
{
    int pos[FEW_KEYS];
    const struct command *c = rq->command;
    if (command_is_apart(c))
        return true;
    int n =
        c->flags & CMD_OTHER_DB ? 0 : command_key_positions(c, rq->argc, rq->argv, pos, FEW_KEYS);
    if (n <= 0 || n > FEW_KEYS)
        return false;
    for (int i = 0; i < n; i++)
        if (!is_covered(run, rq, (size_t)pos[i]))
            return false;
    return true;
}

/* A script that strays from its keys is begun again with everything locked, as long as it has
 * changed nothing. NULL = go on. */
static const char *check_keys(struct script_run *run, struct request *rq)
{
    if (run->whole && (run->strayed || run->script->reach != SCRIPT_UNKNOWN))
        return NULL;
    if (stays_with_keys(run, rq))
        return NULL;
    run->strayed = true;
    if (run->whole)
        return NULL;
    atomic_store(&run->script->reach, SCRIPT_WORLD);
    if (!run->wrote) {
        run->stop = SCRIPT_OUT_OF_KEYS;
        return "ERR the script begins again";
    }
    return "ERR Script touched a key that is not in KEYS after it had written. From now on it is "
           "carried out with all keys locked; better declare the key";
}

/* ---- the call ---- */

static const char *run_command(struct script_engine *e, struct request *rq)
{
    struct script_run *run = e->run;
    const char *fault = find_command(rq);
    if (fault != NULL)
        return fault;
    if (run->read_only && rq->command->flags & CMD_WRITE)
        return "ERR Write commands are not allowed from read-only scripts.";
    if (!run->wrote && !dispatch_has_room(rq))
        return "OOM command not allowed when used memory > 'maxmemory'.";
    if ((fault = check_keys(run, rq)) != NULL)
        return fault;
    if (!acl_may_all(rq->client, &rq->server->acl) && !acl_may_run_in_script(rq))
        return NULL;
    if (rq->command->flags & CMD_WRITE) {
        run->wrote = true;
        atomic_store_explicit(&rq->worker->script.wrote, true, memory_order_relaxed);
    }
    dispatch_call(rq);
    return rq->out->failed ? "ERR the reply of the command is too long for a script" : NULL;
}

/* Leaves the value of the reply, or a table with the error, on the stack. */
static bool call_command(lua_State *lua)
{
    struct script_engine *e = script_engine_in(lua);
    size_t n = (size_t)lua_gettop(lua);
    const char *fault = take_arguments(e, lua, n);
    if (fault == NULL) {
        struct request rq = *e->run->rq;
        resp_out_clear(&e->out, OUTPUT_MARK);
        e->out.proto = e->run->resp;
        e->out.most = (size_t)setting_get(&rq.server->settings.script_memory);
        rq.argc = n;
        rq.argv = e->argv;
        rq.out = &e->out;
        fault = run_command(e, &rq);
    }
    if (fault != NULL) {
        script_push_error(lua, fault, strlen(fault));
        return false;
    }
    script_push_reply(lua, &e->out);
    return e->out.data[0] != '-';
}

int script_call(lua_State *lua)
{
    return call_command(lua) ? 1 : lua_error(lua);
}

int script_pcall(lua_State *lua)
{
    bool ok = call_command(lua);
    return !ok && script_engine_in(lua)->run->stop != SCRIPT_GOES_ON ? lua_error(lua) : 1;
}

/* Whether the user may do what the arguments say. */
int script_may_call(lua_State *lua)
{
    struct script_engine *e = script_engine_in(lua);
    size_t n = (size_t)lua_gettop(lua);
    struct request rq = *e->run->rq;
    const char *fault = take_arguments(e, lua, n);
    if (fault == NULL) {
        rq.argc = n;
        rq.argv = e->argv;
        rq.command = row_of(&rq);
        if (rq.command == NULL)
            fault = "ERR Invalid command passed to redis.acl_check_cmd()";
    }
    if (fault != NULL)
        return script_raise(lua, fault);
    lua_pushboolean(lua, acl_would_allow(&rq));
    return 1;
}
