#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool number_parse_int(const char *text, size_t len, int64_t *out)
{
    bool negative = len > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    size_t digits = len - i;
    if (digits == 0 || digits > 19)
        return false;
    if (text[i] == '0') {
        *out = 0;
        return len == 1;
    }
    uint64_t n = 0; /* 19 digits always fit in 64 bits without a sign */
    for (; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    if (n > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

size_t number_print_int(int64_t n, char out[NUMBER_INT_CHARS])
{
    char digits[NUMBER_INT_CHARS];
    size_t at = sizeof digits;
    uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (n < 0)
        digits[--at] = '-';
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

bool number_parse_float(const char *text, size_t len, long double *out)
{
    char copy[NUMBER_FLOAT_CHARS]; /* longer text is no number for Redis either */
    if (len == 0 || len >= sizeof copy || isspace((unsigned char)text[0]))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *end;
    errno = 0;
    long double f = strtold(copy, &end);
    if ((size_t)(end - copy) != len || isnan(f))
        return false;
    if (errno == ERANGE && (isinf(f) || fabsl(f) == 0.0L))
        return false;
    *out = f;
    return true;
}

size_t number_print_float(long double f, char out[NUMBER_FLOAT_CHARS])
{
    int n = snprintf(out, NUMBER_FLOAT_CHARS, "%.17Lf", f);
    if (n <= 0 || n >= NUMBER_FLOAT_CHARS)
        return 0;
    size_t len = (size_t)n;
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    if (len == 2 && out[0] == '-' && out[1] == '0') {
        out[0] = '0';
        len = 1;
    }
    return len;
}
