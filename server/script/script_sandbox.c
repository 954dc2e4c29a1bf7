/* What scripts see: the harmless part of Lua's libraries, in tables that they cannot change.
 *
 *   environment {} --metatable--> __index: globals { tostring, string, KEYS, ... }
 *                                          --metatable--> __index: raises the error
 *                                 __newindex: raises the error
 *
 * So looking up what exists costs no call. */
#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "script_engine.h"
#include "script_json.h"

/* The matcher calls itself for items of a pattern, so the depth of the stack follows from this. */
#define PATTERN_MOST 4096

static const char readonly[] = "Attempt to modify a readonly table";

static int no_such_global(lua_State *lua)
{
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                      lua_isstring(lua, 2) ? lua_tostring(lua, 2) : "?");
}

static int refuse_change(lua_State *lua)
{
    return luaL_error(lua, "%s", readonly);
}

void script_protect(lua_State *lua)
{
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_change);
    lua_setfield(lua, -2, "__newindex");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_remove(lua, -2);
}

void script_functions(lua_State *lua, const luaL_Reg *functions)
{
    for (const luaL_Reg *r = functions; r->name != NULL; r++) {
        lua_pushcfunction(lua, r->func);
        lua_setfield(lua, -2, r->name);
    }
}

void script_library(lua_State *lua, const char *name, const luaL_Reg *functions)
{
    lua_newtable(lua);
    script_functions(lua, functions);
    script_protect(lua);
    lua_setfield(lua, -2, name);
}

/* ---- functions in the place of Lua's ---- */

static bool is_protected(lua_State *lua, int i)
{
    if (!lua_getmetatable(lua, i))
        return false;
    lua_getfield(lua, -1, "__newindex");
    bool is = lua_tocfunction(lua, -1) == refuse_change;
    lua_pop(lua, 2);
    return is;
}

static int safe_rawset(lua_State *lua)
{
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkany(lua, 2);
    luaL_checkany(lua, 3);
    if (is_protected(lua, 1))
        return script_raise(lua, "ERR Attempt to modify a readonly table");
    lua_settop(lua, 3);
    lua_rawset(lua, 1);
    return 1;
}

static int safe_setmetatable(lua_State *lua)
{
    int type = lua_type(lua, 2);
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
    if (is_protected(lua, 1))
        return script_raise(lua, "ERR Attempt to modify a readonly table");
    if (luaL_getmetafield(lua, 1, "__metatable"))
        return luaL_error(lua, "cannot change a protected metatable");
    lua_settop(lua, 2);
    lua_setmetatable(lua, 1);
    return 1;
}

/* An error that must end the script is raised again. */
static void let_stop_pass(lua_State *lua)
{
    const struct script_run *run = script_engine_in(lua)->run;
    if (run != NULL && run->stop != SCRIPT_GOES_ON)
        lua_error(lua);
}

/* Tables of errors are told apart from others by their text, as in Redis. */
static int safe_pcall(lua_State *lua)
{
    luaL_checkany(lua, 1);
    int failed = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
    if (failed) {
        let_stop_pass(lua);
        if (lua_istable(lua, -1)) {
            lua_getfield(lua, -1, "err");
            if (!lua_isstring(lua, -1))
                lua_pop(lua, 1);
            else
                lua_replace(lua, -2);
        }
    }
    lua_pushboolean(lua, !failed);
    lua_insert(lua, 1);
    return lua_gettop(lua);
}

static int safe_xpcall(lua_State *lua)
{
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    lua_insert(lua, 1);
    int failed = lua_pcall(lua, 0, LUA_MULTRET, 1);
    if (failed)
        let_stop_pass(lua);
    lua_pushboolean(lua, !failed);
    lua_replace(lua, 1);
    return lua_gettop(lua);
}

/* string.match and its kin, upvalue 1, with patterns of a bounded length. */
static int safe_match(lua_State *lua)
{
    size_t len;
    (void)luaL_checklstring(lua, 2, &len);
    bool plain = lua_toboolean(lua, lua_upvalueindex(2)) && lua_toboolean(lua, 4);
    luaL_argcheck(lua, plain || len <= PATTERN_MOST, 2, "pattern too long");
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}

static int own_random(lua_State *lua)
{
    struct random *r = &script_engine_in(lua)->random;
    double unit = (double)(random_next(r) >> 11) / 9007199254740992.0; /* 2^53 */
    int n = lua_gettop(lua);
    if (n == 0) {
        lua_pushnumber(lua, unit);
        return 1;
    }
    double low = n == 1 ? 1 : (double)luaL_checkint(lua, 1);
    double high = (double)luaL_checkint(lua, n == 1 ? 1 : 2);
    luaL_argcheck(lua, n <= 2, 3, "wrong number of arguments");
    luaL_argcheck(lua, low <= high, n, "interval is empty");
    double steps = unit * (high - low + 1);
    lua_pushnumber(lua, low + (double)(int64_t)steps);
    return 1;
}

