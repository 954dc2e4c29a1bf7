/* The table `bit` of scripts: operations on 32 bits, by the rules of Lua BitOp. */
#include <lauxlib.h>
#include <math.h>
#include <stdint.h>

#include "script_engine.h"

#define TWO_32 4294967296.0

/* Only the low 32 bits of a number count, whatever its sign. */
static uint32_t bits_of(lua_State *lua, int at)
{
    double n = nearbyint(luaL_checknumber(lua, at));
    double low = isfinite(n) ? n - floor(n / TWO_32) * TWO_32 : 0;
    return low >= TWO_32 ? 0 : (uint32_t)low;
}

static int push_bits(lua_State *lua, uint32_t bits)
{
    lua_pushnumber(lua, (int32_t)bits);
    return 1;
}

static int bit_tobit(lua_State *lua)
{
    return push_bits(lua, bits_of(lua, 1));
}

static int bit_bnot(lua_State *lua)
{
    return push_bits(lua, ~bits_of(lua, 1));
}

static int bit_band(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--)
        bits &= bits_of(lua, i);
    return push_bits(lua, bits);
}

static int bit_bor(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--)
        bits |= bits_of(lua, i);
    return push_bits(lua, bits);
}

static int bit_bxor(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--)
        bits ^= bits_of(lua, i);
    return push_bits(lua, bits);
}

/* By how many places, 0 to 31. */
static unsigned places(lua_State *lua)
{
    return bits_of(lua, 2) & 31;
}

static int bit_lshift(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    return push_bits(lua, bits << places(lua));
}

static int bit_rshift(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    return push_bits(lua, bits >> places(lua));
}

static int bit_arshift(lua_State *lua)
{
    int32_t bits = (int32_t)bits_of(lua, 1);
    return push_bits(lua, (uint32_t)(bits >> places(lua)));
}

static uint32_t rotated(uint32_t bits, unsigned left)
{
    return bits << (left & 31) | bits >> ((32 - left) & 31);
}

static int bit_rol(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    return push_bits(lua, rotated(bits, places(lua)));
}

static int bit_ror(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    return push_bits(lua, rotated(bits, 32 - places(lua)));
}

static int bit_bswap(lua_State *lua)
{
    return push_bits(lua, __builtin_bswap32(bits_of(lua, 1)));
}

/* The last digits of a hexadecimal number; as many as asked for, in capitals when that is
 * negative. */
static int bit_tohex(lua_State *lua)
{
    uint32_t bits = bits_of(lua, 1);
    int32_t asked = lua_isnone(lua, 2) ? 8 : (int32_t)bits_of(lua, 2);
    const char *digits = asked < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    int n = asked < -8 || asked > 8 ? 8 : asked < 0 ? -asked : asked;
    char text[8];
    for (int i = n; i > 0; i--, bits >>= 4)
        text[i - 1] = digits[bits & 15];
    lua_pushlstring(lua, text, (size_t)n);
    return 1;
}

static const luaL_Reg functions[] = {
    {"tobit", bit_tobit}, {"bnot", bit_bnot},     {"band", bit_band},     {"bor", bit_bor},
    {"bxor", bit_bxor},   {"lshift", bit_lshift}, {"rshift", bit_rshift}, {"arshift", bit_arshift},
    {"rol", bit_rol},     {"ror", bit_ror},       {"bswap", bit_bswap},   {"tohex", bit_tohex},
    {NULL, NULL},
};

void script_bit_open(lua_State *lua)
{
    script_library(lua, "bit", functions);
}
