/* Bits of strings, compared with a slow and obvious way to do the same. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bits.h"

#define BYTES 40

static unsigned bit_at(const uint8_t *bytes, size_t i)
{
    return (unsigned)bytes[i / 8] >> (7 - i % 8) & 1u;
}

static void fill(uint8_t *bytes, unsigned round)
{
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = round % 3 == 0 ? 0 : round % 3 == 1 ? 0xff : (uint8_t)rand();
    bytes[(unsigned)rand() % BYTES] = (uint8_t)rand();
}

START_TEST(counts_and_finds)
{
    uint8_t bytes[BYTES];
    for (unsigned round = 0; round < 300; round++) {
        size_t len = (unsigned)rand() % (BYTES + 1), count = 0;
        size_t first[2] = {len * 8, len * 8};
        fill(bytes, round);
        for (size_t i = len * 8; i-- > 0;) {
            count += bit_at(bytes, i);
            first[bit_at(bytes, i)] = i;
        }
        ck_assert_uint_eq(bits_count(bytes, len), count);
        ck_assert_uint_eq(bits_find(bytes, len, 0), first[0]);
        ck_assert_uint_eq(bits_find(bytes, len, 1), first[1]);
    }
}
END_TEST

START_TEST(numbers_come_back)
{
    uint8_t bytes[BITS_NUMBER_BYTES], before[BITS_NUMBER_BYTES];
    for (unsigned width = 1; width <= 64; width++) {
        for (unsigned at = 0; at < 8; at++) {
            struct bits_type type = {.is_signed = width == 64 || rand() % 2, .width = width};
            uint64_t n = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();
            int64_t stored;
            (void)bits_add(type, BITS_WRAP, (int64_t)n, 0, &stored);
            for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = before[i] = (uint8_t)rand();
            bits_put(bytes, at, type, stored);
            ck_assert_int_eq(bits_get(bytes, at, type), stored);
            for (unsigned i = 0; i < sizeof bytes * 8; i++)
                if (i < at || i >= at + width)
                    ck_assert_uint_eq(bit_at(bytes, i), bit_at(before, i));
                else
                    ck_assert_uint_eq(bit_at(bytes, i), n >> (at + width - 1 - i) & 1);
        }
    }
}
END_TEST

static const struct sum {
    bool is_signed;
    unsigned width;
    int64_t a, b, wrapped, saturated;
    bool fits;
} sums[] = {
    {false, 8, 250, 5, 255, 255, true},
    {false, 8, 250, 6, 0, 255, false},
    {false, 8, 2, -3, 255, 0, false},
    {false, 8, -1, 0, 255, 255, false}, /* a very large number */
    {false, 63, INT64_MAX, 0, INT64_MAX, INT64_MAX, true},
    {false, 63, INT64_MAX, 1, 0, INT64_MAX, false},
    {true, 8, 127, 1, -128, 127, false},
    {true, 8, -128, -1, 127, -128, false},
    {true, 8, -128, 255, 127, 127, true},
    {true, 64, INT64_MAX, 1, INT64_MIN, INT64_MAX, false},
    {true, 64, INT64_MIN, -1, INT64_MAX, INT64_MIN, false},
    {true, 1, 0, -1, -1, -1, true},
    {true, 1, 0, 1, -1, 0, false},
};

START_TEST(sums_overflow_as_asked)
{
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        const struct sum *s = &sums[i];
        struct bits_type type = {.is_signed = s->is_signed, .width = s->width};
        int64_t n;
        ck_assert(bits_add(type, BITS_WRAP, s->a, s->b, &n) && n == s->wrapped);
        ck_assert(bits_add(type, BITS_SATURATE, s->a, s->b, &n) && n == s->saturated);
        ck_assert_int_eq(bits_add(type, BITS_FAIL, s->a, s->b, &n), s->fits);
    }
}
END_TEST

START_TEST(types_are_read)
{
    static const char *const wrong[] = {"",   "i",  "u0",  "u64", "i65",
                                        "x8", "U8", "i-1", "i08", "u8 "};
    struct bits_type type;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert(!bits_type_parse(wrong[i], strlen(wrong[i]), &type));
    ck_assert(bits_type_parse("i64", 3, &type) && type.is_signed && type.width == 64);
    ck_assert(bits_type_parse("u1", 2, &type) && !type.is_signed && type.width == 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bits");
    TCase *c = tcase_create("all");
    tcase_add_test(c, counts_and_finds);
    tcase_add_test(c, numbers_come_back);
    tcase_add_test(c, sums_overflow_as_asked);
    tcase_add_test(c, types_are_read);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
