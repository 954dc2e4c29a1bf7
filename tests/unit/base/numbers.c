#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

START_TEST(test_random)
{
    struct random a = {7};
    struct random b = {7};
    unsigned seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        ck_assert_uint_eq(random_next(&a), random_next(&b));
        uint32_t n = random_below(&a, 10);
        random_next(&b);
        ck_assert_uint_lt(n, 10);
        seen[n]++;
    }
    for (int i = 0; i < 10; i++)
        ck_assert_uint_gt(seen[i], 800);
}
END_TEST

START_TEST(test_secret)
{
    uint8_t zero[32] = {0};
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    ck_assert(random_secret(a, sizeof a));
    ck_assert(random_secret(b, sizeof b));
    ck_assert(memcmp(a, zero, sizeof a) != 0);
    ck_assert(memcmp(a, b, sizeof a) != 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("numbers");
    TCase *c = tcase_create("numbers");
    tcase_add_test(c, test_random);
    tcase_add_test(c, test_secret);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
