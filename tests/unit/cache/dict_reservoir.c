/* The reservoir of samples: bounded in bytes, uniform, split without loss. */
#include "reservoir.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 64 << 10, VALUE = 100 };

static void offer(struct reservoir *r, uint32_t number, size_t len)
{
    uint8_t value[4096] = {0};
    memcpy(value, &number, sizeof(number));
    if (reservoir_wants(r, len))
        reservoir_put(r, value, len);
}

START_TEST(is_bounded)
{
    struct reservoir *r = reservoir_create(MAX, 7);
    for (uint32_t i = 0; i < 20000; i++) {
        offer(r, i, 1 + i * 37 % 4096);
        ck_assert_uint_le(reservoir_held(r), MAX);
    }
    ck_assert_uint_gt(reservoir_held(r), MAX / 2);
    ck_assert_uint_lt(reservoir_bytes(r), MAX * 5 / 4);
    ck_assert_uint_eq(reservoir_seen(r), 20000);
    ck_assert(!reservoir_wants(r, 0));
    ck_assert(!reservoir_wants(r, MAX + 1));
    reservoir_clear(r);
    ck_assert_uint_eq(reservoir_held(r), 0);
    reservoir_destroy(r);
}
END_TEST

START_TEST(is_uniform)
{
    enum { N = 40000, PARTS = 4 };
    unsigned part[PARTS] = {0};
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct reservoir *r = reservoir_create(MAX, seed);
        for (uint32_t i = 0; i < N; i++)
            offer(r, i, VALUE);
        struct samples train, back;
        ck_assert(reservoir_split(r, 2, &train, &back));
        for (unsigned i = 0; i < train.n; i++) {
            uint32_t number;
            memcpy(&number, train.bytes + (size_t)i * VALUE, sizeof(number));
            part[number / (N / PARTS)]++;
        }
        samples_free(&train);
        samples_free(&back);
        reservoir_destroy(r);
    }
    for (unsigned i = 0; i < PARTS; i++) {
        ck_assert_uint_gt(part[i], 500);
        ck_assert_uint_lt(part[i], 830);
    }
}
END_TEST

/* Packing changes nothing but where values are. */
START_TEST(is_the_same_when_packed)
{
    struct reservoir *packed = reservoir_create(MAX, 7), *loose = reservoir_create(MAX, 7);
    reservoir_pack(packed);
    for (uint32_t i = 0; i < 5000; i++) {
        offer(packed, i, 1 + i * 37 % 4096);
        offer(loose, i, 1 + i * 37 % 4096);
        if (i % 500 == 0 || i < 10)
            reservoir_pack(packed);
        ck_assert_uint_lt(reservoir_bytes(packed), MAX * 9 / 4);
    }
    reservoir_pack(packed);
    ck_assert_uint_lt(reservoir_bytes(packed), reservoir_bytes(loose));
    struct samples a, b, none;
    ck_assert(reservoir_split(packed, MAX, &a, &none));
    samples_free(&none);
    ck_assert(reservoir_split(loose, MAX, &b, &none));
    samples_free(&none);
    ck_assert_uint_gt(a.n, 10);
    ck_assert_uint_eq(a.n, b.n);
    ck_assert_uint_eq(a.total, b.total);
    ck_assert_mem_eq(a.bytes, b.bytes, a.total);
    samples_free(&a);
    samples_free(&b);
    reservoir_clear(packed);
    ck_assert_uint_eq(reservoir_held(packed), 0);
    reservoir_destroy(packed);
    reservoir_destroy(loose);
}
END_TEST

START_TEST(splits_without_loss)
{
    struct reservoir *r = reservoir_create(MAX, 3);
    for (uint32_t i = 0; i < 50; i++)
        offer(r, i, 10 + i);
    struct samples train, back;
    ck_assert(reservoir_split(r, 5, &train, &back));
    ck_assert_uint_eq(back.n, 10);
    ck_assert_uint_eq(train.n, 40);
    ck_assert_uint_eq(train.total + back.total, reservoir_held(r));
    size_t sum = 0;
    for (unsigned i = 0; i < train.n; i++)
        sum += train.lens[i];
    ck_assert_uint_eq(sum, train.total);
    samples_free(&train);
    samples_free(&back);
    reservoir_destroy(r);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("reservoir");
    tcase_add_test(tc, is_bounded);
    tcase_add_test(tc, is_uniform);
    tcase_add_test(tc, is_the_same_when_packed);
    tcase_add_test(tc, splits_without_loss);
    Suite *s = suite_create("reservoir");
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
