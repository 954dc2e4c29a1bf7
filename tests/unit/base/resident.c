#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/resident.h"

#define PAGE  ((size_t)4096)
#define PAGES ((size_t)8)

START_TEST(test_whole_pages_are_emptied)
{
    unsigned char *p = aligned_alloc(PAGE, PAGES * PAGE);
    ck_assert_ptr_nonnull(p);
    memset(p, 1, PAGES * PAGE);
    resident_discard(p + 10, 5 * PAGE);
    for (size_t i = 0; i < PAGES * PAGE; i++)
        ck_assert_uint_eq(p[i], i < PAGE || i >= 5 * PAGE);
    resident_discard(p + 6 * PAGE + 1, PAGE); /* no whole one */
    ck_assert_uint_eq(p[6 * PAGE + 1], 1);
    free(p);
}
END_TEST

/* Constants, in a part of the executable that is not written to. */
static const unsigned char table[PAGES * PAGE] = {[0] = 1, [PAGE] = 2, [PAGES * PAGE - 1] = 3};

START_TEST(test_code_goes_and_comes_back)
{
    /* Read through a volatile pointer, or the compiler knows what stands there. */
    const volatile unsigned char *t = table;
    ck_assert_uint_eq(t[0], 1);
    size_t first = resident_discard_code();
    ck_assert_uint_ge(first, PAGE);
    size_t again = resident_discard_code();
    ck_assert_uint_lt(again, first);
    ck_assert_uint_eq(t[0], 1);
    ck_assert_uint_eq(t[PAGE], 2);
    ck_assert_uint_eq(t[PAGES * PAGE - 1], 3);
}
END_TEST

/* As a debugger does it with program text. */
START_TEST(test_pages_that_were_changed_stay)
{
    volatile unsigned char *t = (volatile unsigned char *)(uintptr_t)&table[2 * PAGE];
    uintptr_t at = (uintptr_t)t / PAGE * PAGE;
    void *page = (char *)(uintptr_t)&table[2 * PAGE] - ((uintptr_t)t - at);
    ck_assert_int_eq(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
    *t = 77;
    ck_assert_int_eq(mprotect(page, PAGE, PROT_READ), 0);
    (void)resident_discard_code();
    ck_assert_uint_eq(*t, 77);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("resident");
    TCase *c = tcase_create("resident");
    suite_add_tcase(s, c);
    tcase_add_test(c, test_whole_pages_are_emptied);
    tcase_add_test(c, test_code_goes_and_comes_back);
    tcase_add_test(c, test_pages_that_were_changed_stay);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
