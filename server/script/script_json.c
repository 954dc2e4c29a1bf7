#include "script_json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "script_buffer.h"
#include "script_engine.h"

void script_json_preset(struct script_json *settings)
{
    *settings = (struct script_json){
        .encode_depth = JSON_DEPTH_MOST,
        .decode_depth = JSON_DEPTH_MOST,
        .precision = 14,
        .sparse_ratio = 2,
        .sparse_safe = 10,
        .decode_odd = true,
    };
}

static struct script_json *settings_of(lua_State *lua)
{
    return &script_engine_in(lua)->json;
}

/* ---- writing ---- */

struct encoder {
    const struct script_json *settings;
    struct script_buffer out;
};

static int refuse(struct encoder *e, int at, const char *reason)
{
    lua_State *lua = e->out.lua;
    return luaL_error(lua, "Cannot serialise %s: %s", luaL_typename(lua, at), reason);
}

static void add_text(struct encoder *e, const char *text)
{
    script_buffer_add(&e->out, text, strlen(text));
}

/* How the byte is written in a string: NULL = as it is. */
static const char *escape_of(unsigned char c, char code[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '/':
        return "\\/";
    case '\b':
        return "\\b";
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\f':
        return "\\f";
    case '\r':
        return "\\r";
    default:
        if (c >= ' ' && c != 127)
            return NULL;
        snprintf(code, 8, "\\u%04x", c);
        return code;
    }
}

static void encode_string(struct encoder *e, int at)
{
    size_t len, plain = 0;
    const char *text = lua_tolstring(e->out.lua, at, &len);
    char code[8];
    add_text(e, "\"");
    for (size_t i = 0; i < len; i++) {
        const char *escape = escape_of((unsigned char)text[i], code);
        if (escape == NULL)
            continue;
        script_buffer_add(&e->out, text + plain, i - plain);
        add_text(e, escape);
        plain = i + 1;
    }
    script_buffer_add(&e->out, text + plain, len - plain);
    add_text(e, "\"");
}

static void encode_number(struct encoder *e, int at)
{
    double n = lua_tonumber(e->out.lua, at);
    char text[64];
    if (isfinite(n)) {
        snprintf(text, sizeof text, "%.*g", e->settings->precision, n);
        add_text(e, text);
    } else if (e->settings->encode_odd == JSON_ODD_REFUSED) {
        (void)refuse(e, at, "must not be NaN or Inf");
    } else if (e->settings->encode_odd == JSON_ODD_NULL) {
        add_text(e, "null");
    } else {
        add_text(e, isnan(n) ? "nan" : n < 0 ? "-inf" : "inf");
    }
}

/* The largest index of a table that is an array; -1 when it is an object. */
static int array_length(struct encoder *e)
{
    lua_State *lua = e->out.lua;
    double most = 0;
    int items = 0;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1), items++) {
        double key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
        if (!(key >= 1 && key <= INT32_MAX) || floor(key) != key) {
            lua_pop(lua, 2);
            return -1;
        }
        if (key > most)
            most = key;
    }
    if (e->settings->sparse_ratio > 0 && most > e->settings->sparse_safe &&
        most > (double)items * e->settings->sparse_ratio) {
        if (!e->settings->sparse_as_object)
            (void)refuse(e, -1, "excessively sparse array");
        return -1;
    }
    return (int)most;
}

static void encode_value(struct encoder *e, int depth);

static void encode_array(struct encoder *e, int len, int depth)
{
    lua_State *lua = e->out.lua;
    add_text(e, "[");
    for (int i = 1; i <= len; i++) {
        if (i > 1)
            add_text(e, ",");
        lua_rawgeti(lua, -1, i);
        encode_value(e, depth);
        lua_pop(lua, 1);
    }
    add_text(e, "]");
}

static void encode_object(struct encoder *e, int depth)
{
    lua_State *lua = e->out.lua;
    bool first = true;
    add_text(e, "{");
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1)) {
        if (!first)
            add_text(e, ",");
        first = false;
        if (lua_type(lua, -2) == LUA_TNUMBER) {
            add_text(e, "\"");
            encode_number(e, -2);
            add_text(e, "\":");
        } else if (lua_type(lua, -2) == LUA_TSTRING) {
            encode_string(e, -2);
            add_text(e, ":");
        } else {
            (void)refuse(e, -2, "table key must be a number or string");
        }
        encode_value(e, depth);
    }
    add_text(e, "}");
}

static void encode_table(struct encoder *e, int depth)
{
    /* A key, a value and the buffer that grows. */
    if (depth > e->settings->encode_depth || !lua_checkstack(e->out.lua, 4))
        (void)luaL_error(e->out.lua, "Cannot serialise, excessive nesting (%d)", depth);
    int len = array_length(e);
    if (len > 0)
        encode_array(e, len, depth);
    else
        encode_object(e, depth);
}

