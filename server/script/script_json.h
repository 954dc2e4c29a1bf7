/* The table `cjson` of scripts. Its settings last as long as the script that made them. */
#ifndef SERVER_SCRIPT_JSON_H
#define SERVER_SCRIPT_JSON_H

#include <lua.h>
#include <stdbool.h>

/* Tables within tables: more than Lua's stack has room for is refused. */
#define JSON_DEPTH_MOST 1000

enum json_odd_numbers { JSON_ODD_REFUSED, JSON_ODD_WRITTEN, JSON_ODD_NULL };

struct script_json {
    int encode_depth, decode_depth;
    int precision; /* digits of a number */
    /* An array is sparse when its largest index is over `safe` and over `ratio` times its length;
     * then it is refused, or written as an object. */
    int sparse_ratio, sparse_safe;
    bool sparse_as_object;
    enum json_odd_numbers encode_odd; /* infinite ones, and what is no number */
    bool decode_odd;                  /* those, and hexadecimal ones */
};

void script_json_preset(struct script_json *settings);
/* Adds `cjson` to the table on the top of the stack. */
void script_json_open(lua_State *lua);

/* ---- script_json_decode.c ---- */

/* cjson.decode() */
int script_json_decode(lua_State *lua);

#endif
