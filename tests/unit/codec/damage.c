/* Damaged payloads and wrong dictionaries: an answer of false or some bytes of the right number,
 * never an access outside of the buffers. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct codec_ctx *ctx;
static struct codec_dict *dict, *other;

static void set_up(void)
{
    ctx = codec_ctx_create();
    ck_assert_ptr_nonnull(ctx);
    dict = value_dict(16u << 10);
    uint8_t noise[8192];
    value_noise(3, noise, sizeof(noise));
    other = codec_dict_create(noise, sizeof(noise));
    ck_assert_ptr_nonnull(other);
}

static void tear_down(void)
{
    codec_dict_destroy(dict);
    codec_dict_destroy(other);
    codec_ctx_destroy(ctx);
}

struct payload {
    uint8_t *bytes;
    size_t len, raw_len;
    enum codec_id id;
};

static struct payload encode(enum codec_effort effort, const uint8_t *raw, size_t raw_len)
{
    struct payload p = {malloc(raw_len), 0, raw_len, CODEC_RAW};
    ck_assert_ptr_nonnull(p.bytes);
    p.len = codec_encode(ctx, effort, dict, raw, raw_len, p.bytes, raw_len, &p.id);
    ck_assert_uint_gt(p.len, 0);
    return p;
}

/* In buffers of the exact size, for the sanitizer. What was in the buffer before must not show. */
static bool decode(const struct payload *p, const struct codec_dict *with, size_t len,
                   size_t raw_len, const uint8_t *expected)
{
    uint8_t *in = malloc(len ? len : 1), *out = malloc(raw_len ? raw_len : 1);
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    memcpy(in, p->bytes, len);
    memset(out, 0x55, raw_len);
    bool ok = codec_decode(ctx, p->id, with, in, len, out, raw_len);
    if (ok && !expected) {
        uint8_t *again = malloc(raw_len ? raw_len : 1);
        ck_assert_ptr_nonnull(again);
        memset(again, 0xaa, raw_len);
        ck_assert(codec_decode(ctx, p->id, with, in, len, again, raw_len));
        ck_assert_int_eq(memcmp(out, again, raw_len), 0);
        free(again);
    }
    if (ok && expected)
        ok = memcmp(out, expected, raw_len) == 0;
    free(in);
    free(out);
    return ok;
}

static const size_t sizes[] = {40, 120, 255, 256, 700, 5000, CODEC_MAX_RAW};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void each_payload(void (*check)(const struct payload *, const uint8_t *raw))
{
    for (size_t i = 0; i < SIZES; i++) {
        uint8_t *raw = malloc(sizes[i]);
        ck_assert_ptr_nonnull(raw);
        value_text(77 * i, raw, sizes[i]);
        for (int effort = CODEC_FAST; effort <= CODEC_CLOSE; effort++) {
            struct payload p = encode((enum codec_effort)effort, raw, sizes[i]);
            check(&p, raw);
            free(p.bytes);
        }
        free(raw);
    }
}

static void check_truncated(const struct payload *p, const uint8_t *raw)
{
    ck_assert(decode(p, dict, p->len, p->raw_len, raw));
    size_t step = p->len / 200 + 1;
    for (size_t len = 0; len < p->len; len += step)
        ck_assert(!decode(p, dict, len, p->raw_len, NULL));
}

START_TEST(truncated)
{
    each_payload(check_truncated);
}
END_TEST

static void check_length(const struct payload *p, const uint8_t *raw)
{
    (void)raw;
    if (p->raw_len < CODEC_MAX_RAW)
        ck_assert(!decode(p, dict, p->len, p->raw_len + 1, NULL));
    ck_assert(!decode(p, dict, p->len, 0, NULL));
    ck_assert(!decode(p, dict, p->len, CODEC_MAX_RAW + 1, NULL));
    /* A short value's payload may end in a match that is longer than the value, so one byte less
     * can pass; but never beyond the buffer, and not much less. */
    (void)decode(p, dict, p->len, p->raw_len - 1, NULL);
    ck_assert(!decode(p, dict, p->len, p->raw_len / 4, NULL));
}

START_TEST(wrong_length)
{
    each_payload(check_length);
}
END_TEST

static void check_dictionary(const struct payload *p, const uint8_t *raw)
{
    ck_assert(!decode(p, other, p->len, p->raw_len, raw));
    ck_assert(!decode(p, NULL, p->len, p->raw_len, raw));
}

START_TEST(wrong_dictionary)
{
    each_payload(check_dictionary);
}
END_TEST

static void check_mutations(const struct payload *p, const uint8_t *raw)
{
    enum { MUTATIONS = 400 };
    (void)raw;
    uint64_t random = p->raw_len;
    struct payload damaged = *p;
    damaged.bytes = malloc(p->len);
    ck_assert_ptr_nonnull(damaged.bytes);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(damaged.bytes, p->bytes, p->len);
        for (uint32_t n = value_random(&random) % 4 + 1; n > 0; n--)
            damaged.bytes[value_random(&random) % p->len] = (uint8_t)value_random(&random);
        damaged.id = i % 8 == 0 ? (enum codec_id)(value_random(&random) % 4) : p->id;
        const struct codec_dict *with[] = {dict, other, NULL};
        (void)decode(&damaged, with[i % 3], p->len, p->raw_len, NULL);
    }
    free(damaged.bytes);
}

START_TEST(mutated)
{
    each_payload(check_mutations);
}
END_TEST

START_TEST(noise)
{
    uint8_t bytes[600];
    for (uint64_t seed = 0; seed < 4000; seed++) {
        size_t len = seed % sizeof(bytes) + 1;
        value_noise(seed, bytes, len);
        struct payload p = {bytes, len, 0, (enum codec_id)(seed % 4)};
        (void)decode(&p, seed & 4 ? dict : NULL, len, seed * 7 % 1000, NULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec damage");
    TCase *tc = tcase_create("damage");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, truncated);
    tcase_add_test(tc, wrong_length);
    tcase_add_test(tc, wrong_dictionary);
    tcase_add_test(tc, mutated);
    tcase_add_test(tc, noise);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
