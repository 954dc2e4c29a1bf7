/* Values computed by another implementation: Python's hash of bytes with an all-zero key. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

static const uint8_t zero_key[SIPHASH_KEY_BYTES];

START_TEST(test_known_values)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", 0x407448d2b89b1813u},
        {"abc", 0xc03bc3a0042630f2u},
        {"abcdefgh", 0x3f7b849c0b8e35eau},
        {"The quick brown fox jumps over the lazy dog", 0x8df676d3d00c451eu},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_uint_eq(siphash13(known[i].text, strlen(known[i].text), zero_key), known[i].hash);
}
END_TEST

START_TEST(test_key_and_every_length_count)
{
    uint8_t key[SIPHASH_KEY_BYTES] = {1};
    char text[40] = {0};
    ck_assert_uint_ne(siphash13("abc", 3, zero_key), siphash13("abc", 3, key));
    for (size_t len = 1; len < sizeof text; len++)
        ck_assert_uint_ne(siphash13(text, len, key), siphash13(text, len - 1, key));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("siphash");
    TCase *c = tcase_create("siphash");
    tcase_add_test(c, test_known_values);
    tcase_add_test(c, test_key_and_every_length_count);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
