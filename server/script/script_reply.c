/* Values between RESP and Lua, as Redis converts them. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script_engine.h"
#include "server.h"

/* Tables in tables that a script may return. */
#define NESTED_MOST 500

/* ---- errors ---- */

/* The text has a code if it has a blank; a '-' before it is left out. */
void script_push_error(lua_State *lua, const char *text, size_t len)
{
    if (len > 0 && text[0] == '-') {
        text++;
        len--;
    }
    lua_newtable(lua);
    luaL_Buffer b;
    luaL_buffinit(lua, &b);
    if (memchr(text, ' ', len) == NULL)
        luaL_addstring(&b, "ERR ");
    for (size_t i = 0; i < len; i++)
        luaL_addchar(&b, text[i] == '\r' || text[i] == '\n' ? ' ' : text[i]);
    luaL_pushresult(&b);
    lua_setfield(lua, -2, "err");
}

/* ---- from RESP; the bytes are of our own writer, so they are whole ---- */

struct reader {
    const char *at;
};

/* The text of the line at hand. */
static const char *read_line(struct reader *r, size_t *len)
{
    const char *begin = r->at, *end = begin;
    while (*end != '\r')
        end++;
    *len = (size_t)(end - begin);
    r->at = end + 2;
    return begin;
}

static int64_t read_number(struct reader *r)
{
    size_t len;
    const char *text = read_line(r, &len);
    bool negative = *text == '-';
    uint64_t n = 0;
    for (size_t i = negative; i < len; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    return (int64_t)(negative ? 0 - n : n);
}

/* Pushes {field = the text of the line}. */
static void push_line(lua_State *lua, struct reader *r, const char *field)
{
    size_t len;
    const char *text = read_line(r, &len);
    lua_newtable(lua);
    lua_pushlstring(lua, text, len);
    lua_setfield(lua, -2, field);
}

static void push_value(lua_State *lua, struct reader *r);

static void push_bulk(lua_State *lua, struct reader *r)
{
    int64_t len = read_number(r);
    if (len < 0) {
        lua_pushboolean(lua, 0);
        return;
    }
    lua_pushlstring(lua, r->at, (size_t)len);
    r->at += len + 2;
}

static void push_array(lua_State *lua, struct reader *r)
{
    int64_t n = read_number(r);
    if (n < 0) {
        lua_pushboolean(lua, 0);
        return;
    }
    lua_newtable(lua);
    for (int i = 1; i <= n; i++) {
        push_value(lua, r);
        lua_rawseti(lua, -2, i);
    }
}

/* {map = {key = value}} or {set = {key = true}}. */
static void push_pairs(lua_State *lua, struct reader *r, const char *field, bool with_values)
{
    int64_t n = read_number(r);
    lua_newtable(lua);
    lua_newtable(lua);
    for (int64_t i = 0; i < n; i++) {
        push_value(lua, r);
        if (with_values)
            push_value(lua, r);
        else
            lua_pushboolean(lua, 1);
        if (lua_isnil(lua, -2))
            lua_pop(lua, 2);
        else
            lua_rawset(lua, -3);
    }
    lua_setfield(lua, -2, field);
}

static void push_verbatim(lua_State *lua, struct reader *r)
{
    int64_t len = read_number(r);
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushlstring(lua, r->at, 3);
    lua_setfield(lua, -2, "format");
    lua_pushlstring(lua, r->at + 4, (size_t)len - 4);
    lua_setfield(lua, -2, "string");
    lua_setfield(lua, -2, "verbatim_string");
    r->at += len + 2;
}

static void push_double(lua_State *lua, struct reader *r)
{
    size_t len;
    char copy[64];
    const char *text = read_line(r, &len);
    snprintf(copy, sizeof copy, "%.*s", (int)len, text);
    lua_newtable(lua);
    lua_pushnumber(lua, strtod(copy, NULL));
    lua_setfield(lua, -2, "double");
}

static void push_error(lua_State *lua, struct reader *r)
{
    size_t len;
    const char *text = read_line(r, &len);
    script_push_error(lua, text, len);
}

static void push_value(lua_State *lua, struct reader *r)
{
    luaL_checkstack(lua, 8, "reply");
    size_t len;
    switch (*r->at++) {
    case ':':
        lua_pushnumber(lua, (lua_Number)read_number(r));
        break;
    case '$':
        push_bulk(lua, r);
        break;
    case '+':
        push_line(lua, r, "ok");
        break;
    case '-':
        push_error(lua, r);
        break;
    case '%':
        push_pairs(lua, r, "map", true);
        break;
    case '~':
        push_pairs(lua, r, "set", false);
        break;
    case ',':
        push_double(lua, r);
        break;
    case '#':
        lua_pushboolean(lua, *r->at == 't');
        (void)read_line(r, &len);
        break;
    case '(':
        push_line(lua, r, "big_number");
        break;
    case '=':
        push_verbatim(lua, r);
        break;
    case '_':
        lua_pushnil(lua);
        (void)read_line(r, &len);
        break;
    default: /* '*' and '>' */
        push_array(lua, r);
    }
}

void script_push_reply(lua_State *lua, const struct resp_out *out)
{
    struct reader r = {.at = out->data};
    push_value(lua, &r);
}

/* ---- to RESP ---- */

struct writer {
    lua_State *lua;
    struct script_run *run;
    struct resp_out *out;
};

static void write_value(struct writer *w, unsigned depth);

static void write_number(struct writer *w)
{
    double d = lua_tonumber(w->lua, -1);
    /* What does not fit is for Redis on most machines the least number. */
    bool fits = d > -9223372036854775808.0 && d < 9223372036854775808.0;
    resp_integer(w->out, fits ? (int64_t)d : INT64_MIN);
}

static void write_boolean(struct writer *w)
{
    bool b = lua_toboolean(w->lua, -1);
    if (w->run->resp == 3)
        resp_boolean(w->out, b);
    else if (b)
        resp_integer(w->out, 1);
    else
        resp_null(w->out);
}

static void copy_without_breaks(char *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
}

/* A line of its own: "+text" or "(text", without the line breaks in it. */
static void write_line(struct resp_out *out, char type, const char *text, size_t len)
{
    char *to = resp_out_reserve(out, len + 3);
    if (to == NULL)
        return;
    *to = type;
    copy_without_breaks(to + 1, text, len);
    to[1 + len] = '\r';
    to[2 + len] = '\n';
    out->len += len + 3;
}

static void write_big_number(struct resp_out *out, const char *text, size_t len)
{
    if (resp_is3(out)) {
        write_line(out, '(', text, len);
        return;
    }
    char *to = resp_bulk_begin(out, len);
    if (to == NULL)
        return;
    copy_without_breaks(to, text, len);
    resp_bulk_end(out);
}

/* Pushes a field of the table on the top if it has the type; without its metamethods. */
static bool has_field(struct writer *w, const char *name, int type)
{
    lua_pushstring(w->lua, name);
    lua_rawget(w->lua, -2);
    if (lua_type(w->lua, -1) == type)
        return true;
    lua_pop(w->lua, 1);
    return false;
}

static void write_verbatim(struct writer *w)
{
    size_t len, format_len;
    if (!has_field(w, "string", LUA_TSTRING)) {
        resp_array(w->out, 0);
        return;
    }
    const char *text = lua_tolstring(w->lua, -1, &len);
    lua_insert(w->lua, -2);
    if (has_field(w, "format", LUA_TSTRING)) {
        const char *format = lua_tolstring(w->lua, -1, &format_len);
        char three[4] = "txt";
        memcpy(three, format, format_len < 3 ? format_len : 3);
        resp_verbatim(w->out, three, text, len);
        lua_pop(w->lua, 1);
    } else {
        resp_array(w->out, 0);
    }
    lua_insert(w->lua, -2);
    lua_pop(w->lua, 1);
}

/* The keys, or keys and values, of the table on the top. */
static void write_pairs(struct writer *w, bool with_values, unsigned depth)
{
    size_t n = 0;
    lua_pushnil(w->lua);
    for (; lua_next(w->lua, -2) != 0; n++)
        lua_pop(w->lua, 1);
    if (with_values)
        resp_map(w->out, n);
    else
        resp_set(w->out, n);
    lua_pushnil(w->lua);
    while (reply_goes_on(w->run->rq) && lua_next(w->lua, -2) != 0) {
        lua_pushvalue(w->lua, -2);
        write_value(w, depth + 1);
        lua_pop(w->lua, 1);
        if (with_values)
            write_value(w, depth + 1);
        lua_pop(w->lua, 1);
    }
}

/* Up to the first nil. */
static void write_array(struct writer *w, unsigned depth)
{
    int n = 0;
    for (bool more = true; more;) {
        lua_rawgeti(w->lua, -1, n + 1);
        more = !lua_isnil(w->lua, -1);
        n += more;
        lua_pop(w->lua, 1);
    }
    resp_array(w->out, (size_t)n);
    for (int i = 1; i <= n && reply_goes_on(w->run->rq); i++) {
        lua_rawgeti(w->lua, -1, i);
        write_value(w, depth + 1);
        lua_pop(w->lua, 1);
    }
}

static void write_table(struct writer *w, unsigned depth)
{
    size_t len = 0;
    if (has_field(w, "err", LUA_TSTRING)) {
        resp_errorf(w->out, "%s", lua_tostring(w->lua, -1));
    } else if (has_field(w, "ok", LUA_TSTRING)) {
        const char *text = lua_tolstring(w->lua, -1, &len);
        write_line(w->out, '+', text, len);
    } else if (has_field(w, "double", LUA_TNUMBER)) {
        resp_double(w->out, lua_tonumber(w->lua, -1));
    } else if (has_field(w, "map", LUA_TTABLE)) {
        write_pairs(w, true, depth);
    } else if (has_field(w, "set", LUA_TTABLE)) {
        write_pairs(w, false, depth);
    } else if (has_field(w, "big_number", LUA_TSTRING)) {
        const char *text = lua_tolstring(w->lua, -1, &len);
        write_big_number(w->out, text, len);
    } else if (has_field(w, "verbatim_string", LUA_TTABLE)) {
        write_verbatim(w);
    } else {
        write_array(w, depth);
        return;
    }
    lua_pop(w->lua, 1);
}

static void write_value(struct writer *w, unsigned depth)
{
    size_t len;
    if (depth > NESTED_MOST || !lua_checkstack(w->lua, 8)) {
        resp_error(w->out, "ERR reached lua stack limit");
        return;
    }
    switch (lua_type(w->lua, -1)) {
    case LUA_TSTRING: {
        const char *text = lua_tolstring(w->lua, -1, &len);
        resp_bulk(w->out, text, len);
        break;
    }
    case LUA_TBOOLEAN:
        write_boolean(w);
        break;
    case LUA_TNUMBER:
        write_number(w);
        break;
    case LUA_TTABLE:
        write_table(w, depth);
        break;
    default:
        resp_null(w->out);
    }
}

void script_write_reply(lua_State *lua, struct script_run *run)
{
    struct writer w = {.lua = lua, .run = run, .out = run->rq->out};
    write_value(&w, 0);
}
