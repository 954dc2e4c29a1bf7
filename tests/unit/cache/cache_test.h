/* What tests of the whole cache share: one cache, one thread, a clock that the test moves, and
 * values that follow from a number. */
#ifndef TEST_CACHE_TEST_H
#define TEST_CACHE_TEST_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/* A sanitizer takes so much memory that a cap on what the process has tells nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

struct fixture {
    struct cache *cache;
    struct cache_thread *t; /* inside, but during a tick */
    int64_t now;
};
extern struct fixture fx;

#define VALUE_MAX ((size_t)256 << 10)

void fixture_begin(struct cache_opts opts);
/* cache_check(), then the end. */
void fixture_end(void);
void fixture_check(void);
struct cache_stats fixture_stats(void);
/* Lets time pass, with a tick every 400 ms that has all the time it wants. */
void fixture_pass(int64_t ms);
/* The same while requests come: with compression_cpu_percent 100, or little gets done. */
void fixture_pass_busy(int64_t ms);

struct cache_key fixture_key(const char *name);
enum cache_status fixture_set(const char *name, const void *value, size_t len);
/* Reads all of it to `out` (VALUE_MAX). */
enum cache_status fixture_get(const char *name, void *out, size_t *len);
enum cache_status fixture_patch(const char *name, size_t off, const void *value, size_t len);

/* A record of one of two kinds that have nothing in common; fewer than 512 bytes. */
size_t value_record(unsigned kind, unsigned n, void *out);
/* `len` bytes of records one behind the other, and of noise. */
void value_text(unsigned n, void *out, size_t len);
void value_noise(unsigned n, void *out, size_t len);
/* Noise of 64 letters: it looks like text. */
void value_letters(unsigned n, void *out, size_t len);

/* Runs the tests of a program. */
int fixture_run(TCase *c);

#endif
