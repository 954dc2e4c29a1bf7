#include "script_msgpack.h"

#include <lauxlib.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "script_buffer.h"
#include "script_engine.h"

/* Tables within tables: what lies deeper is written as nil. */
#define PACK_DEPTH 16

#define TWO_63 9223372036854775808.0

/* A first byte, and a number of `size` bytes behind it. */
static void add_head(struct script_buffer *b, uint8_t first, uint64_t n, size_t size)
{
    uint8_t bytes[9] = {first};
    for (size_t i = 0; i < size; i++)
        bytes[size - i] = (uint8_t)(n >> 8 * i);
    script_buffer_add(b, bytes, size + 1);
}

static void pack_integer(struct script_buffer *b, int64_t n)
{
    uint64_t bits = (uint64_t)n;
    if (n >= -32 && n <= 127)
        add_head(b, (uint8_t)bits, 0, 0);
    else if (n > UINT32_MAX)
        add_head(b, 0xcf, bits, 8);
    else if (n > UINT16_MAX)
        add_head(b, 0xce, bits, 4);
    else if (n > UINT8_MAX)
        add_head(b, 0xcd, bits, 2);
    else if (n > 0)
        add_head(b, 0xcc, bits, 1);
    else if (n >= INT8_MIN)
        add_head(b, 0xd0, bits, 1);
    else if (n >= INT16_MIN)
        add_head(b, 0xd1, bits, 2);
    else if (n >= INT32_MIN)
        add_head(b, 0xd2, bits, 4);
    else
        add_head(b, 0xd3, bits, 8);
}

static void pack_number(struct script_buffer *b, double n)
{
    if (n >= -TWO_63 && n < TWO_63 && floor(n) == n) {
        pack_integer(b, (int64_t)n);
        return;
    }
    float half = (float)n;
    uint32_t short_bits;
    uint64_t bits;
    memcpy(&short_bits, &half, sizeof short_bits);
    memcpy(&bits, &n, sizeof bits);
    if ((double)half == n)
        add_head(b, 0xca, short_bits, sizeof short_bits);
    else
        add_head(b, 0xcb, bits, sizeof bits);
}

static void pack_string(struct script_buffer *b, int at)
{
    size_t len;
    const char *text = lua_tolstring(b->lua, at, &len);
    if (len < 32)
        add_head(b, (uint8_t)(0xa0 | len), 0, 0);
    else if (len <= UINT8_MAX)
        add_head(b, 0xd9, len, 1);
    else if (len <= UINT16_MAX)
        add_head(b, 0xda, len, 2);
    else
        add_head(b, 0xdb, len, 4);
    script_buffer_add(b, text, len);
}

/* Entries of the table on the top; *array = whether their keys are 1, 2, 3 and so on. */
static size_t count_entries(lua_State *lua, bool *array)
{
    size_t n = 0;
    double most = 0;
    *array = true;
    for (lua_pushnil(lua); lua_next(lua, -2); lua_pop(lua, 1), n++) {
        double key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
        *array &= key >= 1 && key <= INT32_MAX && floor(key) == key;
        most = key > most ? key : most;
    }
    *array &= most <= (double)n;
    return n;
}

static void pack_value(struct script_buffer *b, int depth);

static void pack_array(struct script_buffer *b, size_t n, int depth)
{
    if (n < 16)
        add_head(b, (uint8_t)(0x90 | n), 0, 0);
    else
        add_head(b, n <= UINT16_MAX ? 0xdc : 0xdd, n, n <= UINT16_MAX ? 2 : 4);
    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(b->lua, -1, (int)i);
        pack_value(b, depth);
    }
}

static void pack_map(struct script_buffer *b, size_t n, int depth)
{
    lua_State *lua = b->lua;
    if (n < 16)
        add_head(b, (uint8_t)(0x80 | n), 0, 0);
    else
        add_head(b, n <= UINT16_MAX ? 0xde : 0xdf, n, n <= UINT16_MAX ? 2 : 4);
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pushvalue(lua, -2);
        pack_value(b, depth);
        pack_value(b, depth);
    }
}

static void pack_table(struct script_buffer *b, int depth)
{
    bool array;
    luaL_checkstack(b->lua, 5, "too many nested tables");
    size_t n = count_entries(b->lua, &array);
    if (array)
        pack_array(b, n, depth + 1);
    else
        pack_map(b, n, depth + 1);
}

/* The value on the top of the stack, which it takes away. */
static void pack_value(struct script_buffer *b, int depth)
{
    lua_State *lua = b->lua;
    int type = lua_type(lua, -1);
    if (type == LUA_TSTRING)
        pack_string(b, -1);
    else if (type == LUA_TNUMBER)
        pack_number(b, lua_tonumber(lua, -1));
    else if (type == LUA_TBOOLEAN)
        add_head(b, lua_toboolean(lua, -1) ? 0xc3 : 0xc2, 0, 0);
    else if (type == LUA_TTABLE && depth < PACK_DEPTH)
        pack_table(b, depth);
    else
        add_head(b, 0xc0, 0, 0);
    lua_pop(lua, 1);
}

static int msgpack_pack(lua_State *lua)
{
    int n = lua_gettop(lua);
    struct script_buffer b;
    luaL_argcheck(lua, n > 0, 0, "MessagePack pack needs input.");
    script_buffer_begin(&b, lua);
    luaL_checkstack(lua, 3, "out of memory");
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(lua, i);
        pack_value(&b, 0);
    }
    script_buffer_push(&b);
    return 1;
}

static const luaL_Reg functions[] = {
    {"pack", msgpack_pack},
    {"unpack", script_msgpack_unpack},
    {"unpack_one", script_msgpack_unpack_one},
    {"unpack_limit", script_msgpack_unpack_limit},
    {NULL, NULL},
};

void script_msgpack_open(lua_State *lua)
{
    script_library(lua, "cmsgpack", functions);
}
