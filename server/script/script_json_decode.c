/* cjson.decode(): from text to values of Lua. */
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "script_buffer.h"
#include "script_engine.h"
#include "script_json.h"

enum token_kind {
    TOKEN_OBJECT_BEGIN,
    TOKEN_OBJECT_END,
    TOKEN_ARRAY_BEGIN,
    TOKEN_ARRAY_END,
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_END,
    TOKEN_ERROR,
};

/* As lua-cjson calls them in its errors. */
static const char *const token_names[] = {
    "T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END", "T_STRING", "T_NUMBER",
    "T_BOOLEAN",   "T_BOOLEAN", "T_NULL",      "T_COLON",   "T_COMMA",  "T_END",
};

struct token {
    enum token_kind kind;
    const char *at;
    double number;
    const char *error;
};

/* The text ends with a zero byte, as all strings of Lua. */
struct decoder {
    lua_State *lua;
    const struct script_json *settings;
    const char *text, *at, *end;
    struct script_buffer string; /* the string that was read last */
    int depth;
};

/* ---- tokens ---- */

static void fail(struct token *t, const char *at, const char *error)
{
    t->kind = TOKEN_ERROR;
    t->at = at;
    t->error = error;
}

/* Four hexadecimal digits; -1 = they are none. */
static int32_t hex4(const char *at)
{
    int32_t n = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        if (c >= '0' && c <= '9')
            n = n * 16 + c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            n = n * 16 + (c | 32) - 'a' + 10;
        else
            return -1;
    }
    return n;
}

/* Writes the character as UTF-8; returns how many bytes. */
static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xf0u) | c);
    return n;
}

