/* Classes of time. */
#include "metrics/histogram.h"

#include <check.h>
#include <stdlib.h>

START_TEST(classes_cover_all_times)
{
    uint64_t lower = 0;
    for (unsigned i = 0; i + 1 < HISTOGRAM_CLASSES; i++) {
        uint64_t edge = histogram_edge(i);
        ck_assert_uint_eq(histogram_class(lower), i);
        ck_assert_uint_eq(histogram_class(edge - 1), i);
        ck_assert_uint_eq(histogram_class(edge), i + 1);
        ck_assert(i == 0 || edge - lower <= lower / 8);
        lower = edge;
    }
    ck_assert_uint_eq(histogram_class(UINT64_MAX), HISTOGRAM_CLASSES - 1);
}
END_TEST

START_TEST(percentiles)
{
    struct histogram h = {0};
    struct histogram_sum sum = {0};
    for (unsigned us = 1; us <= 1000; us++)
        counter_add(&h.counts[histogram_class(us * TICKS_PER_US)], 1);
    histogram_add_to(&h, &sum);
    ck_assert_uint_eq(sum.total, 1000);
    ck_assert(histogram_percentile(&sum, 50) >= 500 && histogram_percentile(&sum, 50) < 570);
    ck_assert(histogram_percentile(&sum, 99) >= 990 && histogram_percentile(&sum, 99) < 1120);
    ck_assert(histogram_percentile(&sum, 0) < 1.2);
    /* Those of 1 us lie in the class that begins there. */
    ck_assert_uint_eq(histogram_up_to(&sum, 1), 0);
    ck_assert_uint_eq(histogram_up_to(&sum, 2), 1);
    ck_assert_uint_eq(histogram_up_to(&sum, 512), 511);
    ck_assert_uint_eq(histogram_up_to(&sum, 1 << 20), 1000);
    histogram_reset(&h);
    sum = (struct histogram_sum){0};
    histogram_add_to(&h, &sum);
    ck_assert_uint_eq(sum.total, 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("histogram");
    tcase_add_test(t, classes_cover_all_times);
    tcase_add_test(t, percentiles);
    Suite *s = suite_create("server_histogram");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
