/* The table `struct` of scripts: numbers and strings as the bytes of a C struct, and back. */

#include <ctype.h>
#include <lauxlib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "script_buffer.h"
#include "script_engine.h"

#define INTEGER_MOST 32 /* bytes */
#define ALIGN_MOST   8

/* A format being read: one item after the other. */
struct format {
    lua_State *lua;
    const char *at;
    bool big;     /* the highest byte comes first */
    size_t align; /* items begin at multiples of their size, but not of more than this */
    char kind;    /* of the item */
    size_t size;
};

static void format_begin(struct format *f, lua_State *lua)
{
    *f = (struct format){.lua = lua, .at = luaL_checkstring(lua, 1), .align = 1};
}

/* A number behind the letter; `otherwise` when there is none. */
static size_t read_size(struct format *f, size_t otherwise)
{
    size_t n = 0;
    if (!isdigit((unsigned char)*f->at))
        return otherwise;
    for (; isdigit((unsigned char)*f->at); f->at++) {
        if (n > (INT32_MAX - 9) / 10)
            (void)luaL_error(f->lua, "integral size overflow");
        n = n * 10 + (size_t)(*f->at - '0');
    }
    return n;
}

/* What says how the items behind it are laid out. */
static void read_layout(struct format *f)
{
    switch (f->kind) {
    case '<':
    case '>':
        f->big = f->kind == '>';
        break;
    case '!':
        f->align = read_size(f, ALIGN_MOST);
        if (f->align == 0 || (f->align & (f->align - 1)) != 0)
            (void)luaL_error(f->lua, "alignment %d is not a power of 2", (int)f->align);
        break;
    case ' ':
        break;
    default:
        lua_pushfstring(f->lua, "invalid format option '%c'", f->kind);
        (void)luaL_argerror(f->lua, 1, lua_tostring(f->lua, -1));
    }
}

static size_t read_integer_size(struct format *f)
{
    size_t size = read_size(f, sizeof(int));
    if (size > INTEGER_MOST)
        (void)luaL_error(f->lua, "integral size %d is larger than limit of %d", (int)size,
                         INTEGER_MOST);
    return size;
}

/* Reads the next item's kind and size. False at the end. */
static bool format_next(struct format *f)
{
    while (*f->at != '\0') {
        f->kind = *f->at++;
        switch (f->kind) {
        case 'b':
        case 'B':
        case 'x':
            f->size = 1;
            return true;
        case 'h':
        case 'H':
            f->size = sizeof(short);
            return true;
        case 'l':
        case 'L':
            f->size = sizeof(long);
            return true;
        case 'T':
            f->size = sizeof(size_t);
            return true;
        case 'f':
            f->size = sizeof(float);
            return true;
        case 'd':
            f->size = sizeof(double);
            return true;
        case 'i':
        case 'I':
            f->size = read_integer_size(f);
            return true;
        case 'c':
            f->size = read_size(f, 1);
            return true;
        case 's':
            f->size = 0;
            return true;
        default:
            read_layout(f);
        }
    }
    return false;
}

/* Bytes to leave free before the item. */
static size_t gap_before(const struct format *f, size_t at)
{
    size_t size = f->size < f->align ? f->size : f->align;
    if (size == 0 || f->kind == 'c')
        return 0;
    return (size - at % size) % size;
}

/* ---- writing ---- */

static void put_bytes(struct script_buffer *b, bool big, uint64_t n, size_t size)
{
    char *to = script_buffer_reserve(b, size);
    for (size_t i = 0; i < size; i++, n >>= 8)
        to[big ? size - 1 - i : i] = (char)(uint8_t)n;
    b->len += size;
}

static void pack_integer(struct script_buffer *b, const struct format *f, int arg)
{
    double n = luaL_checknumber(b->lua, arg);
    /* What an integer cannot hold is written as the nearest that it can. */
    uint64_t bits = 0;
    if (n < 0)
        bits = n >= -0x1p63 ? (uint64_t)(int64_t)n : (uint64_t)INT64_MIN;
    else if (n > 0)
        bits = n < 0x1p64 ? (uint64_t)n : UINT64_MAX;
    put_bytes(b, f->big, bits, f->size);
}

static void pack_float(struct script_buffer *b, const struct format *f, int arg)
{
    double n = luaL_checknumber(b->lua, arg);
    float half = (float)n;
    uint64_t bits = 0;
    if (f->size == sizeof half) {
        uint32_t short_bits;
        memcpy(&short_bits, &half, sizeof half);
        bits = short_bits;
    } else {
        memcpy(&bits, &n, sizeof n);
    }
    put_bytes(b, f->big, bits, f->size);
}

static void pack_string(struct script_buffer *b, const struct format *f, int arg)
{
    size_t len;
    const char *text = luaL_checklstring(b->lua, arg, &len);
    size_t size = f->size > 0 ? f->size : len;
    luaL_argcheck(b->lua, len >= size, arg, "string too short");
    script_buffer_add(b, text, size);
    if (f->kind == 's')
        script_buffer_add(b, "", 1);
}

