#include "values.h"

#include "codec/codec.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 256 };

uint32_t value_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

size_t value_json(uint64_t number, char *out, size_t cap)
{
    static const char *const words[] = {"amber", "birch", "cedar", "delta", "ember", "fjord",
                                        "grove", "haven", "islet", "jetty", "knoll", "larch"};
    enum { WORDS = sizeof(words) / sizeof(words[0]) };
    uint64_t state = number;
    uint32_t a = value_random(&state), b = value_random(&state), c = value_random(&state);
    int len =
        snprintf(out, cap,
                 "{\"id\":%" PRIu64 ",\"name\":\"%s %s\",\"lat\":\"%u.%04u\",\"active\":%s,"
                 "\"tags\":[\"%s\",\"%s\"],\"balance\":%u}",
                 number, words[a % WORDS], words[b % WORDS], a % 90, b % 10000,
                 c & 1 ? "true" : "false", words[c % WORDS], words[c / WORDS % WORDS], c % 100000);
    ck_assert_int_gt(len, 0);
    return (size_t)len < cap ? (size_t)len : cap - 1;
}

void value_noise(uint64_t seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)value_random(&seed);
}

void value_text(uint64_t seed, uint8_t *out, size_t len)
{
    char record[RECORD_MAX];
    for (size_t at = 0; at < len;) {
        size_t n = value_json(seed++, record, sizeof(record));
        n = n < len - at ? n : len - at;
        memcpy(out + at, record, n);
        at += n;
    }
}

struct value_set value_set_json(uint64_t first, unsigned n)
{
    struct value_set set = {malloc((size_t)n * RECORD_MAX), calloc(n, sizeof(size_t)), n};
    ck_assert_ptr_nonnull(set.bytes);
    ck_assert_ptr_nonnull(set.lens);
    size_t at = 0;
    for (unsigned i = 0; i < n; i++) {
        set.lens[i] = value_json(first + i, (char *)set.bytes + at, RECORD_MAX);
        at += set.lens[i];
    }
    return set;
}

void value_set_free(struct value_set *set)
{
    free(set->bytes);
    free(set->lens);
}

struct codec_dict *value_dict(size_t max_len)
{
    struct value_set set = value_set_json(0, 4000);
    struct codec_dict *dict = codec_dict_train(
        set.bytes, set.lens, set.n, &(struct codec_training){.max_len = max_len, .budget_ms = 200});
    value_set_free(&set);
    ck_assert_ptr_nonnull(dict);
    return dict;
}
