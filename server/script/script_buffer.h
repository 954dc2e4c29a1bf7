/* Bytes that a function of a script's library gathers. They lie in a value of Lua, so that they
 * count as the script's memory and go with it, even when an error is raised half-way. */
#ifndef SERVER_SCRIPT_BUFFER_H
#define SERVER_SCRIPT_BUFFER_H

#include <lua.h>
#include <stddef.h>

struct script_buffer {
    lua_State *lua;
    int place; /* on the stack, of the value that holds the bytes */
    char *bytes;
    size_t len, cap;
};

/* Pushes the value that will hold the bytes. All functions may raise an error of memory. */
void script_buffer_begin(struct script_buffer *b, lua_State *lua);
/* Room for n bytes more; the caller writes them and adds to len. */
char *script_buffer_reserve(struct script_buffer *b, size_t n);
void script_buffer_add(struct script_buffer *b, const void *bytes, size_t len);
/* Pushes what was gathered as a string. */
void script_buffer_push(const struct script_buffer *b);

#endif
