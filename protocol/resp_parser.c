#include "protocol/resp_parser.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FIRST_ARGS 8
/* An argument list up to this long is kept for the next command. */
#define KEPT_ARGS 64

bool resp_parser_add(struct resp_parser *p, struct resp_arg arg)
{
    if (p->argc == p->args_cap) {
        size_t cap = p->args_cap == 0 ? FIRST_ARGS : p->args_cap * 2;
        struct resp_arg *argv = realloc(p->argv, cap * sizeof *argv);
        if (argv == NULL)
            return false;
        p->held_bytes += (cap - p->args_cap) * sizeof *argv;
        p->argv = argv;
        p->args_cap = cap;
    }
    p->argv[p->argc++] = arg;
    return true;
}

static enum resp_status fail(struct resp_parser *p, const char *error)
{
    p->error = error;
    return RESP_ERROR;
}

/* ---- length lines: "<number>\r\n" ---- */

enum line { LINE_OK, LINE_MORE, LINE_TOO_LONG, LINE_BAD };

/* The usual case, in one look: up to nine digits and the line break are there. */
static inline bool short_number(const char *s, const char *end, int64_t *value, const char **next)
{
    int64_t n = 0;
    const char *p = s;
    const char *stop = end - s > 9 ? s + 9 : end;
    while (p < stop && *p >= '0' && *p <= '9')
        n = n * 10 + (*p++ - '0');
    if (p == s || end - p < 2 || p[0] != '\r' || p[1] != '\n' || (*s == '0' && p - s > 1))
        return false;
    *value = n;
    *next = p + 2;
    return true;
}

/* The canonical form of an int64_t, as Redis's string2ll(): no blanks, plus sign, leading zeros. */
static bool read_number(const char *s, size_t len, int64_t *value)
{
    bool negative = len > 0 && *s == '-';
    if (negative) {
        s++;
        len--;
    }
    if (len == 0 || len > 19 || (*s == '0' && (len > 1 || negative)))
        return false;
    int64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, s[i] - '0', &n))
            return false;
    }
    *value = negative ? -n : n;
    return true;
}

/* Any line, possibly not complete. Starts at p->at + 1; on LINE_OK p->at is behind it. */
static enum line any_number(struct resp_parser *p, size_t max, const char *buf, size_t len,
                            int64_t *value)
{
    size_t start = p->at + 1;
    if (p->scanned < start)
        p->scanned = start;
    size_t look = len - start > max + 1 ? start + max + 1 : len;
    const char *cr = p->scanned < look ? memchr(buf + p->scanned, '\r', look - p->scanned) : NULL;
    if (cr == NULL) {
        p->scanned = look;
        return len - start > max ? LINE_TOO_LONG : LINE_MORE;
    }
    size_t end = (size_t)(cr - buf);
    p->scanned = end;
    if (end + 1 == len)
        return LINE_MORE;
    if (cr[1] != '\n' || !read_number(buf + start, end - start, value))
        return LINE_BAD;
    p->at = end + 2;
    return LINE_OK;
}

/* The line of the element at p->at, whose first byte is its type. */
static inline enum line line_number(struct resp_parser *p, size_t max, const char *buf, size_t len,
                                    int64_t *value)
{
    const char *next;
    if (short_number(buf + p->at + 1, buf + len, value, &next)) {
        p->at = (size_t)(next - buf);
        return LINE_OK;
    }
    return any_number(p, max, buf, len, value);
}

/* ---- one step a phase; RESP_COMMAND means "go on" but for the end of the command ---- */

static enum resp_status finish(struct resp_parser *p, const char *buf)
{
    for (size_t i = 0; i < p->argc; i++) {
        struct resp_arg *a = &p->argv[i];
        a->ptr = a->chain == NULL ? buf + a->offset : NULL;
    }
    p->length = p->at;
    return RESP_COMMAND;
}

static enum resp_status parse_inline(struct resp_parser *p, const struct resp_limits *limits,
                                     char *buf, size_t len)
{
    size_t look = len > limits->max_inline + 1 ? limits->max_inline + 1 : len;
    const char *lf = p->scanned < look ? memchr(buf + p->scanned, '\n', look - p->scanned) : NULL;
    if (lf == NULL) {
        p->scanned = look;
        return len > limits->max_inline ? fail(p, "too big inline request") : RESP_MORE;
    }
    size_t end = (size_t)(lf - buf);
    p->at = end + 1;
    if (end > 0 && buf[end - 1] == '\r')
        end--;
    switch (resp_inline_split(p, buf, end)) {
    case INLINE_UNBALANCED:
        return fail(p, "unbalanced quotes in request");
    case INLINE_NOMEM:
        return RESP_NOMEM;
    case INLINE_OK:
        break;
    }
    if (p->argc > limits->max_args)
        return fail(p, limits->unauthenticated ? "unauthenticated multibulk length"
                                               : "invalid multibulk length");
    return finish(p, buf);
}

static enum resp_status parse_count(struct resp_parser *p, const struct resp_limits *limits,
                                    const char *buf, size_t len)
{
    int64_t n;
    switch (line_number(p, limits->max_inline, buf, len, &n)) {
    case LINE_MORE:
        return RESP_MORE;
    case LINE_TOO_LONG:
        return fail(p, "too big mbulk count string");
    case LINE_BAD:
        return fail(p, "invalid multibulk length");
    case LINE_OK:
        break;
    }
    if (n > 0 && (uint64_t)n > limits->max_args)
        return fail(p, limits->unauthenticated ? "unauthenticated multibulk length"
                                               : "invalid multibulk length");
    p->args_left = n > 0 ? (size_t)n : 0;
    p->phase = RESP_BULK_LENGTH;
    return RESP_COMMAND;
}

