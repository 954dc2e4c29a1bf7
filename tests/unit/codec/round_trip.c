/* What is encoded decodes to itself: every codec, with and without a dictionary, every size. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct codec_ctx *ctx;
static struct codec_dict *dict;

static void set_up(void)
{
    ctx = codec_ctx_create();
    ck_assert_ptr_nonnull(ctx);
    dict = value_dict(16u << 10);
}

static void tear_down(void)
{
    codec_dict_destroy(dict);
    codec_ctx_destroy(ctx);
}

/* The encoded length, 0 when it was not worth it. Buffers are as long as what is in them, so that
 * an access beyond them is found by a sanitizer. */
static size_t round_trip(enum codec_effort effort, const struct codec_dict *with, const void *src,
                         size_t len, size_t cap)
{
    enum codec_id id = CODEC_RAW;
    uint8_t *coded = malloc(cap + 1);
    ck_assert_ptr_nonnull(coded);
    size_t coded_len = codec_encode(ctx, effort, with, src, len, coded, cap, &id);
    ck_assert_uint_le(coded_len, cap);
    if (coded_len != 0) {
        ck_assert_uint_lt(coded_len, len);
        ck_assert(id == CODEC_LZ4 || (effort != CODEC_FAST && id == CODEC_DENSE));
        uint8_t *exact = malloc(coded_len), *back = malloc(len);
        ck_assert_ptr_nonnull(exact);
        ck_assert_ptr_nonnull(back);
        memcpy(exact, coded, coded_len);
        ck_assert(codec_decode(ctx, id, with, exact, coded_len, back, len));
        ck_assert_mem_eq(back, src, len);
        free(exact);
        free(back);
    }
    free(coded);
    return coded_len;
}

static void all_ways(const void *src, size_t len)
{
    for (int effort = CODEC_FAST; effort <= CODEC_CLOSE; effort++) {
        round_trip((enum codec_effort)effort, NULL, src, len, len + 16);
        round_trip((enum codec_effort)effort, dict, src, len, len + 16);
        size_t coded = round_trip((enum codec_effort)effort, dict, src, len, len);
        if (coded > 1) {
            round_trip((enum codec_effort)effort, dict, src, len, coded);
            round_trip((enum codec_effort)effort, dict, src, len, coded - 1);
        }
    }
}

START_TEST(every_size)
{
    uint8_t *text = malloc(CODEC_MAX_RAW);
    ck_assert_ptr_nonnull(text);
    for (size_t len = 0; len <= CODEC_MAX_RAW; len += len < 300 ? 1 : len / 5) {
        uint8_t *exact = malloc(len + 1);
        ck_assert_ptr_nonnull(exact);
        value_text(len, exact, len);
        all_ways(exact, len);
        memset(exact, 'x', len);
        all_ways(exact, len);
        value_noise(len, exact, len);
        all_ways(exact, len);
        free(exact);
    }
    value_text(5, text, CODEC_MAX_RAW);
    all_ways(text, CODEC_MAX_RAW);
    free(text);
}
END_TEST

START_TEST(not_worth_it_is_zero)
{
    uint8_t noise[4096], out[5000];
    enum codec_id id;
    value_noise(1, noise, sizeof(noise));
    for (int effort = CODEC_FAST; effort <= CODEC_CLOSE; effort++) {
        enum codec_effort e = (enum codec_effort)effort;
        ck_assert_uint_eq(codec_encode(ctx, e, dict, noise, sizeof(noise), out, 5000, &id), 0);
        ck_assert_uint_eq(codec_encode(ctx, e, dict, noise, 0, out, 5000, &id), 0);
        ck_assert_uint_eq(codec_encode(ctx, e, NULL, noise, 1, out, 5000, &id), 0);
        ck_assert_uint_eq(codec_encode(ctx, e, NULL, noise, 100, out, 0, &id), 0);
    }
}
END_TEST

START_TEST(raw_is_a_copy)
{
    char out[8] = {0};
    ck_assert(codec_decode(ctx, CODEC_RAW, NULL, "abcdefg", 7, out, 7));
    ck_assert_str_eq(out, "abcdefg");
    ck_assert(!codec_decode(ctx, CODEC_RAW, NULL, "abcdefg", 7, out, 6));
    ck_assert(codec_decode(ctx, CODEC_RAW, NULL, "", 0, out, 0));
    ck_assert(!codec_decode(ctx, CODEC_LZ4, NULL, "", 0, out, 4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec round trip");
    TCase *tc = tcase_create("round trip");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, every_size);
    tcase_add_test(tc, not_worth_it_is_zero);
    tcase_add_test(tc, raw_is_a_copy);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
