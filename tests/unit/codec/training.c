/* Dictionaries: what training makes of samples, and what they cost. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct codec_ctx *ctx;

static void set_up(void)
{
    ctx = codec_ctx_create();
    ck_assert_ptr_nonnull(ctx);
}

static void tear_down(void)
{
    codec_ctx_destroy(ctx);
}

START_TEST(needs_samples)
{
    size_t lens[3] = {10, 10, 10}, empty[20] = {0};
    const char *three = "aaaaaaaaaabbbbbbbbbbcccccccccc";
    ck_assert_ptr_null(codec_dict_train(
        three, lens, 3, &(struct codec_training){.max_len = 4096, .budget_ms = 100}));
    ck_assert_ptr_null(codec_dict_train(
        three, lens, 0, &(struct codec_training){.max_len = 4096, .budget_ms = 100}));
    ck_assert_ptr_null(codec_dict_train(
        three, empty, 20, &(struct codec_training){.max_len = 4096, .budget_ms = 100}));
    struct value_set set = value_set_json(0, 1000);
    ck_assert_ptr_null(codec_dict_train(set.bytes, set.lens, set.n,
                                        &(struct codec_training){.max_len = 10, .budget_ms = 100}));
    ck_assert_ptr_null(codec_dict_train(set.bytes, set.lens, set.n,
                                        &(struct codec_training){.max_len = 4096, .budget_ms = 0}));
    value_set_free(&set);
}
END_TEST

START_TEST(keeps_to_its_length)
{
    struct value_set set = value_set_json(0, 4000);
    for (size_t max_len = 256; max_len <= CODEC_DICT_MAX; max_len *= 2) {
        struct codec_dict *dict =
            codec_dict_train(set.bytes, set.lens, set.n,
                             &(struct codec_training){.max_len = max_len, .budget_ms = 300});
        ck_assert_ptr_nonnull(dict);
        ck_assert_uint_le(codec_dict_len(dict), max_len);
        ck_assert_uint_ge(codec_dict_len(dict), max_len < 16384 ? max_len / 2 : 8192);
        codec_dict_destroy(dict);
    }
    struct codec_dict *dict = codec_dict_train(
        set.bytes, set.lens, set.n, &(struct codec_training){.max_len = 1 << 20, .budget_ms = 300});
    ck_assert_ptr_nonnull(dict);
    ck_assert_uint_le(codec_dict_len(dict), CODEC_DICT_MAX);
    codec_dict_destroy(dict);
    value_set_free(&set);
}
END_TEST

START_TEST(halves_records)
{
    struct codec_dict *dict = value_dict(16u << 10);
    struct value_set set = value_set_json(100000, 500);
    size_t raw = 0;
    for (unsigned i = 0; i < set.n; i++)
        raw += set.lens[i];
    size_t without = codec_dict_measure(ctx, CODEC_FAST, NULL, set.bytes, set.lens, set.n);
    size_t fast = codec_dict_measure(ctx, CODEC_FAST, dict, set.bytes, set.lens, set.n);
    size_t close = codec_dict_measure(ctx, CODEC_CLOSE, dict, set.bytes, set.lens, set.n);
    ck_assert_uint_le(without, raw);
    ck_assert_uint_lt(fast, raw / 2);
    ck_assert_uint_lt(close, fast);
    value_set_free(&set);
    codec_dict_destroy(dict);
}
END_TEST

/* What a trained dictionary will take is known before it is adopted. */
START_TEST(memory_does_not_grow)
{
    struct codec_dict *dict = value_dict(32u << 10);
    size_t before = codec_dict_bytes(dict);
    ck_assert_uint_gt(before, codec_dict_len(dict));
    struct value_set set = value_set_json(5, 100);
    codec_dict_measure(ctx, CODEC_FAST, dict, set.bytes, set.lens, set.n);
    codec_dict_measure(ctx, CODEC_CLOSE, dict, set.bytes, set.lens, set.n);
    ck_assert_uint_eq(codec_dict_bytes(dict), before);
    ck_assert_uint_le(before, 400u << 10);
    value_set_free(&set);
    codec_dict_destroy(dict);
}
END_TEST

/* Values that repeat parts of a text of 200 KiB: more than 64 KiB of it are worth having only when
 * there are many of them. */
