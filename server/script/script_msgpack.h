/* The table `cmsgpack` of scripts: values of Lua as MessagePack and back. */
#ifndef SERVER_SCRIPT_MSGPACK_H
#define SERVER_SCRIPT_MSGPACK_H

#include <lua.h>

/* unpack(), unpack_one() and unpack_limit(), in script_msgpack_decode.c */
int script_msgpack_unpack(lua_State *lua);
int script_msgpack_unpack_one(lua_State *lua);
int script_msgpack_unpack_limit(lua_State *lua);

#endif
