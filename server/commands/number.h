/* Numbers as text, by the rules Redis applies to them. All functions are pure and thread safe. */
#ifndef SERVER_COMMANDS_NUMBER_H
#define SERVER_COMMANDS_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_INT_CHARS   21   /* longest int64_t, with its sign and a NUL */
#define NUMBER_FLOAT_CHARS 5120 /* longest long double without an exponent */

/* The canonical form only: no blanks, no plus sign, no leading zeros, no "-0". */
bool number_parse_int(const char *text, size_t len, int64_t *out);
/* Writes the digits (no NUL), returns how many. */
size_t number_print_int(int64_t n, char out[NUMBER_INT_CHARS]);

/* Whatever strtold() takes, all of it and nothing before it; not a NaN, nothing that overflows. */
bool number_parse_float(const char *text, size_t len, long double *out);
/* 17 digits after the point, trailing zeros cut off, never an exponent. Returns the length. */
size_t number_print_float(long double f, char out[NUMBER_FLOAT_CHARS]);

#endif
