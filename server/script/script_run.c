/* Carrying out a script: what is locked, how long it may take, what its errors say. */
#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "options/option.h"
#include "request.h"
#include "script_engine.h"
#include "server.h"
#include "transaction/key_set.h"

/* Instructions between two looks at the clock and at who wants the script to end. */
#define LOOK_EVERY 10000

const struct option options_script[] = {
    {.name = "lua-memory-limit",
     .kind = OPTION_MEMORY,
     .at = offsetof(struct settings, script_memory),
     .min = 1 << 20,
     .max = INT64_MAX,
     .preset = "64mb",
     .summary = "memory that the scripts of one thread may take"},
    {.name = "script-cache-limit",
     .kind = OPTION_MEMORY,
     .at = offsetof(struct settings, script_cache),
     .min = 1 << 16,
     .max = INT64_MAX,
     .preset = "16mb",
     .summary = "memory of the texts of scripts; those used longest ago are forgotten"},
    {.name = "lua-time-limit",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, script_busy_ms),
     .max = INT32_MAX,
     .preset = "5000",
     .summary =
         "milliseconds after which a script that others wait for makes them answer BUSY; 0 = "
         "never"},
    {.name = "busy-reply-threshold",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, script_busy_ms),
     .max = INT32_MAX,
     .preset = "5000",
     .summary = "the same as lua-time-limit"},
    {.name = "script-time-max",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, script_most_ms),
     .max = INT32_MAX,
     .preset = "60000",
     .summary = "milliseconds after which a script is ended; 0 = never"},
    {.name = NULL},
};

/* ---- ending a script ---- */

/* Whether the script must end, and why; from time to time. */
static enum script_stop must_stop(struct script_run *run)
{
    struct worker *w = run->rq->worker;
    const struct settings *s = &w->server->settings;
    int64_t most = setting_get(&s->script_most_ms), busy = setting_get(&s->script_busy_ms);
    int64_t spent = clock_mono_us() - run->start_us;
    if (busy > 0 && spent > busy * 1000 && !run->busy) {
        run->busy = true;
        atomic_fetch_add(&w->server->busy, 1);
    }
    if (atomic_load_explicit(&w->script.kill_us, memory_order_relaxed) == run->start_us &&
        !run->wrote)
        return SCRIPT_KILLED;
    if (atomic_load_explicit(&w->server->stopping, memory_order_relaxed))
        return SCRIPT_NO_SERVER;
    return most > 0 && spent > most * 1000 ? SCRIPT_TOO_LONG : SCRIPT_GOES_ON;
}

static const char *const reasons[] = {
    [SCRIPT_KILLED] = "ERR Script killed by user with SCRIPT KILL.",
    [SCRIPT_TOO_LONG] = "ERR Script ran for longer than script-time-max.",
    [SCRIPT_NO_SERVER] = "ERR Script ended because the server stops.",
    [SCRIPT_OUT_OF_KEYS] = "ERR the script begins again",
};

static void look(lua_State *lua, lua_Debug *ar)
{
    struct script_run *run = script_engine_in(lua)->run;
    (void)ar;
    if (run->stop == SCRIPT_GOES_ON)
        run->stop = must_stop(run);
    if (run->stop == SCRIPT_GOES_ON)
        return;
    /* Each line fails from now on, so that the script cannot go on by catching the error. */
    (void)lua_sethook(lua, look, LUA_MASKLINE, 0);
    (void)script_raise(lua, reasons[run->stop]);
}

/* The one of another worker that has run for longest, and since when. */
static struct script_activity *longest(struct request *rq, int64_t *since_us)
{
    struct script_activity *found = NULL;
    *since_us = INT64_MAX;
    for (unsigned i = 0; i < rq->server->worker_count; i++) {
        struct worker *w = rq->server->workers[i];
        int64_t since = atomic_load(&w->script.since_us);
        if (since == 0 || since >= *since_us || w == rq->worker)
            continue;
        *since_us = since;
        found = &w->script;
    }
    return found;
}

void script_kill(struct request *rq)
{
    int64_t since_us;
    struct script_activity *a = longest(rq, &since_us);
    if (a == NULL) {
        resp_error(rq->out, "NOTBUSY No scripts in execution right now.");
    } else if (atomic_load(&a->wrote)) {
        resp_error(rq->out,
                   "UNKILLABLE Sorry the script already executed write commands against the "
                   "dataset. You can either wait the script termination or kill the server in a "
                   "hard way using the SHUTDOWN NOSAVE command.");
    } else {
        atomic_store(&a->kill_us, since_us);
        resp_ok(rq->out);
    }
}