/* At the 'u' of an escape, which may be the first of a pair. False: it is none. */
static bool read_unicode(struct decoder *d)
{
    int32_t c = hex4(d->at + 1);
    if (c < 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    d->at += 5;
    if (c >= 0xd800 && c < 0xdc00) {
        int32_t low = d->at[0] == '\\' && d->at[1] == 'u' ? hex4(d->at + 2) : -1;
        if (low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        d->at += 6;
    }
    char *out = script_buffer_reserve(&d->string, 4);
    d->string.len += put_utf8((uint32_t)c, out);
    return true;
}

/* Behind a backslash. NULL, or what is wrong with it. */
static const char *read_escape(struct decoder *d)
{
    static const char codes[] = "\"\\/btnfr", meant[] = "\"\\/\b\t\n\f\r";
    if (*d->at == 'u')
        return read_unicode(d) ? NULL : "invalid unicode escape code";
    const char *code = *d->at == '\0' ? NULL : strchr(codes, *d->at);
    if (code == NULL)
        return "invalid escape code";
    script_buffer_add(&d->string, meant + (code - codes), 1);
    d->at++;
    return NULL;
}

/* Behind the quote that opens it; into d->string. */
static void read_string(struct decoder *d, struct token *t)
{
    d->string.len = 0;
    for (;;) {
        size_t plain = strcspn(d->at, "\"\\");
        script_buffer_add(&d->string, d->at, plain);
        d->at += plain;
        if (*d->at == '\0') {
            fail(t, d->at, "unexpected end of string");
            return;
        }
        const char *escape = d->at;
        if (*d->at++ == '"')
            break;
        const char *error = read_escape(d);
        if (error != NULL) {
            fail(t, escape, error);
            return;
        }
    }
    t->kind = TOKEN_STRING;
}

/* Whether JSON has no such number, though strtod() takes it. */
static bool is_odd_number(const char *at)
{
    if (*at == '+')
        return true;
    if (*at == '-')
        at++;
    if (*at == '0')
        return (at[1] | 32) == 'x' || (at[1] >= '0' && at[1] <= '9');
    return strncasecmp(at, "inf", 3) == 0 || strncasecmp(at, "nan", 3) == 0;
}

static void read_number(struct decoder *d, struct token *t)
{
    char *end;
    t->number = strtod(d->at, &end);
    if (end == d->at) {
        fail(t, d->at, "invalid number");
        return;
    }
    t->kind = TOKEN_NUMBER;
    d->at = end;
}

static bool read_word(struct decoder *d, struct token *t, const char *word, enum token_kind kind)
{
    size_t len = strlen(word);
    if (strncmp(d->at, word, len) != 0)
        return false;
    t->kind = kind;
    d->at += len;
    return true;
}

static void next_token(struct decoder *d, struct token *t)
{
    static const char marks[] = "{}[]:,";
    static const enum token_kind kinds[] = {TOKEN_OBJECT_BEGIN, TOKEN_OBJECT_END, TOKEN_ARRAY_BEGIN,
                                            TOKEN_ARRAY_END,    TOKEN_COLON,      TOKEN_COMMA};
    d->at += strspn(d->at, " \t\n\r");
    *t = (struct token){.at = d->at};
    char c = *d->at;
    const char *mark = c == '\0' ? NULL : strchr(marks, c);
    if (mark != NULL) {
        t->kind = kinds[mark - marks];
        d->at++;
    } else if (c == '\0' && d->at == d->end) {
        t->kind = TOKEN_END;
    } else if (c == '"') {
        d->at++;
        read_string(d, t);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        if (is_odd_number(d->at) && !d->settings->decode_odd)
            fail(t, d->at, "invalid number");
        else
            read_number(d, t);
    } else if (!read_word(d, t, "true", TOKEN_TRUE) && !read_word(d, t, "false", TOKEN_FALSE) &&
               !read_word(d, t, "null", TOKEN_NULL)) {
        if (is_odd_number(d->at) && d->settings->decode_odd)
            read_number(d, t);
        else
            fail(t, d->at, "invalid token");
    }
}

/* ---- values ---- */

static int expected(struct decoder *d, const char *what, const struct token *t)
{
    return luaL_error(d->lua, "Expected %s but found %s at character %d", what,
                      t->kind == TOKEN_ERROR ? t->error : token_names[t->kind],
                      (int)(t->at - d->text) + 1);
}

static void read_value(struct decoder *d, const struct token *t);

static void push_string(struct decoder *d)
{
    lua_pushlstring(d->lua, d->string.bytes, d->string.len);
}

/* Goes a level down, and pushes a table. */
static void begin_table(struct decoder *d)
{
    /* A table, a key, a value and the buffer that grows. */
    if (++d->depth > d->settings->decode_depth || !lua_checkstack(d->lua, 4))
        (void)luaL_error(d->lua, "Found too many nested data structures (%d) at character %d",
                         d->depth, (int)(d->at - d->text));
    lua_newtable(d->lua);
}

static void read_object(struct decoder *d)
{
    struct token t;
    begin_table(d);
    next_token(d, &t);
    while (t.kind != TOKEN_OBJECT_END) {
        if (t.kind != TOKEN_STRING)
            (void)expected(d, "object key string", &t);
        push_string(d);
        next_token(d, &t);
        if (t.kind != TOKEN_COLON)
            (void)expected(d, "colon", &t);
        next_token(d, &t);
        read_value(d, &t);
        lua_rawset(d->lua, -3);
        next_token(d, &t);
        if (t.kind == TOKEN_OBJECT_END)
            break;
        if (t.kind != TOKEN_COMMA)
            (void)expected(d, "comma or object end", &t);
        next_token(d, &t);
        if (t.kind == TOKEN_OBJECT_END)
            (void)expected(d, "object key string", &t);
    }
    d->depth--;
}

static void read_array(struct decoder *d)
{
    struct token t;
    int n = 0;
    begin_table(d);
    next_token(d, &t);
    while (t.kind != TOKEN_ARRAY_END) {
        read_value(d, &t);
        lua_rawseti(d->lua, -2, ++n);
        next_token(d, &t);
        if (t.kind == TOKEN_ARRAY_END)
            break;
        if (t.kind != TOKEN_COMMA)
            (void)expected(d, "comma or array end", &t);
        next_token(d, &t);
        if (t.kind == TOKEN_ARRAY_END)
            (void)expected(d, "value", &t);
    }
    d->depth--;
}

/* Pushes the value that begins with the token. */
static void read_value(struct decoder *d, const struct token *t)
{
    switch (t->kind) {
    case TOKEN_STRING:
        push_string(d);
        break;
    case TOKEN_NUMBER:
        lua_pushnumber(d->lua, t->number);
        break;
    case TOKEN_TRUE:
    case TOKEN_FALSE:
        lua_pushboolean(d->lua, t->kind == TOKEN_TRUE);
        break;
    case TOKEN_NULL:
        lua_pushlightuserdata(d->lua, NULL);
        break;
    case TOKEN_OBJECT_BEGIN:
        read_object(d);
        break;
    case TOKEN_ARRAY_BEGIN:
        read_array(d);
        break;
    default:
        (void)expected(d, "value", t);
    }
}

int script_json_decode(lua_State *lua)
{
    struct decoder d = {.lua = lua, .settings = &script_engine_in(lua)->json};
    struct token t;
    size_t len;
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    d.text = d.at = luaL_checklstring(lua, 1, &len);
    d.end = d.text + len;
    /* The first two characters of JSON are ASCII. */
    if (len >= 2 && (d.text[0] == '\0' || d.text[1] == '\0'))
        return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
    script_buffer_begin(&d.string, lua);
    next_token(&d, &t);
    read_value(&d, &t);
    next_token(&d, &t);
    if (t.kind != TOKEN_END)
        return expected(&d, "the end", &t);
    return 1;
}
