/* The differences from redis-server 7.0 that are meant. */
#ifndef DIFFERENTIAL_KNOWN_H
#define DIFFERENTIAL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "differential_grammar.h"

bool difference_is_known(const struct generated *g, const char *redis, size_t redis_len,
                         const char *zscache, size_t zscache_len);

#endif