/* ---- inside Lua ---- */

/* Turns an error into a table {err, source, line}: `line` is where it was raised. */
static int describe_error(lua_State *lua)
{
    lua_Debug at;
    bool known = lua_getstack(lua, 1, &at) && lua_getinfo(lua, "Sl", &at);
    if (known && strcmp(at.what, "C") == 0)
        known = lua_getstack(lua, 2, &at) && lua_getinfo(lua, "Sl", &at);
    if (!lua_istable(lua, 1)) {
        const char *text = lua_tostring(lua, 1);
        lua_newtable(lua);
        lua_pushfstring(lua, "ERR %s", text != NULL ? text : "unknown error");
        lua_setfield(lua, -2, "err");
        lua_replace(lua, 1);
    }
    lua_settop(lua, 1);
    if (known) {
        lua_pushstring(lua, at.source);
        lua_setfield(lua, 1, "source");
        lua_pushinteger(lua, at.currentline);
        lua_setfield(lua, 1, "line");
    }
    return 1;
}

/* Replaces the error on the top by {err = "text script: id, on source:line."}. */
static void finish_error(lua_State *lua, const struct script *s)
{
    if (!lua_istable(lua, -1)) {
        lua_pushfstring(lua, "ERR %s script: %s.", lua_tostring(lua, -1), s->id);
    } else {
        lua_getfield(lua, -1, "err");
        lua_getfield(lua, -2, "source");
        lua_getfield(lua, -3, "line");
        const char *text = lua_tostring(lua, -3), *source = lua_tostring(lua, -2);
        if (text == NULL)
            text = "ERR unknown error";
        if (source != NULL)
            lua_pushfstring(lua, "%s script: %s, on %s:%d.", text, s->id, source,
                            (int)lua_tointeger(lua, -1));
        else
            lua_pushfstring(lua, "%s script: %s.", text, s->id);
    }
    lua_newtable(lua);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, "err");
}

/* A table of arguments as the global `name`. */
static void set_arguments(lua_State *lua, struct script_run *run, const char *name, size_t first,
                          size_t n)
{
    lua_createtable(lua, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *text = request_flat(run->rq, first + i, &len);
        if (text == NULL) {
            run->replied = true;
            (void)lua_error(lua);
        }
        lua_pushlstring(lua, text, len);
        lua_rawseti(lua, -2, (int)i + 1);
    }
    lua_setfield(lua, -2, name);
}

static void push_compile_error(lua_State *lua)
{
    lua_pushfstring(lua, "ERR Error compiling script (new function): %s", lua_tostring(lua, -1));
    lua_newtable(lua);
    lua_insert(lua, -2);
    lua_setfield(lua, -2, "err");
}

/* In: the run. Out: the value of the script, or a table with its error. */
static int run_in_lua(lua_State *lua)
{
    struct script_run *run = lua_touserdata(lua, 1);
    size_t args = run->first_key + run->keys;
    lua_getfield(lua, LUA_REGISTRYINDEX, "globals");
    set_arguments(lua, run, "KEYS", run->first_key, run->keys);
    set_arguments(lua, run, "ARGV", args, run->rq->argc - args);
    lua_pushcfunction(lua, describe_error);
    if (!script_engine_push(script_engine_in(lua), run->script)) {
        push_compile_error(lua);
        return 1;
    }
    (void)lua_sethook(lua, look, LUA_MASKCOUNT, LOOK_EVERY);
    int failed = lua_pcall(lua, 0, 1, -2);
    (void)lua_sethook(lua, NULL, 0, 0);
    if (failed)
        finish_error(lua, run->script);
    return 1;
}

static int reply_in_lua(lua_State *lua)
{
    script_write_reply(lua, script_engine_in(lua)->run);
    return 0;
}

static int check_in_lua(lua_State *lua)
{
    if (script_engine_push(script_engine_in(lua), lua_touserdata(lua, 1)))
        return 0;
    push_compile_error(lua);
    return 1;
}

void script_run_set_up(lua_State *lua)
{
    static const lua_CFunction functions[SCRIPT_FNS] = {
        [SCRIPT_FN_RUN] = run_in_lua,
        [SCRIPT_FN_REPLY] = reply_in_lua,
        [SCRIPT_FN_CHECK] = check_in_lua,
    };
    for (int f = SCRIPT_FN_RUN; f < SCRIPT_FNS; f++) {
        lua_pushcfunction(lua, functions[f]);
        lua_rawseti(lua, LUA_REGISTRYINDEX, f);
    }
}

