/* cmsgpack.unpack() and its kin: from MessagePack to values of Lua. */
#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "script_engine.h"
#include "script_msgpack.h"

#define UNPACK_DEPTH 1000

struct unpacker {
    lua_State *lua;
    const uint8_t *at;
    size_t left;
    int depth;
};

static const uint8_t *take(struct unpacker *u, size_t n)
{
    const uint8_t *bytes = u->at;
    if (n > u->left)
        (void)luaL_error(u->lua, "Missing bytes in input.");
    u->at += n;
    u->left -= n;
    return bytes;
}

static uint64_t take_number(struct unpacker *u, size_t size)
{
    const uint8_t *bytes = take(u, size);
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | bytes[i];
    return n;
}

static void unpack_string(struct unpacker *u, size_t len)
{
    lua_pushlstring(u->lua, (const char *)take(u, len), len);
}

static void unpack_float(struct unpacker *u, size_t size)
{
    uint64_t bits = take_number(u, size);
    uint32_t short_bits = (uint32_t)bits;
    float half;
    double n;
    memcpy(&half, &short_bits, sizeof half);
    memcpy(&n, &bits, sizeof n);
    lua_pushnumber(u->lua, size == sizeof half ? half : n);
}

static void unpack_signed(struct unpacker *u, size_t size)
{
    unsigned above = 64 - 8 * (unsigned)size;
    lua_pushnumber(u->lua, (double)((int64_t)(take_number(u, size) << above) >> above));
}

static void unpack_value(struct unpacker *u);

static void begin_table(struct unpacker *u)
{
    if (++u->depth > UNPACK_DEPTH)
        (void)luaL_error(u->lua, "too many nested tables");
    luaL_checkstack(u->lua, 4, "too many nested tables");
    lua_newtable(u->lua);
}

static void unpack_array(struct unpacker *u, uint64_t n)
{
    begin_table(u);
    for (uint64_t i = 1; i <= n; i++) {
        unpack_value(u);
        lua_rawseti(u->lua, -2, (int)i);
    }
    u->depth--;
}

static void unpack_map(struct unpacker *u, uint64_t n)
{
    begin_table(u);
    for (uint64_t i = 0; i < n; i++) {
        unpack_value(u);
        unpack_value(u);
        /* Raises an error for a key that Lua has not, nil. */
        lua_settable(u->lua, -3);
    }
    u->depth--;
}

/* From 0xc0 to 0xdf: the kind, with the size of the number that follows. */
static void unpack_long(struct unpacker *u, uint8_t first)
{
    switch (first) {
    case 0xc0:
        lua_pushnil(u->lua);
        break;
    case 0xc2:
    case 0xc3:
        lua_pushboolean(u->lua, first & 1);
        break;
    case 0xca:
    case 0xcb:
        unpack_float(u, first == 0xca ? 4 : 8);
        break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        lua_pushnumber(u->lua, (double)take_number(u, (size_t)1 << (first - 0xcc)));
        break;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        unpack_signed(u, (size_t)1 << (first - 0xd0));
        break;
    case 0xd9:
    case 0xda:
    case 0xdb:
        unpack_string(u, take_number(u, (size_t)1 << (first - 0xd9)));
        break;
    case 0xdc:
    case 0xdd:
        unpack_array(u, take_number(u, first == 0xdc ? 2 : 4));
        break;
    case 0xde:
    case 0xdf:
        unpack_map(u, take_number(u, first == 0xde ? 2 : 4));
        break;
    default:
        (void)luaL_error(u->lua, "Bad data format in input.");
    }
}

/* Pushes the next value. */
static void unpack_value(struct unpacker *u)
{
    uint8_t first = *take(u, 1);
    if (first < 0x80)
        lua_pushnumber(u->lua, first);
    else if (first < 0x90)
        unpack_map(u, first & 0x0f);
    else if (first < 0xa0)
        unpack_array(u, first & 0x0f);
    else if (first < 0xc0)
        unpack_string(u, first & 0x1f);
    else if (first < 0xe0)
        unpack_long(u, first);
    else
        lua_pushnumber(u->lua, (int8_t)first);
}

/* At most `most` values (0 = all) from the argument, from byte `offset` on. Returns how many it
 * pushed. */
static int unpack_values(lua_State *lua, int most, int offset, int *next)
{
    size_t len;
    const char *text = luaL_checklstring(lua, 1, &len);
    if (offset < 0 || most < 0)
        return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                          offset, most);
    if ((size_t)offset > len)
        return luaL_error(lua, "Start offset %d greater than input length %d.", offset, (int)len);
    struct unpacker u = {
        .lua = lua, .at = (const uint8_t *)text + offset, .left = len - (size_t)offset};
    int n = 0;
    for (; u.left > 0 && (most == 0 || n < most); n++) {
        luaL_checkstack(lua, 2, "too many return values at once; use unpack_one or unpack_limit");
        unpack_value(&u);
    }
    *next = u.left == 0 ? -1 : (int)(len - u.left);
    return n;
}

int script_msgpack_unpack(lua_State *lua)
{
    int next = -1;
    return unpack_values(lua, 0, 0, &next);
}

/* The offset of what follows (-1 = nothing), then the values; the values alone when all are asked
 * for. */
static int unpack_some(lua_State *lua, int most, int offset)
{
    int next = -1;
    int n = unpack_values(lua, most, offset, &next);
    if (most == 0)
        return n;
    lua_pushinteger(lua, next);
    lua_insert(lua, -n - 1);
    return n + 1;
}

int script_msgpack_unpack_one(lua_State *lua)
{
    int offset = luaL_optint(lua, 2, 0);
    lua_settop(lua, 1);
    return unpack_some(lua, 1, offset);
}

int script_msgpack_unpack_limit(lua_State *lua)
{
    int most = luaL_checkint(lua, 2), offset = luaL_optint(lua, 3, 0);
    lua_settop(lua, 1);
    return unpack_some(lua, most, offset);
}
