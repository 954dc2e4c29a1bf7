#include "differential_reply.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *line_end(const char *data, size_t len)
{
    const char *cr = memchr(data, '\r', len);
    if (cr == NULL || (size_t)(cr - data) + 2 > len)
        return NULL;
    return cr[1] == '\n' ? cr + 2 : NULL;
}

/* The number after the type. The line has its end, the buffer behind it has none that strtol()
 * would know. */
static long long number_of(const char *line)
{
    long long n = 0;
    const char *at = line + 1 + (line[1] == '-');
    for (; *at >= '0' && *at <= '9' && n < LLONG_MAX / 10 - 1; at++)
        n = n * 10 + (*at - '0');
    return line[1] == '-' ? -n : n;
}

static bool is_aggregate(char c)
{
    return c == '*' || c == '%' || c == '~' || c == '>';
}

/* Whole length of `count` replies, 0 or -1. */
static long many_length(const char *data, size_t len, long count)
{
    size_t at = 0;
    for (long i = 0; i < count; i++) {
        long n = at < len ? reply_length(data + at, len - at) : 0;
        if (n <= 0)
            return n;
        at += (size_t)n;
    }
    return (long)at;
}

long reply_length(const char *data, size_t len)
{
    if (len == 0)
        return 0;
    if (memchr("+-:$*_#,(%~>=!", data[0], 14) == NULL)
        return -1;
    const char *end = line_end(data, len);
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - data);
    long n = (long)number_of(data);
    if (memchr("$=!", data[0], 3) != NULL) {
        if (n < 0)
            return (long)head;
        size_t whole = head + (size_t)n + 2;
        return len < whole ? 0 : (long)whole;
    }
    if (!is_aggregate(data[0]) || n <= 0)
        return (long)head;
    long body = many_length(end, len - head, data[0] == '%' ? 2 * n : n);
    return body <= 0 ? body : (long)head + body;
}

long reply_elements(const char *data, size_t len, const char **starts, size_t *lens, long max)
{
    const char *end = line_end(data, len);
    if (end == NULL || !is_aggregate(data[0]))
        return -1;
    long n = (long)number_of(data);
    if (data[0] == '%')
        n *= 2;
    size_t at = (size_t)(end - data);
    for (long i = 0; i < n; i++) {
        long one = reply_length(data + at, len - at);
        if (one <= 0)
            return -1;
        if (i < max) {
            starts[i] = data + at;
            lens[i] = (size_t)one;
        }
        at += (size_t)one;
    }
    return n;
}

struct piece {
    const char *start;
    size_t len;
};

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->start, y->start, n);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Elements, or pairs of elements (which lie side by side, so a pair is one piece), sorted. */
static struct piece *sorted(const char *data, size_t len, long group, long *count)
{
    long n = reply_elements(data, len, NULL, NULL, 0);
    if (n < 0 || n % group != 0)
        return NULL;
    size_t slots = (size_t)n + 1;
    const char **starts = calloc(slots, sizeof *starts);
    size_t *lens = calloc(slots, sizeof *lens);
    struct piece *pieces = calloc(slots, sizeof *pieces);
    *count = n / group;
    if (starts != NULL && lens != NULL && pieces != NULL) {
        reply_elements(data, len, starts, lens, n);
        for (long i = 0; i < n; i++) {
            pieces[i / group].len += lens[i];
            if (i % group == 0)
                pieces[i / group].start = starts[i];
        }
        qsort(pieces, (size_t)*count, sizeof *pieces, compare_pieces);
    }
    free(starts);
    free(lens);
    return pieces;
}

static bool agree_unordered(const char *a, size_t a_len, const char *b, size_t b_len, long group)
{
    long n = 0, m = 0;
    if (a[0] != b[0])
        return false;
    struct piece *x = sorted(a, a_len, group, &n), *y = sorted(b, b_len, group, &m);
    bool same = x != NULL && y != NULL && n == m;
    for (long i = 0; same && i < n; i++)
        same = compare_pieces(&x[i], &y[i]) == 0;
    free(x);
    free(y);
    return same;
}

/* Two elements: a cursor, which must be the same, and an aggregate. */
static bool agree_scan(const char *a, size_t a_len, const char *b, size_t b_len, long group)
{
    const char *x[2], *y[2];
    size_t x_len[2], y_len[2];
    if (reply_elements(a, a_len, x, x_len, 2) != 2 || reply_elements(b, b_len, y, y_len, 2) != 2)
        return false;
    return x_len[0] == y_len[0] && memcmp(x[0], y[0], x_len[0]) == 0 &&
           agree_unordered(x[1], x_len[1], y[1], y_len[1], group);
}

static bool agree_near(long near, const char *a, const char *b)
{
    if (a[0] != ':' || b[0] != ':')
        return false;
    long long x = number_of(a), y = number_of(b);
    return (x < 0) == (y < 0) && llabs(x - y) <= near;
}

bool replies_agree(enum comparison how, long near, const char *a, size_t a_len, const char *b,
                   size_t b_len)
{
    if (a_len == b_len && memcmp(a, b, a_len) == 0)
        return true;
    switch (how) {
    case COMPARE_EXACT:
        return false;
    case COMPARE_UNORDERED:
        return agree_unordered(a, a_len, b, b_len, 1);
    case COMPARE_PAIRS:
        return agree_unordered(a, a_len, b, b_len, 2);
    case COMPARE_SCAN:
        return agree_scan(a, a_len, b, b_len, 1);
    case COMPARE_SCAN_PAIRS:
        return agree_scan(a, a_len, b, b_len, 2);
    case COMPARE_NEAR:
        return agree_near(near, a, b);
    case COMPARE_SHAPE:
        return a[0] == b[0] && a[0] != '-' && (!is_aggregate(a[0]) || number_of(a) == number_of(b));
    case COMPARE_NOT:
        return (a[0] == '-') == (b[0] == '-');
    }
    return false;
}
