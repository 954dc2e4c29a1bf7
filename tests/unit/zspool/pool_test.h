/* What the tests of zspool share. */
#ifndef POOL_TEST_H
#define POOL_TEST_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"
#include "zspool/zspool.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

/* A pool with the defaults. */
struct zs_pool *new_pool(void);
/* Allocates, or fails the test. */
zs_handle get(struct zs_pool *pool, size_t size);
/* Fills an object with bytes that follow from `mark`, and checks them. */
void fill(struct zs_pool *pool, zs_handle handle, size_t len, uint32_t mark);
void expect_filled(struct zs_pool *pool, zs_handle handle, size_t len, uint32_t mark);
uint8_t byte_of(uint32_t mark, size_t at);
/* Every invariant, and the identities between the numbers that the pool tells. */
void expect_sound(struct zs_pool *pool);
/* Destroys a pool that must be empty. */
void destroy_empty(struct zs_pool *pool);
/* Zspages of the class that are neither empty nor full. */
size_t partial_zspages(struct zs_pool *pool, unsigned class_index);

typedef void (*add_tests)(TCase *c);
/* The main of a test program. */
int run_suite(const char *name, add_tests add);

#endif
