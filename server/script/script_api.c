/* The table `redis` of scripts. */
#include <lauxlib.h>
#include <string.h>

#include "acl/acl.h"
#include "script_engine.h"
#include "server.h"

int script_raise(lua_State *lua, const char *error)
{
    script_push_error(lua, error, strlen(error));
    return lua_error(lua);
}

static int api_sha1hex(lua_State *lua)
{
    if (lua_gettop(lua) != 1)
        return script_raise(lua, "ERR wrong number of arguments");
    char id[SCRIPT_ID + 1];
    size_t len;
    const char *text = lua_tolstring(lua, 1, &len);
    script_id(text != NULL ? text : "", text != NULL ? len : 0, id);
    lua_pushlstring(lua, id, SCRIPT_ID);
    return 1;
}

/* Not raised, but returned, as Redis does. */
static bool takes_one_string(lua_State *lua)
{
    if (lua_gettop(lua) == 1 && lua_type(lua, 1) == LUA_TSTRING)
        return true;
    static const char text[] = "ERR wrong number or type of arguments";
    script_push_error(lua, text, sizeof text - 1);
    return false;
}

static int api_error_reply(lua_State *lua)
{
    size_t len;
    if (takes_one_string(lua)) {
        const char *text = lua_tolstring(lua, 1, &len);
        script_push_error(lua, text, len);
    }
    return 1;
}

static int api_status_reply(lua_State *lua)
{
    if (takes_one_string(lua)) {
        lua_newtable(lua);
        lua_pushvalue(lua, 1);
        lua_setfield(lua, -2, "ok");
    }
    return 1;
}

static const char *const log_levels[] = {"debug", "verbose", "notice", "warning"};
enum log_level { LOG_LEVELS = sizeof log_levels / sizeof log_levels[0] };
#define LOGGED_FROM 2 /* notice, Redis's default */
#define LOGGED_MOST 1024

/* To standard error, where the server's other messages go. */
static int api_log(lua_State *lua)
{
    int n = lua_gettop(lua);
    if (n < 2)
        return script_raise(lua, "ERR redis.log() requires two arguments or more.");
    if (!lua_isnumber(lua, 1))
        return script_raise(lua, "ERR First argument must be a number (log level).");
    int level = (int)lua_tonumber(lua, 1);
    if (level < 0 || level >= LOG_LEVELS)
        return script_raise(lua, "ERR Invalid debug level.");
    if (level < LOGGED_FROM)
        return 0;
    char text[LOGGED_MOST] = "";
    size_t at = 0;
    for (int i = 2; i <= n; i++) {
        size_t len;
        const char *part = lua_tolstring(lua, i, &len);
        if (part == NULL)
            continue;
        if (at > 0 && at < sizeof text)
            text[at++] = ' ';
        for (size_t j = 0; j < len && at < sizeof text; j++)
            text[at++] = (unsigned char)part[j] < ' ' ? ' ' : part[j];
    }
    fprintf(stderr, "zscache-server: script: %s: %.*s\n", log_levels[level], (int)at, text);
    return 0;
}

static int api_setresp(lua_State *lua)
{
    struct script_run *run = script_engine_in(lua)->run;
    if (lua_gettop(lua) != 1)
        return script_raise(lua, "ERR redis.setresp() requires one argument.");
    int resp = lua_isnumber(lua, 1) ? (int)lua_tonumber(lua, 1) : 0;
    if (resp != 2 && resp != 3)
        return script_raise(lua, "ERR RESP version must be 2 or 3.");
    run->resp = (uint8_t)resp;
    return 0;
}

enum { REPL_NONE, REPL_AOF, REPL_REPLICA, REPL_ALL };

/* There is no replication, so that any choice is carried out. */
static int api_true(lua_State *lua)
{
    lua_pushboolean(lua, 1);
    return 1;
}

static int api_false(lua_State *lua)
{
    lua_pushboolean(lua, 0);
    return 1;
}

static int api_set_repl(lua_State *lua)
{
    if (lua_gettop(lua) != 1)
        return script_raise(lua, "ERR redis.set_repl() requires two arguments.");
    double flags = lua_tonumber(lua, 1);
    if (!(flags >= REPL_NONE && flags <= REPL_ALL))
        return script_raise(lua, "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, "
                                 "REPL_ALL or REPL_NONE.");
    return 0;
}

static int api_nothing(lua_State *lua)
{
    (void)lua;
    return 0;
}

static const luaL_Reg functions[] = {
    {"call", script_call},
    {"pcall", script_pcall},
    {"sha1hex", api_sha1hex},
    {"error_reply", api_error_reply},
    {"status_reply", api_status_reply},
    {"log", api_log},
    {"setresp", api_setresp},
    {"acl_check_cmd", script_may_call},
    {"replicate_commands", api_true},
    {"set_repl", api_set_repl},
    {"breakpoint", api_false},
    {"debug", api_nothing},
    {NULL, NULL},
};

static const struct {
    const char *name;
    int value;
} constants[] = {
    {"LOG_DEBUG", 0},
    {"LOG_VERBOSE", 1},
    {"LOG_NOTICE", 2},
    {"LOG_WARNING", 3},
    {"REPL_NONE", REPL_NONE},
    {"REPL_AOF", REPL_AOF},
    {"REPL_SLAVE", REPL_REPLICA},
    {"REPL_REPLICA", REPL_REPLICA},
    {"REPL_ALL", REPL_ALL},
    {"REDIS_VERSION_NUM", REDIS_VERSION_NUM},
};

void script_api(lua_State *lua)
{
    lua_newtable(lua);
    script_functions(lua, functions);
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        lua_pushinteger(lua, constants[i].value);
        lua_setfield(lua, -2, constants[i].name);
    }
    lua_pushliteral(lua, REDIS_VERSION);
    lua_setfield(lua, -2, "REDIS_VERSION");
    script_protect(lua);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "redis");
    lua_setfield(lua, -2, "server"); /* Valkey's name of it */
}