/* The value on the top of the stack; it stays there. */
static void encode_value(struct encoder *e, int depth)
{
    lua_State *lua = e->out.lua;
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
        encode_string(e, -1);
        break;
    case LUA_TNUMBER:
        encode_number(e, -1);
        break;
    case LUA_TBOOLEAN:
        add_text(e, lua_toboolean(lua, -1) ? "true" : "false");
        break;
    case LUA_TTABLE:
        encode_table(e, depth + 1);
        break;
    case LUA_TNIL:
        add_text(e, "null");
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua, -1) == NULL) {
            add_text(e, "null");
            break;
        }
        /* fall through */
    default:
        (void)refuse(e, -1, "type not supported");
    }
}

static int json_encode(lua_State *lua)
{
    struct encoder e = {.settings = settings_of(lua)};
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    script_buffer_begin(&e.out, lua);
    lua_pushvalue(lua, 1);
    encode_value(&e, 0);
    script_buffer_push(&e.out);
    return 1;
}

/* ---- settings: each takes what to set, if anything, and returns what is set ---- */

static void set_integer(lua_State *lua, int at, int *setting, int least, int most)
{
    if (!lua_isnoneornil(lua, at)) {
        double n = luaL_checknumber(lua, at);
        if (!(n >= least && n <= most))
            (void)luaL_error(lua, "expected integer between %d and %d", least, most);
        *setting = (int)n;
    }
    lua_pushinteger(lua, *setting);
}

static int json_encode_max_depth(lua_State *lua)
{
    set_integer(lua, 1, &settings_of(lua)->encode_depth, 1, JSON_DEPTH_MOST);
    return 1;
}

static int json_decode_max_depth(lua_State *lua)
{
    set_integer(lua, 1, &settings_of(lua)->decode_depth, 1, JSON_DEPTH_MOST);
    return 1;
}

static int json_encode_number_precision(lua_State *lua)
{
    set_integer(lua, 1, &settings_of(lua)->precision, 1, 17);
    return 1;
}

static int json_encode_sparse_array(lua_State *lua)
{
    struct script_json *s = settings_of(lua);
    lua_settop(lua, 3);
    if (!lua_isnil(lua, 1))
        s->sparse_as_object = lua_toboolean(lua, 1);
    lua_pushboolean(lua, s->sparse_as_object);
    set_integer(lua, 2, &s->sparse_ratio, 0, INT32_MAX);
    set_integer(lua, 3, &s->sparse_safe, 0, INT32_MAX);
    return 3;
}

static int json_encode_invalid_numbers(lua_State *lua)
{
    struct script_json *s = settings_of(lua);
    lua_settop(lua, 1);
    if (lua_type(lua, 1) == LUA_TSTRING && strcmp(lua_tostring(lua, 1), "null") == 0)
        s->encode_odd = JSON_ODD_NULL;
    else if (!lua_isnil(lua, 1))
        s->encode_odd = lua_toboolean(lua, 1) ? JSON_ODD_WRITTEN : JSON_ODD_REFUSED;
    if (s->encode_odd == JSON_ODD_NULL)
        lua_pushliteral(lua, "null");
    else
        lua_pushboolean(lua, s->encode_odd == JSON_ODD_WRITTEN);
    return 1;
}

static int json_decode_invalid_numbers(lua_State *lua)
{
    struct script_json *s = settings_of(lua);
    if (!lua_isnoneornil(lua, 1))
        s->decode_odd = lua_toboolean(lua, 1);
    lua_pushboolean(lua, s->decode_odd);
    return 1;
}

/* No buffer is kept, whatever is asked for. */
static int json_encode_keep_buffer(lua_State *lua)
{
    lua_pushboolean(lua, 0);
    return 1;
}

static const luaL_Reg functions[] = {
    {"encode", json_encode},
    {"decode", script_json_decode},
    {"encode_max_depth", json_encode_max_depth},
    {"decode_max_depth", json_decode_max_depth},
    {"encode_number_precision", json_encode_number_precision},
    {"encode_sparse_array", json_encode_sparse_array},
    {"encode_invalid_numbers", json_encode_invalid_numbers},
    {"decode_invalid_numbers", json_decode_invalid_numbers},
    {"encode_keep_buffer", json_encode_keep_buffer},
    {NULL, NULL},
};

void script_json_open(lua_State *lua)
{
    lua_newtable(lua);
    lua_pushlightuserdata(lua, NULL);
    lua_setfield(lua, -2, "null");
    script_functions(lua, functions);
    script_protect(lua);
    lua_setfield(lua, -2, "cjson");
}
