/* Which values look as if compressing them were in vain. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <string.h>

enum { N = 2000, LEN_MAX = 4096 };

static size_t len_of(uint64_t i)
{
    return 64 + (size_t)i * 131 % (LEN_MAX - 64);
}

/* How many of N values made by `make` look incompressible. */
static unsigned count(void (*make)(uint64_t seed, uint8_t *out, size_t len))
{
    static uint8_t bytes[LEN_MAX];
    unsigned n = 0;
    for (uint64_t i = 0; i < N; i++) {
        make(i, bytes, len_of(i));
        n += codec_looks_incompressible(bytes, len_of(i));
    }
    return n;
}

static void base64(uint64_t seed, uint8_t *out, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)digits[value_random(&seed) % 64];
}

static void base64_in_json(uint64_t seed, uint8_t *out, size_t len)
{
    static const char head[] = "{\"type\":\"image/png\",\"data\":\"";
    base64(seed, out, len);
    memcpy(out, head, sizeof(head) - 1);
    out[len - 2] = '"';
    out[len - 1] = '}';
}

static void hex(uint64_t seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t) "0123456789abcdef"[value_random(&seed) % 16];
}

/* Three bytes a character, of a few thousand characters: the UTF-8 of Chinese text. */
static void han(uint64_t seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t r = value_random(&seed);
        out[i] = (uint8_t)(i % 3 == 0 ? 0xe4 + r % 6 : 0x80 + r % 64);
    }
}

static void counters(uint64_t seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) /* little-endian numbers of 4 bytes, below 65536 */
        out[i] = i % 4 < 2 ? (uint8_t)value_random(&seed) : 0;
}

START_TEST(random_bytes_do)
{
    ck_assert_uint_ge(count(value_noise), N * 99 / 100);
}
END_TEST

START_TEST(text_does_not)
{
    ck_assert_uint_eq(count(value_text), 0);
    ck_assert_uint_eq(count(hex), 0);
    ck_assert_uint_le(count(base64), N / 100);
    ck_assert_uint_le(count(base64_in_json), N / 100);
    ck_assert_uint_le(count(han), N / 100);
    ck_assert_uint_le(count(counters), N / 100);
}
END_TEST

START_TEST(short_values_do_not)
{
    uint8_t bytes[64];
    value_noise(1, bytes, sizeof(bytes));
    for (size_t len = 0; len < sizeof(bytes); len++)
        ck_assert(!codec_looks_incompressible(bytes, len));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec incompressible");
    TCase *tc = tcase_create("incompressible");
    tcase_add_test(tc, random_bytes_do);
    tcase_add_test(tc, text_does_not);
    tcase_add_test(tc, short_values_do_not);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
