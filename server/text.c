#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool grow(struct text *t, size_t more)
{
    size_t cap = t->cap == 0 ? 1024 : t->cap;
    while (cap < t->len + more)
        cap *= 2;
    char *bytes = realloc(t->bytes, cap);
    if (bytes == NULL) {
        t->failed = true;
        return false;
    }
    t->bytes = bytes;
    t->cap = cap;
    return true;
}

void text_printf(struct text *t, const char *format, ...)
{
    if (t->failed || (t->bytes == NULL && !grow(t, 1)))
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->len, t->cap - t->len, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n >= t->cap - t->len) {
        if (!grow(t, (size_t)n + 1))
            return;
        va_start(args, format);
        n = vsnprintf(t->bytes + t->len, t->cap - t->len, format, args);
        va_end(args);
    }
    if (n < 0)
        t->failed = true;
    else
        t->len += (size_t)n;
}

void text_free(struct text *t)
{
    free(t->bytes);
    *t = (struct text){0};
}
