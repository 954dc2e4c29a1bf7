/* Families of keys, bounded in number. Family 0 is the shared one, "*": keys without a pattern, and
 * all patterns that are too rare to have a place of their own.
 *
 * A pattern gets a place after it was met often enough among the values that were compressed, so
 * that 10,000 families with a few items each leave the places to those that matter. When all
 * places are taken, a family that was not met for long gives up its place, unless the caller still
 * needs it (it has a dictionary with items).
 *
 * Not thread safe: the caller has one lock around the table.
 */
#ifndef CACHE_FAMILY_H
#define CACHE_FAMILY_H

#include "key_pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAMILY_SHARED = 0, FAMILY_MAX = 64 };

struct family_table;

/* NULL when memory is short. */
struct family_table *family_table_create(void);
void family_table_destroy(struct family_table *table);

/* The family of a key; counts it as met with a value of raw_len bytes. */
unsigned family_meet(struct family_table *table, const void *key, size_t len, size_t raw_len);
/* The same without counting. */
unsigned family_find(const struct family_table *table, const void *key, size_t len);
/* The family whose name this is (as in family_name()), or FAMILY_MAX. */
unsigned family_named(const struct family_table *table, const char *name, size_t len);
/* Its pattern, "*" for the shared one; NULL when the place is free. */
const char *family_name(const struct family_table *table, unsigned family);
/* Raw bytes met since it got its place. */
uint64_t family_bytes(const struct family_table *table, unsigned family);
/* Changes whenever the place goes to another pattern. */
unsigned family_generation(const struct family_table *table, unsigned family);
/* While set, the place is not given to another pattern. */
void family_keep(struct family_table *table, unsigned family, bool keep);

#endif