/* ---- outside ---- */

/* An error that came without our handler: of memory, mostly. */
static void reply_bare_error(struct script_run *run, lua_State *lua)
{
    const char *text = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "unknown error";
    if (!run->replied)
        resp_errorf(run->rq->out, "ERR %s script: %s.", text, run->script->id);
}

/* Calls one of them with the value on the top of the stack. */
static int call_function(lua_State *lua, enum script_function f, int results)
{
    lua_rawgeti(lua, LUA_REGISTRYINDEX, (int)f);
    lua_insert(lua, -2);
    return lua_pcall(lua, 1, results, 0);
}

static void carry_out(struct script_engine *e, struct script_run *run, int *failed)
{
    struct script_activity *a = &e->worker->script;
    e->run = run;
    script_json_preset(&e->json);
    run->start_us = clock_mono_us();
    atomic_store(&a->wrote, false);
    atomic_store(&a->since_us, run->start_us);
    lua_pushlightuserdata(e->lua, run);
    *failed = call_function(e->lua, SCRIPT_FN_RUN, 1);
    (void)lua_sethook(e->lua, NULL, 0, 0);
    atomic_store(&a->since_us, 0);
    if (run->busy)
        atomic_fetch_sub(&e->worker->server->busy, 1);
    run->busy = false;
}

static bool lock_keys(struct script_run *run, struct key_set *set)
{
    struct request *rq = run->rq;
    run->whole = cache_holds_world(rq->cache) || atomic_load(&run->script->reach) != SCRIPT_KEYS;
    if (cache_holds_world(rq->cache))
        return true;
    set->whole = run->whole;
    if (!set->whole && !key_set_add_arguments(set, rq, run->first_key, run->keys))
        return false;
    return key_set_lock(set, rq->cache);
}

/* Once, or twice when it turns out that KEYS are not all that it touches. */
static bool run_locked(struct script_engine *e, struct script_run *run, int *failed)
{
    for (;;) {
        bool nested = cache_holds_world(run->rq->cache);
        struct key_set set = {0};
        bool ok = lock_keys(run, &set);
        if (ok) {
            carry_out(e, run, failed);
            if (!nested)
                key_set_unlock(&set, run->rq->cache);
        }
        key_set_free(&set);
        if (!ok || run->stop != SCRIPT_OUT_OF_KEYS)
            return ok;
        run->stop = SCRIPT_GOES_ON;
        run->strayed = false;
        lua_settop(e->lua, 0);
    }
}

void script_run(struct script_run *run)
{
    struct request *rq = run->rq;
    struct client *c = rq->client;
    struct script_engine *e = script_engine_of(rq->worker);
    unsigned db = client_db(c);
    int failed = 0;
    run->resp = 2;
    if (e == NULL || e->run != NULL || !run_locked(e, run, &failed)) {
        reply_oom(rq);
        return;
    }
    /* SELECT is the script's own. */
    atomic_store_explicit(&c->db, db, memory_order_relaxed);
    unsigned unknown = SCRIPT_UNKNOWN;
    atomic_compare_exchange_strong(&run->script->reach, &unknown,
                                   run->strayed ? SCRIPT_WORLD : SCRIPT_KEYS);
    if (failed)
        reply_bare_error(run, e->lua);
    else if (call_function(e->lua, SCRIPT_FN_REPLY, 0) != 0)
        rq->out->failed = true; /* in the middle of a reply, there is no way back */
    e->run = NULL;
    lua_settop(e->lua, 0);
    script_engine_tidy(e);
}

bool script_check(struct request *rq, const struct script *s)
{
    struct script_engine *e = script_engine_of(rq->worker);
    if (e == NULL) {
        reply_oom(rq);
        return false;
    }
    lua_pushlightuserdata(e->lua, (void *)(uintptr_t)s);
    int failed = call_function(e->lua, SCRIPT_FN_CHECK, 1);
    bool ok = !failed && lua_isnil(e->lua, -1);
    if (!ok && failed) {
        reply_oom(rq);
    } else if (!ok) {
        struct script_run run = {.rq = rq, .resp = 2};
        e->run = &run;
        if (call_function(e->lua, SCRIPT_FN_REPLY, 0) != 0)
            rq->out->failed = true;
        e->run = NULL;
    }
    lua_settop(e->lua, 0);
    return ok;
}
