#include "protocol/resp_writer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 1024
/* Type, digits of a 64-bit number, sign, line break. */
#define HEADER_MAX 24

void resp_out_init(struct resp_out *out, unsigned proto)
{
    *out = (struct resp_out){.proto = (uint8_t)proto};
}

void resp_out_free(struct resp_out *out)
{
    free(out->data);
    out->data = NULL;
    out->len = 0;
    out->cap = 0;
}

void resp_out_clear(struct resp_out *out, size_t keep)
{
    if (out->cap > keep)
        resp_out_free(out);
    out->len = 0;
    out->failed = false;
}

static char *grow(struct resp_out *out, size_t n)
{
    if (out->failed)
        return NULL;
    size_t cap = out->cap < FIRST_BYTES ? FIRST_BYTES : out->cap;
    size_t need;
    bool fits = !__builtin_add_overflow(out->len, n, &need) && need <= SIZE_MAX / 4 &&
                (out->most == 0 || need <= out->most);
    while (fits && cap < need)
        cap += cap / 2;
    char *data = fits ? realloc(out->data, cap) : NULL;
    if (data == NULL) {
        out->failed = true;
        return NULL;
    }
    out->data = data;
    out->cap = cap;
    return data + out->len;
}

static inline char *reserve(struct resp_out *out, size_t n)
{
    if (out->cap - out->len >= n && !out->failed)
        return out->data + out->len;
    return grow(out, n);
}

char *resp_out_reserve(struct resp_out *out, size_t n)
{
    return reserve(out, n);
}

void resp_raw(struct resp_out *out, const void *bytes, size_t len)
{
    char *to = len > 0 ? reserve(out, len) : NULL;
    if (to == NULL)
        return;
    memcpy(to, bytes, len);
    out->len += len;
}

/* Digits of n and a line break; returns behind them. */
static inline char *put_number(char *to, uint64_t n)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (count > 0)
        *to++ = digits[--count];
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static inline void header(struct resp_out *out, char type, uint64_t n)
{
    char *to = reserve(out, HEADER_MAX);
    if (to == NULL)
        return;
    *to++ = type;
    out->len = (size_t)(put_number(to, n) - out->data);
}

static void line(struct resp_out *out, char type, const char *text, size_t len)
{
    char *to = reserve(out, len + 3);
    if (to == NULL)
        return;
    *to++ = type;
    memcpy(to, text, len);
    to[len] = '\r';
    to[len + 1] = '\n';
    out->len += len + 3;
}

void resp_ok(struct resp_out *out)
{
    resp_raw(out, "+OK\r\n", 5);
}

void resp_simple(struct resp_out *out, const char *text)
{
    line(out, '+', text, strlen(text));
}

void resp_error(struct resp_out *out, const char *text)
{
    line(out, '-', text, strlen(text));
}

void resp_errorf(struct resp_out *out, const char *format, ...)
{
    char text[RESP_ERROR_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n;
    if (len >= sizeof text)
        len = sizeof text - 1;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')
            text[i] = ' ';
    line(out, '-', text, len);
}

void resp_integer(struct resp_out *out, int64_t n)
{
    char *to = reserve(out, HEADER_MAX);
    if (to == NULL)
        return;
    *to++ = ':';
    if (n < 0)
        *to++ = '-';
    uint64_t magnitude = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    out->len = (size_t)(put_number(to, magnitude) - out->data);
}

char *resp_bulk_begin(struct resp_out *out, size_t len)
{
    char *to = len < SIZE_MAX - HEADER_MAX - 2 ? reserve(out, len + HEADER_MAX + 2) : NULL;
    if (to == NULL) {
        out->failed = true;
        return NULL;
    }
    *to++ = '$';
    to = put_number(to, len);
    out->len = (size_t)(to - out->data) + len;
    return to;
}

void resp_bulk_end(struct resp_out *out)
{
    memcpy(out->data + out->len, "\r\n", 2);
    out->len += 2;
}

void resp_bulk(struct resp_out *out, const void *bytes, size_t len)
{
    char *to = resp_bulk_begin(out, len);
    if (to == NULL)
        return;
    if (len > 0)
        memcpy(to, bytes, len);
    resp_bulk_end(out);
}

void resp_bulk_header(struct resp_out *out, size_t len)
{
    header(out, '$', len);
}

void resp_null(struct resp_out *out)
{
    if (resp_is3(out))
        resp_raw(out, "_\r\n", 3);
    else
        resp_raw(out, "$-1\r\n", 5);
}

void resp_null_array(struct resp_out *out)
{
    if (resp_is3(out))
        resp_raw(out, "_\r\n", 3);
    else
        resp_raw(out, "*-1\r\n", 5);
}

void resp_array(struct resp_out *out, size_t n)
{
    header(out, '*', n);
}

void resp_map(struct resp_out *out, size_t n)
{
    if (resp_is3(out))
        header(out, '%', n);
    else
        header(out, '*', 2 * n);
}

void resp_set(struct resp_out *out, size_t n)
{
    header(out, resp_is3(out) ? '~' : '*', n);
}

void resp_push(struct resp_out *out, size_t n)
{
    header(out, resp_is3(out) ? '>' : '*', n);
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
static size_t double_text(double d, char *text, size_t cap)
{
    if (isnan(d))
        return (size_t)snprintf(text, cap, "nan");
    if (isinf(d))
        return (size_t)snprintf(text, cap, d > 0 ? "inf" : "-inf");
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(text, cap, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    return (size_t)n;
}

void resp_double(struct resp_out *out, double d)
{
    char text[40];
    size_t len = double_text(d, text, sizeof text);
    if (resp_is3(out))
        line(out, ',', text, len);
    else
        resp_bulk(out, text, len);
}

void resp_boolean(struct resp_out *out, bool b)
{
    if (resp_is3(out))
        resp_raw(out, b ? "#t\r\n" : "#f\r\n", 4);
    else
        resp_integer(out, b);
}

void resp_verbatim(struct resp_out *out, const char *format, const void *bytes, size_t len)
{
    if (!resp_is3(out)) {
        resp_bulk(out, bytes, len);
        return;
    }
    header(out, '=', len + 4);
    resp_raw(out, format, 3);
    resp_raw(out, ":", 1);
    resp_raw(out, bytes, len);
    resp_raw(out, "\r\n", 2);
}