static int struct_pack(lua_State *lua)
{
    struct format f;
    struct script_buffer b;
    int arg = 2;
    format_begin(&f, lua);
    /* So that an argument that is missing is not taken for the buffer. */
    lua_pushnil(lua);
    script_buffer_begin(&b, lua);
    while (format_next(&f)) {
        put_bytes(&b, false, 0, gap_before(&f, b.len));
        if (f.kind == 'x')
            script_buffer_add(&b, "", 1);
        else if (f.kind == 'c' || f.kind == 's')
            pack_string(&b, &f, arg++);
        else if (f.kind == 'f' || f.kind == 'd')
            pack_float(&b, &f, arg++);
        else
            pack_integer(&b, &f, arg++);
    }
    script_buffer_push(&b);
    return 1;
}

/* ---- reading ---- */

static uint64_t get_bytes(const char *from, bool big, size_t size)
{
    uint64_t n = 0;
    for (size_t i = size < sizeof n ? size : sizeof n; i-- > 0;)
        n = n << 8 | (uint8_t)from[big ? size - 1 - i : i];
    return n;
}

static void push_integer(const struct format *f, const char *from)
{
    uint64_t n = get_bytes(from, f->big, f->size);
    unsigned above = f->size < sizeof n ? 64 - 8 * (unsigned)f->size : 0;
    if (f->size == 0)
        lua_pushnumber(f->lua, 0);
    else if (islower((unsigned char)f->kind))
        lua_pushnumber(f->lua, (double)((int64_t)(n << above) >> above));
    else
        lua_pushnumber(f->lua, (double)n);
}

static void push_float(const struct format *f, const char *from)
{
    uint64_t bits = get_bytes(from, f->big, f->size);
    uint32_t short_bits = (uint32_t)bits;
    float half;
    double n;
    memcpy(&half, &short_bits, sizeof half);
    memcpy(&n, &bits, sizeof n);
    lua_pushnumber(f->lua, f->size == sizeof half ? half : n);
}

/* The length of a string: its size, or what was read just before ("c0"), or up to the zero. */
static size_t string_length(const struct format *f, const char *from, size_t left, int results)
{
    lua_State *lua = f->lua;
    if (f->kind == 's') {
        const char *end = memchr(from, '\0', left);
        if (end == NULL)
            (void)luaL_error(lua, "unfinished string in data");
        return (size_t)(end - from);
    }
    if (f->size > 0)
        return f->size;
    if (results == 0 || !lua_isnumber(lua, -1))
        (void)luaL_error(lua, "format 'c0' needs a previous size");
    double n = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    luaL_argcheck(lua, n >= 0 && n <= (double)left, 2, "data string too short");
    return (size_t)n;
}

/* Pushes the item at `from`. Returns how many bytes it has. */
static size_t unpack_item(const struct format *f, const char *from, size_t left, int *results)
{
    if (f->kind == 'x')
        return 1;
    if (f->kind == 'c' || f->kind == 's') {
        size_t len = string_length(f, from, left, *results);
        *results += !(f->kind == 'c' && f->size == 0); /* "c0": in the place of its length */
        lua_pushlstring(f->lua, from, len);
        return len + (f->kind == 's');
    }
    ++*results;
    if (f->kind == 'f' || f->kind == 'd')
        push_float(f, from);
    else
        push_integer(f, from);
    return f->size;
}

static int struct_unpack(lua_State *lua)
{
    struct format f;
    size_t len;
    int results = 0;
    format_begin(&f, lua);
    const char *data = luaL_checklstring(lua, 2, &len);
    int position = luaL_optint(lua, 3, 1);
    luaL_argcheck(lua, position > 0, 3, "offset must be 1 or greater");
    size_t at = (size_t)position - 1;
    lua_settop(lua, 2);
    while (format_next(&f)) {
        at += gap_before(&f, at);
        luaL_argcheck(lua, at <= len && f.size <= len - at, 2, "data string too short");
        luaL_checkstack(lua, 2, "too many results");
        at += unpack_item(&f, data + at, len - at, &results);
    }
    lua_pushinteger(lua, (lua_Integer)at + 1);
    return results + 1;
}

static int struct_size(lua_State *lua)
{
    struct format f;
    size_t at = 0;
    format_begin(&f, lua);
    while (format_next(&f)) {
        if (f.kind == 's')
            luaL_argerror(lua, 1, "option 's' has no fixed size");
        if (f.kind == 'c' && f.size == 0)
            luaL_argerror(lua, 1, "option 'c0' has no fixed size");
        at += gap_before(&f, at);
        if (f.size > INT32_MAX - at)
            (void)luaL_error(lua, "integral size overflow");
        at += f.size;
    }
    lua_pushinteger(lua, (lua_Integer)at);
    return 1;
}

static const luaL_Reg functions[] = {
    {"pack", struct_pack},
    {"unpack", struct_unpack},
    {"size", struct_size},
    {NULL, NULL},
};

void script_struct_open(lua_State *lua)
{
    script_library(lua, "struct", functions);
}
