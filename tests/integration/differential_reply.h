/* Replies as they came on the wire: where one ends, and when two say the same. */
#ifndef DIFFERENTIAL_REPLY_H
#define DIFFERENTIAL_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* How the replies of a command are compared. */
enum comparison {
    COMPARE_EXACT,     /* byte by byte */
    COMPARE_UNORDERED, /* an aggregate whose elements may come in any order */
    COMPARE_PAIRS,     /* the same, two elements belonging together */
    COMPARE_NEAR,      /* integers that may differ by the time between the two servers' clocks */
    COMPARE_SCAN,      /* cursor and elements: the elements in any order */
    COMPARE_SCAN_PAIRS,
    COMPARE_SHAPE, /* same type and same length of an aggregate; contents are random */
    COMPARE_NOT,   /* only that both are replies, and both or neither an error */
};

/* Bytes of the first reply in data; 0 = not yet whole, -1 = no RESP. */
long reply_length(const char *data, size_t len);
/* `near` is the tolerance of COMPARE_NEAR. */
bool replies_agree(enum comparison how, long near, const char *a, size_t a_len, const char *b,
                   size_t b_len);
/* Elements of an aggregate: fills starts and lengths of up to max, returns how many there are, -1
 * when it is none. */
long reply_elements(const char *data, size_t len, const char **starts, size_t *lens, long max);

#endif
