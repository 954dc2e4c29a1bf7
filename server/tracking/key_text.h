/* Names of keys on their way to clients that track: one behind the other, each with its length
 * before it. */
#ifndef SERVER_KEY_TEXT_H
#define SERVER_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KEY_TEXT_HEAD sizeof(uint32_t)

/* Keys, of which only those that begin with the prefix are meant. */
struct key_text {
    const char *bytes;
    size_t len;
    const char *prefix;
    size_t prefix_len;
};

/* Writes one; returns where the next goes. */
static inline char *key_text_put(char *to, const void *key, size_t len)
{
    uint32_t n = (uint32_t)len;
    memcpy(to, &n, sizeof n);
    memcpy(to + sizeof n, key, len);
    return to + sizeof n + len;
}

/* Walks: start with *at = 0. False at the end. */
static inline bool key_text_next(const struct key_text *t, size_t *at, const char **key,
                                 size_t *len)
{
    while (*at < t->len) {
        uint32_t n;
        memcpy(&n, t->bytes + *at, sizeof n);
        *key = t->bytes + *at + sizeof n;
        *len = n;
        *at += sizeof n + n;
        if (n >= t->prefix_len && (n == 0 || memcmp(*key, t->prefix, t->prefix_len) == 0))
            return true;
    }
    return false;
}

#endif
