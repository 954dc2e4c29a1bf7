/* Values for the tests of the codec: like what caches hold, and made from a seed. */
#ifndef TEST_CODEC_VALUES_H
#define TEST_CODEC_VALUES_H

#include <stddef.h>
#include <stdint.h>

struct codec_dict;

uint32_t value_random(uint64_t *state);
/* A record in JSON, the same for the same number; returns its length, at most cap. */
size_t value_json(uint64_t number, char *out, size_t cap);
void value_noise(uint64_t seed, uint8_t *out, size_t len);
/* `len` bytes of records one behind the other. */
void value_text(uint64_t seed, uint8_t *out, size_t len);

/* n records of value_json(), numbered from `first`, one behind the other. */
struct value_set {
    uint8_t *bytes;
    size_t *lens;
    unsigned n;
};
struct value_set value_set_json(uint64_t first, unsigned n);
void value_set_free(struct value_set *set);
/* Trained on 4,000 records. The caller frees. */
struct codec_dict *value_dict(size_t max_len);

#endif