static enum resp_status start_chunks(struct resp_parser *p)
{
    struct resp_arg arg = {.len = p->bulk_len, .chain = resp_chain_create()};
    if (arg.chain == NULL)
        return RESP_NOMEM;
    if (!resp_parser_add(p, arg)) {
        resp_chain_destroy(arg.chain);
        return RESP_NOMEM;
    }
    p->has_chains = true;
    p->chain_left = p->bulk_len;
    p->phase = RESP_CHUNKS;
    return RESP_COMMAND;
}

static enum resp_status parse_bulk_length(struct resp_parser *p, const struct resp_limits *limits,
                                          const char *buf, size_t len)
{
    if (p->at == len)
        return RESP_MORE;
    if (buf[p->at] != '$') {
        p->error_byte = buf[p->at];
        return fail(p, NULL);
    }
    int64_t n;
    switch (line_number(p, limits->max_inline, buf, len, &n)) {
    case LINE_MORE:
        return RESP_MORE;
    case LINE_TOO_LONG:
        return fail(p, "too big bulk count string");
    case LINE_BAD:
        return fail(p, "invalid bulk length");
    case LINE_OK:
        break;
    }
    if (n < 0)
        return fail(p, "invalid bulk length");
    if ((uint64_t)n > limits->max_bulk)
        return fail(p, limits->unauthenticated ? "unauthenticated bulk length"
                                               : "invalid bulk length");
    p->bulk_len = (size_t)n;
    if (p->bulk_len > RESP_CHUNK_FROM)
        return start_chunks(p);
    p->phase = RESP_BULK;
    return RESP_COMMAND;
}

static enum resp_status end_of_bulk(struct resp_parser *p, const char *buf, size_t end)
{
    if (buf[end] != '\r' || buf[end + 1] != '\n')
        return fail(p, "expected a line break after a bulk string");
    p->at = end + 2;
    p->args_left--;
    p->phase = RESP_BULK_LENGTH;
    return RESP_COMMAND;
}

static enum resp_status parse_bulk(struct resp_parser *p, const char *buf, size_t len)
{
    if (len - p->at < p->bulk_len + 2)
        return RESP_MORE;
    struct resp_arg arg = {.offset = p->at, .len = p->bulk_len};
    if (!resp_parser_add(p, arg))
        return RESP_NOMEM;
    return end_of_bulk(p, buf, p->at + p->bulk_len);
}

/* Takes what has come of the payload out of the buffer. */
static enum resp_status parse_chunks(struct resp_parser *p, char *buf, size_t *len)
{
    size_t there = *len - p->at;
    size_t n = there < p->chain_left ? there : p->chain_left;
    if (!resp_chain_append(p->argv[p->argc - 1].chain, buf + p->at, n, p->chain_left,
                           &p->held_bytes))
        return RESP_NOMEM;
    memmove(buf + p->at, buf + p->at + n, there - n);
    *len -= n;
    p->chain_left -= n;
    if (p->chain_left > 0)
        return RESP_MORE;
    p->phase = RESP_BULK_END;
    return RESP_COMMAND;
}

static inline enum resp_status step(struct resp_parser *p, const struct resp_limits *limits,
                                    char *buf, size_t *len)
{
    switch (p->phase) {
    case RESP_START:
        if (*len == 0)
            return RESP_MORE;
        p->phase = buf[0] == '*' ? RESP_COUNT : RESP_INLINE;
        return RESP_COMMAND;
    case RESP_INLINE:
        return parse_inline(p, limits, buf, *len);
    case RESP_COUNT:
        return parse_count(p, limits, buf, *len);
    case RESP_BULK_LENGTH:
        return parse_bulk_length(p, limits, buf, *len);
    case RESP_BULK:
        return parse_bulk(p, buf, *len);
    case RESP_CHUNKS:
        return parse_chunks(p, buf, len);
    case RESP_BULK_END:
        return *len - p->at < 2 ? RESP_MORE : end_of_bulk(p, buf, p->at);
    }
    return RESP_MORE;
}

enum resp_status resp_parse(struct resp_parser *p, const struct resp_limits *limits, char *buf,
                            size_t *len)
{
    for (;;) {
        bool was_inline = p->phase == RESP_INLINE;
        enum resp_status status = step(p, limits, buf, len);
        if (status != RESP_COMMAND || was_inline)
            return status;
        if (p->phase == RESP_BULK_LENGTH && p->args_left == 0)
            return finish(p, buf);
    }
}

static void free_chains(struct resp_parser *p)
{
    for (size_t i = 0; p->has_chains && i < p->argc; i++)
        resp_chain_destroy(p->argv[i].chain);
}

void resp_parser_reset(struct resp_parser *p)
{
    free_chains(p);
    struct resp_arg *argv = p->argv;
    size_t cap = p->args_cap;
    if (cap > KEPT_ARGS) {
        free(argv);
        argv = NULL;
        cap = 0;
    }
    *p = (struct resp_parser){.argv = argv, .args_cap = cap, .held_bytes = cap * sizeof *argv};
}

void resp_parser_free(struct resp_parser *p)
{
    free_chains(p);
    free(p->argv);
    *p = (struct resp_parser){0};
}

bool resp_parser_is_fresh(const struct resp_parser *p)
{
    return p->phase == RESP_START;
}

void resp_parser_error(const struct resp_parser *p, struct resp_out *out)
{
    if (p->error == NULL)
        resp_errorf(out, "ERR Protocol error: expected '$', got '%c'", p->error_byte);
    else
        resp_errorf(out, "ERR Protocol error: %s", p->error);
}

size_t resp_parser_wants(const struct resp_parser *p)
{
    if (p->phase == RESP_CHUNKS)
        return p->chain_left + 2;
    return p->phase == RESP_BULK ? p->bulk_len + 2 : 0;
}
