/* Bits of strings, numbered from the highest bit of the first byte. All functions are pure. */
#ifndef SERVER_COMMANDS_BITS_H
#define SERVER_COMMANDS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bits of the bytes are set. */
size_t bits_count(const uint8_t *bytes, size_t len);
/* The first bit that is `bit`; len * 8 when there is none. */
size_t bits_find(const uint8_t *bytes, size_t len, unsigned bit);

/* A whole number of 1 to 64 bits (63 without a sign) at any bit. It lies in at most
 * BITS_NUMBER_BYTES bytes, of which the functions get the first, and the place in it (0 to 7). */
#define BITS_NUMBER_BYTES 9
struct bits_type {
    bool is_signed;
    unsigned width;
};
enum bits_overflow { BITS_WRAP, BITS_SATURATE, BITS_FAIL };

/* "u8", "i64". */
bool bits_type_parse(const char *text, size_t len, struct bits_type *type);
int64_t bits_get(const uint8_t *bytes, unsigned at, struct bits_type type);
void bits_put(uint8_t *bytes, unsigned at, struct bits_type type, int64_t n);
/* a + b as a number of the type; false when it does not fit and may not be bent. An `a` below 0 is
 * a very large one to a type without a sign. */
bool bits_add(struct bits_type type, enum bits_overflow overflow, int64_t a, int64_t b,
              int64_t *sum);

#endif
