/* SipHash-1-3, a hash keyed with a secret, so that nobody outside can choose keys that collide.
 * Jean-Philippe Aumasson and Daniel J. Bernstein, "SipHash: a fast short-input PRF", 2012; one
 * compression and three finalisation rounds, as Rust and Python use it for hash tables. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/* Pure; thread safe. */
uint64_t siphash13(const void *bytes, size_t len, const uint8_t key[SIPHASH_KEY_BYTES]);

#endif
