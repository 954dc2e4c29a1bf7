/* Inline commands. The rules are those of sdssplitargs() in Redis, so that telnet and health checks
 * work alike. */
#include "internal.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    if (lower >= 'a' && lower <= 'f')
        return lower - 'a' + 10;
    return -1;
}

/* in -> what is still to be read; out -> where the meaning is written, never ahead of `in`. */
struct cursor {
    const char *in;
    const char *end;
    char *out;
};

static char escaped(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* After a backslash inside double quotes. */
static void read_escape(struct cursor *c)
{
    if (c->in[0] == 'x' && c->end - c->in >= 3 && hex_digit(c->in[1]) >= 0 &&
        hex_digit(c->in[2]) >= 0) {
        *c->out++ = (char)(hex_digit(c->in[1]) * 16 + hex_digit(c->in[2]));
        c->in += 3;
    } else {
        *c->out++ = escaped(*c->in++);
    }
}

/* Behind the opening quote. False when there is no closing one, or no blank behind it. */
static bool read_quoted(struct cursor *c, char quote)
{
    while (c->in < c->end) {
        char now = *c->in++;
        if (now == quote)
            return c->in == c->end || is_blank(*c->in);
        if (now == '\\' && c->in < c->end && quote == '"')
            read_escape(c);
        else if (now == '\\' && c->in < c->end && *c->in == '\'')
            *c->out++ = *c->in++;
        else
            *c->out++ = now;
    }
    return false;
}

static bool read_word(struct cursor *c)
{
    while (c->in < c->end && !is_blank(*c->in)) {
        char now = *c->in++;
        if (now != '"' && now != '\'')
            *c->out++ = now;
        else if (!read_quoted(c, now))
            return false;
    }
    return true;
}

enum resp_inline resp_inline_split(struct resp_parser *p, char *line, size_t len)
{
    struct cursor c = {.in = line, .end = line + len, .out = line};
    for (;;) {
        while (c.in < c.end && is_blank(*c.in))
            c.in++;
        if (c.in == c.end)
            return INLINE_OK;
        char *word = c.out;
        if (!read_word(&c))
            return INLINE_UNBALANCED;
        struct resp_arg arg = {.offset = (size_t)(word - line), .len = (size_t)(c.out - word)};
        if (!resp_parser_add(p, arg))
            return INLINE_NOMEM;
    }
}
