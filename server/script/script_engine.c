#include "script_engine.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

/* Memory is told to the cache in steps of this many bytes. */
#define CHARGE_STEP ((size_t)64 << 10)
/* Functions that are kept compiled. */
#define COMPILED_MOST 256
/* What the state may hold between scripts before its garbage is collected. */
#define TIDY_FROM ((size_t)1 << 20)
#define OUT_KEEP  ((size_t)64 << 10)

static const char compiled_key[] = "compiled";

static bool charge(struct script_engine *e, size_t bytes)
{
    struct cache *cache = e->worker->server->cache;
    size_t steps = (bytes + CHARGE_STEP - 1) / CHARGE_STEP * CHARGE_STEP;
    if (steps > e->charged && !cache_may_charge(cache, steps - e->charged))
        return false;
    cache_charge(cache, (int64_t)steps - (int64_t)e->charged);
    e->charged = steps;
    return true;
}

static void *allocate(void *arg, void *old, size_t old_size, size_t size)
{
    struct script_engine *e = arg;
    size_t bytes = e->bytes - old_size + size;
    if (size == 0) {
        free(old);
    } else if (size > old_size) {
        size_t limit = (size_t)setting_get(&e->worker->server->settings.script_memory);
        if (bytes > limit || (bytes > e->charged && !charge(e, bytes)))
            return NULL;
        old = realloc(old, size);
        if (old == NULL)
            return NULL;
    } else {
        /* Lua relies on this not failing. */
        void *smaller = realloc(old, size);
        if (smaller != NULL)
            old = smaller;
    }
    e->bytes = bytes;
    atomic_store_explicit(&e->worker->script.bytes, bytes, memory_order_relaxed);
    if (bytes + 2 * CHARGE_STEP < e->charged)
        (void)charge(e, bytes);
    return size == 0 ? NULL : old;
}

static void forget_compiled(lua_State *lua)
{
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, compiled_key);
}

static int set_up(lua_State *lua)
{
    script_sandbox(lua);
    script_run_set_up(lua);
    forget_compiled(lua);
    return 0;
}

struct script_engine *script_engine_of(struct worker *w)
{
    if (w->engine != NULL)
        return w->engine;
    struct script_engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->worker = w;
    if (!random_secret(&e->random.state, sizeof e->random.state))
        e->random.state = w->index;
    resp_out_init(&e->out, 2);
    e->lua = lua_newstate(allocate, e);
    if (e->lua == NULL || lua_cpcall(e->lua, set_up, NULL) != 0) {
        script_engine_destroy(e);
        return NULL;
    }
    w->engine = e;
    return e;
}

void script_engine_destroy(struct script_engine *e)
{
    if (e == NULL)
        return;
    if (e->lua != NULL)
        lua_close(e->lua);
    cache_charge(e->worker->server->cache, -(int64_t)e->charged);
    resp_out_free(&e->out);
    free(e->argv);
    free(e);
}

bool script_engine_push(struct script_engine *e, const struct script *s)
{
    lua_State *lua = e->lua;
    uint64_t flushes = atomic_load(&e->worker->server->scripts.flushes);
    if (flushes != e->flushes || e->compiled >= COMPILED_MOST) {
        forget_compiled(lua);
        e->compiled = 0;
        e->flushes = flushes;
    }
    lua_getfield(lua, LUA_REGISTRYINDEX, compiled_key);
    lua_getfield(lua, -1, s->id);
    if (!lua_isnil(lua, -1)) {
        lua_remove(lua, -2);
        return true;
    }
    lua_pop(lua, 1);
    const char *text = s->text + s->body;
    size_t len = s->len - s->body;
    if (len > 0 && text[0] == LUA_SIGNATURE[0]) {
        /* What has been compiled elsewhere may do anything: only text is taken. */
        lua_pushliteral(lua, "user_script:1: unexpected symbol near 'char(27)'");
        return false;
    }
    if (luaL_loadbuffer(lua, text, len, "@user_script") != 0)
        return false;
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, s->id);
    lua_remove(lua, -2);
    e->compiled++;
    return true;
}

void script_engine_tidy(struct script_engine *e)
{
    if (e->bytes > TIDY_FROM)
        (void)lua_gc(e->lua, LUA_GCCOLLECT, 0);
    resp_out_clear(&e->out, OUT_KEEP);
    if (e->argv_cap > OUT_KEEP / sizeof *e->argv) {
        free(e->argv);
        e->argv = NULL;
        e->argv_cap = 0;
    }
}
