/* Random arguments: keys, values and numbers, plain and strange. */
#ifndef DIFFERENTIAL_VALUES_H
#define DIFFERENTIAL_VALUES_H

#include <stddef.h>

#include "differential_random.h"

#define VALUE_MAX (512 << 10)

/* Writes an argument of the kind that differential_grammar.c names by a letter; returns its length.
 */
size_t value_make(struct random *r, char kind, char *out);

#endif
