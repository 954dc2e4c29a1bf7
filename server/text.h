/* Text that grows: what INFO and CLIENT LIST are written to. One thread at a time. */
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;
    size_t len, cap;
    bool failed; /* memory ran out: what follows is ignored */
};

/* Start from {0}. */
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

#endif