static int own_randomseed(lua_State *lua)
{
    script_engine_in(lua)->random.state = (uint64_t)luaL_checkinteger(lua, 1);
    return 0;
}

/* ---- building ---- */

static const char *const from_base[] = {
    "_VERSION", "assert", "error",  "getmetatable", "ipairs", "next",     "pairs",
    "rawequal", "rawget", "select", "tonumber",     "type",   "tostring", "unpack",
};

static const luaL_Reg own_base[] = {
    {"pcall", safe_pcall},
    {"xpcall", safe_xpcall},
    {"rawset", safe_rawset},
    {"setmetatable", safe_setmetatable},
    {NULL, NULL},
};

static const char *const matchers[] = {"find", "match", "gmatch", "gsub"};

static void open_library(lua_State *lua, lua_CFunction open, const char *name)
{
    lua_pushcfunction(lua, open);
    lua_pushstring(lua, name);
    lua_call(lua, 1, 0);
}

/* Moves the library from Lua's globals to ours, on the top of the stack. */
static void take_library(lua_State *lua, const char *name)
{
    lua_getglobal(lua, name);
    script_protect(lua);
    lua_setfield(lua, -2, name);
}

static void narrow_string(lua_State *lua)
{
    lua_getglobal(lua, LUA_STRLIBNAME);
    lua_pushnil(lua);
    lua_setfield(lua, -2, "dump");
    lua_pushnil(lua);
    lua_setfield(lua, -2, "gfind"); /* an old name of gmatch */
    for (size_t i = 0; i < sizeof matchers / sizeof matchers[0]; i++) {
        lua_getfield(lua, -1, matchers[i]);
        lua_pushboolean(lua, strcmp(matchers[i], "find") == 0); /* it can look for plain text */
        lua_pushcclosure(lua, safe_match, 2);
        lua_setfield(lua, -2, matchers[i]);
    }
    lua_pop(lua, 1);
    /* The metatable of all strings leads to the library, and is nobody's to change. */
    lua_pushliteral(lua, "");
    (void)lua_getmetatable(lua, -1);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 2);
}

static void narrow_math(lua_State *lua)
{
    lua_getglobal(lua, LUA_MATHLIBNAME);
    lua_pushcfunction(lua, own_random);
    lua_setfield(lua, -2, "random");
    lua_pushcfunction(lua, own_randomseed);
    lua_setfield(lua, -2, "randomseed");
    lua_pop(lua, 1);
}

/* os.clock() alone. */
static void take_clock(lua_State *lua)
{
    lua_newtable(lua);
    lua_getglobal(lua, LUA_OSLIBNAME);
    lua_getfield(lua, -1, "clock");
    lua_setfield(lua, -3, "clock");
    lua_pop(lua, 1);
    script_protect(lua);
    lua_setfield(lua, -2, LUA_OSLIBNAME);
}

/* Puts the environment in the place of Lua's globals: what is not taken over is gone. */
static void enclose(lua_State *lua)
{
    lua_newtable(lua);
    lua_pushcfunction(lua, no_such_global);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, LUA_REGISTRYINDEX, "globals");
    lua_pushvalue(lua, -1);
    script_protect(lua);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "_G");
    lua_replace(lua, LUA_GLOBALSINDEX);
    lua_pop(lua, 1);
    /* What the libraries left for `require`. */
    lua_pushnil(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, "_LOADED");
}

void script_sandbox(lua_State *lua)
{
    open_library(lua, luaopen_base, "");
    open_library(lua, luaopen_string, LUA_STRLIBNAME);
    open_library(lua, luaopen_table, LUA_TABLIBNAME);
    open_library(lua, luaopen_math, LUA_MATHLIBNAME);
    open_library(lua, luaopen_os, LUA_OSLIBNAME);
    narrow_string(lua);
    narrow_math(lua);
    lua_newtable(lua);
    for (size_t i = 0; i < sizeof from_base / sizeof from_base[0]; i++) {
        lua_getglobal(lua, from_base[i]);
        lua_setfield(lua, -2, from_base[i]);
    }
    script_functions(lua, own_base);
    take_library(lua, LUA_STRLIBNAME);
    take_library(lua, LUA_TABLIBNAME);
    take_library(lua, LUA_MATHLIBNAME);
    take_clock(lua);
    script_json_open(lua);
    script_msgpack_open(lua);
    script_struct_open(lua);
    script_bit_open(lua);
    script_api(lua);
    enclose(lua);
}