START_TEST(longer_ones_must_pay)
{
    enum { TEXT = 200 << 10, N = 6000, LEN = 400 };
    uint8_t *text = malloc(TEXT), *values = malloc((size_t)N * LEN);
    size_t lens[N];
    for (size_t at = 0; at < TEXT; at += 1000)
        value_noise(at, text + at, TEXT - at < 1000 ? TEXT - at : 1000);
    for (size_t i = 0; i < N; i++) {
        lens[i] = LEN;
        memcpy(values + i * LEN, text + i * 7919 % (TEXT - LEN), LEN);
    }
    struct codec_training how = {.max_len = 256 << 10, .budget_ms = 300, .tables_max = 1 << 20};
    struct codec_dict *cheap = codec_dict_train(values, lens, N, &how);
    how.expected = 100 << 20;
    struct codec_dict *dict = codec_dict_train(values, lens, N, &how);
    ck_assert(cheap != NULL && dict != NULL);
    ck_assert_uint_le(codec_dict_len(cheap), 64 << 10);
    ck_assert_uint_gt(codec_dict_len(dict), 128 << 10);
    ck_assert_uint_lt(codec_dict_kept(dict), codec_dict_bytes(dict));
    static const enum codec_effort efforts[] = {CODEC_FAST, CODEC_HASTY, CODEC_CLOSE};
    for (size_t e = 0; e < 3; e++)
        for (size_t i = 0; i < 300; i++) {
            uint8_t out[LEN], back[LEN];
            enum codec_id id;
            const uint8_t *value = values + i * LEN;
            size_t n = codec_encode(ctx, efforts[e], dict, value, LEN, out, LEN, &id);
            if (n == 0)
                continue;
            ck_assert(codec_decode(ctx, id, dict, out, n, back, LEN));
            ck_assert_mem_eq(back, value, LEN);
        }
    size_t before = codec_dict_measure(ctx, CODEC_CLOSE, cheap, values, lens, 300);
    ck_assert_uint_lt(codec_dict_measure(ctx, CODEC_CLOSE, dict, values, lens, 300), before / 2);
    codec_dict_destroy(cheap);
    codec_dict_destroy(dict);
    free(text);
    free(values);
}
END_TEST

START_TEST(samples_of_any_kind)
{
    enum { N = 64, LEN = 300 };
    static uint8_t bytes[N * LEN];
    size_t lens[N];
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < N; i++) {
            lens[i] = kind == 3 ? (i % 2 ? 1 : LEN) : LEN;
            if (kind == 0)
                value_noise(i, bytes + i * LEN, LEN);
            else if (kind == 1)
                value_text(1, bytes + i * LEN, LEN);
            else
                memset(bytes + i * LEN, 'x', LEN);
        }
        /* A dictionary or none: what counts is that either is fine. */
        struct codec_dict *dict = codec_dict_train(
            bytes, lens, N, &(struct codec_training){.max_len = 8192, .budget_ms = 100});
        size_t total = codec_dict_measure(ctx, CODEC_CLOSE, dict, bytes, lens, N);
        ck_assert_uint_le(total, (size_t)N * LEN);
        codec_dict_destroy(dict);
    }
}
END_TEST

START_TEST(any_bytes_make_a_dictionary)
{
    static uint8_t bytes[CODEC_DICT_MAX + 1];
    value_text(9, bytes, sizeof(bytes));
    ck_assert_ptr_null(codec_dict_create(bytes, 7));
    ck_assert_ptr_null(codec_dict_create(bytes, sizeof(bytes)));
    static const size_t lens[] = {8, 9, 100, 4096, CODEC_DICT_MAX};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct codec_dict *dict = codec_dict_create(bytes, lens[i]);
        ck_assert_ptr_nonnull(dict);
        ck_assert_uint_eq(codec_dict_len(dict), lens[i]);
        uint8_t out[512], back[512];
        for (size_t len = 100; len <= 500; len += 400) {
            enum codec_id id;
            size_t n = codec_encode(ctx, CODEC_CLOSE, dict, bytes, len, out, sizeof(out), &id);
            ck_assert_uint_gt(n, 0);
            ck_assert(codec_decode(ctx, id, dict, out, n, back, len));
            ck_assert_mem_eq(back, bytes, len);
        }
        codec_dict_destroy(dict);
    }
    /* The magic number of a zstd dictionary, and then nothing of the kind. */
    static const uint8_t magic[] = {0x37, 0xa4, 0x30, 0xec};
    memcpy(bytes, magic, sizeof(magic));
    struct codec_dict *dict = codec_dict_create(bytes, 4096);
    uint8_t out[600];
    enum codec_id id;
    if (dict)
        codec_encode(ctx, CODEC_CLOSE, dict, bytes + 100, 500, out, sizeof(out), &id);
    codec_dict_destroy(dict);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec training");
    TCase *tc = tcase_create("training");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, needs_samples);
    tcase_add_test(tc, keeps_to_its_length);
    tcase_add_test(tc, halves_records);
    tcase_add_test(tc, memory_does_not_grow);
    tcase_add_test(tc, longer_ones_must_pay);
    tcase_add_test(tc, samples_of_any_kind);
    tcase_add_test(tc, any_bytes_make_a_dictionary);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
