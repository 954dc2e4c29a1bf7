/* The family of a key: the key with what tells one item from the next taken out. Values of keys of
 * one family resemble each other, so they share a dictionary.
 *
 *   user:1234            user:#            the part before the last separator
 *   user:alice           user:#
 *   1234:profile         #:profile         the family may stand at the end
 *   s:550e8400-e29b-41d4-a716-446655440000  s:#
 *   obj42                obj#              no separator, a number at the end
 *   alice                (empty)           nothing to go by: the shared family
 */
#ifndef CACHE_KEY_PATTERN_H
#define CACHE_KEY_PATTERN_H

#include <stddef.h>

/* Longest pattern; a longer one is cut. A family's name fits in cache_dict_info with its NUL. */
#define KEY_PATTERN_MAX 63

/* Writes the pattern of the key, without NUL; returns its length, 0 = nothing to go by. Reads at
 * most the first 256 bytes of the key. Bytes that are not printable come out as '?'. */
size_t key_pattern(const void *key, size_t len, char out[KEY_PATTERN_MAX]);

#endif
