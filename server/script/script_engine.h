/* The Lua state of one worker: made when it runs its first script, with an allocator that keeps to
 * a limit and tells the cache what it holds. Only the files script_*.c see Lua. */
#ifndef SERVER_SCRIPT_ENGINE_H
#define SERVER_SCRIPT_ENGINE_H

#include <lua.h>

#include "base/random.h"
#include "command.h"
#include "script_cache.h"
#include "script_json.h"

/* Why a script must end, whatever it catches. */
enum script_stop {
    SCRIPT_GOES_ON,
    SCRIPT_KILLED,      /* by SCRIPT KILL */
    SCRIPT_TOO_LONG,    /* script-time-max */
    SCRIPT_NO_SERVER,   /* it stops */
    SCRIPT_OUT_OF_KEYS, /* needs more than the keys that are locked; nothing is written yet */
};

/* A script that is being carried out. */
struct script_run {
    struct request *rq; /* the EVAL */
    struct script *script;
    size_t first_key, keys; /* arguments; those behind them are ARGV */
    bool read_only;
    bool whole;   /* everything is locked, not just its keys */
    bool strayed; /* touched more than its keys */
    bool wrote;
    bool busy; /* counted as such */
    enum script_stop stop;
    int64_t start_us;
    bool replied;
    uint8_t resp; /* in which commands answer it */
};

struct script_engine {
    struct worker *worker;
    lua_State *lua;
    size_t bytes, charged;
    unsigned compiled; /* functions that are kept */
    uint64_t flushes;  /* of the cache, when they were compiled */
    struct random random;
    struct script_json json; /* settings that a script has made */
    struct resp_out out;     /* the reply of a command that a script called */
    struct resp_arg *argv;
    size_t argv_cap;
    struct script_run *run; /* NULL: none */
};

/* The worker's, made when there is none. NULL: no memory. */
struct script_engine *script_engine_of(struct worker *w);
void script_engine_destroy(struct script_engine *e);
static inline struct script_engine *script_engine_in(lua_State *lua)
{
    void *e;
    (void)lua_getallocf(lua, &e);
    return e;
}
/* Pushes the function of a script, compiled if need be. False: pushes what is wrong. May raise an
 * error of memory. */
bool script_engine_push(struct script_engine *e, const struct script *s);
/* After a script: forgets what is too much to keep. */
void script_engine_tidy(struct script_engine *e);

/* ---- script_sandbox.c ---- */

/* Sets up what scripts see, but for `redis`. Called in a protected call. */
void script_sandbox(lua_State *lua);
/* Makes the table on the top of the stack one that scripts can read only: replaces it by an empty
 * one that leads to it. */
void script_protect(lua_State *lua);
/* Adds functions to the table on the top of the stack. */
struct luaL_Reg;
void script_functions(lua_State *lua, const struct luaL_Reg *functions);
/* Adds a table of functions that scripts can only read to the one on the top of the stack. */
void script_library(lua_State *lua, const char *name, const struct luaL_Reg *functions);

/* ---- the libraries, each in a file of its own ---- */

/* Add `bit`, `cmsgpack` and `struct` to the table on the top of the stack; `cjson` is in
 * script_json.h. */
void script_bit_open(lua_State *lua);
void script_msgpack_open(lua_State *lua);
void script_struct_open(lua_State *lua);

/* ---- script_api.c ---- */

/* Adds `redis` to the table on the top of the stack. */
void script_api(lua_State *lua);
/* Raises a table with `err`, as Redis's functions do. */
int script_raise(lua_State *lua, const char *error);

/* ---- script_call.c ---- */

/* redis.call() and redis.pcall(). */
int script_call(lua_State *lua);
int script_pcall(lua_State *lua);
int script_may_call(lua_State *lua);

/* ---- script_reply.c ---- */

/* Pushes the value of a whole reply. */
void script_push_reply(lua_State *lua, const struct resp_out *out);
/* Writes the value on the top of the stack as the reply of a script. */
void script_write_reply(lua_State *lua, struct script_run *run);
/* Pushes {err = text} with Redis's rules for codes. */
void script_push_error(lua_State *lua, const char *text, size_t len);

/* ---- script_run.c ---- */

/* Puts the functions that are called from outside into the registry, since making them at each call
 * might fail outside of a protected call. */
enum script_function { SCRIPT_FN_RUN = 1, SCRIPT_FN_REPLY, SCRIPT_FN_CHECK, SCRIPT_FNS };
void script_run_set_up(lua_State *lua);
/* Carries a script out and replies. */
void script_run(struct script_run *run);
/* Compiles it. False: the error is replied. */
bool script_check(struct request *rq, const struct script *s);
/* Asks scripts of other workers to end. Replies. Any thread. */
void script_kill(struct request *rq);

#endif
