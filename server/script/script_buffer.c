#include "script_buffer.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#define FIRST_ROOM 256

static void hold(struct script_buffer *b, size_t cap)
{
    char *bytes = lua_newuserdata(b->lua, cap);
    if (b->len > 0)
        memcpy(bytes, b->bytes, b->len);
    b->bytes = bytes;
    b->cap = cap;
}

void script_buffer_begin(struct script_buffer *b, lua_State *lua)
{
    *b = (struct script_buffer){.lua = lua};
    luaL_checkstack(lua, 2, "out of memory");
    hold(b, FIRST_ROOM);
    b->place = lua_gettop(lua);
}

char *script_buffer_reserve(struct script_buffer *b, size_t n)
{
    if (b->cap - b->len < n) {
        if (n > SIZE_MAX / 4 || b->cap > SIZE_MAX / 4)
            (void)luaL_error(b->lua, "not enough memory");
        hold(b, b->cap * 2 + n);
        lua_replace(b->lua, b->place);
    }
    return b->bytes + b->len;
}

void script_buffer_add(struct script_buffer *b, const void *bytes, size_t len)
{
    memcpy(script_buffer_reserve(b, len), bytes, len);
    b->len += len;
}

void script_buffer_push(const struct script_buffer *b)
{
    lua_pushlstring(b->lua, b->bytes, b->len);
}
