#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/resp_writer.h"

static void expect(struct resp_out *out, const char *text)
{
    ck_assert_uint_eq(out->len, strlen(text));
    ck_assert_mem_eq(out->data, text, out->len);
    ck_assert(!out->failed);
    resp_out_clear(out, 1 << 20);
}

START_TEST(test_both_protocols_alike)
{
    for (unsigned proto = 2; proto <= 3; proto++) {
        struct resp_out out;
        resp_out_init(&out, proto);
        resp_ok(&out);
        resp_simple(&out, "PONG");
        resp_error(&out, "ERR syntax error");
        expect(&out, "+OK\r\n+PONG\r\n-ERR syntax error\r\n");
        resp_integer(&out, 0);
        resp_integer(&out, -1);
        resp_integer(&out, INT64_MAX);
        resp_integer(&out, INT64_MIN);
        expect(&out, ":0\r\n:-1\r\n:9223372036854775807\r\n:-9223372036854775808\r\n");
        resp_bulk(&out, "", 0);
        resp_bulk(&out, NULL, 0);
        resp_bulk(&out, "a\r\nb", 4);
        expect(&out, "$0\r\n\r\n$0\r\n\r\n$4\r\na\r\nb\r\n");
        resp_array(&out, 0);
        resp_array(&out, 12);
        resp_bulk_header(&out, 512u << 20);
        expect(&out, "*0\r\n*12\r\n$536870912\r\n");
        resp_out_free(&out);
    }
}
END_TEST

START_TEST(test_resp2)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    resp_null(&out);
    resp_null_array(&out);
    resp_map(&out, 2);
    resp_set(&out, 3);
    resp_push(&out, 2);
    resp_boolean(&out, true);
    resp_double(&out, 0.1);
    resp_verbatim(&out, "txt", "hi", 2);
    expect(&out, "$-1\r\n*-1\r\n*4\r\n*3\r\n*2\r\n:1\r\n$3\r\n0.1\r\n$2\r\nhi\r\n");
    resp_out_free(&out);
}
END_TEST

START_TEST(test_resp3)
{
    struct resp_out out;
    resp_out_init(&out, 3);
    resp_null(&out);
    resp_null_array(&out);
    resp_map(&out, 2);
    resp_set(&out, 3);
    resp_push(&out, 2);
    resp_boolean(&out, false);
    resp_verbatim(&out, "txt", "hi", 2);
    expect(&out, "_\r\n_\r\n%2\r\n~3\r\n>2\r\n#f\r\n=6\r\ntxt:hi\r\n");
    resp_double(&out, 0.1);
    resp_double(&out, 1.0 / 3);
    resp_double(&out, 3);
    resp_double(&out, INFINITY);
    resp_double(&out, -INFINITY);
    resp_double(&out, NAN);
    expect(&out, ",0.1\r\n,0.3333333333333333\r\n,3\r\n,inf\r\n,-inf\r\n,nan\r\n");
    resp_out_free(&out);
}
END_TEST

/* Whatever a user sends, an error stays one line. */
START_TEST(test_errors_from_user_text)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    resp_errorf(&out, "ERR unknown command '%s'", "a\r\n+OK\r\n");
    expect(&out, "-ERR unknown command 'a  +OK  '\r\n");
    resp_errorf(&out, "ERR got '%c'", '\0');
    expect(&out, "-ERR got ' '\r\n");
    char longest[RESP_ERROR_MAX * 2];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    resp_errorf(&out, "ERR %s", longest);
    ck_assert_uint_eq(out.len, RESP_ERROR_MAX - 1 + 3);
    ck_assert_mem_eq(out.data + out.len - 2, "\r\n", 2);
    resp_out_free(&out);
}
END_TEST

START_TEST(test_written_in_place_and_given_up)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    resp_ok(&out);
    size_t before = out.len;
    char *place = resp_bulk_begin(&out, 5);
    ck_assert_ptr_nonnull(place);
    memcpy(place, "hello", 5);
    resp_bulk_end(&out);
    expect(&out, "+OK\r\n$5\r\nhello\r\n");
    resp_ok(&out);
    ck_assert_ptr_nonnull(resp_bulk_begin(&out, 5000));
    out.len = before;
    resp_null(&out);
    expect(&out, "+OK\r\n$-1\r\n");
    resp_out_free(&out);
}
END_TEST

START_TEST(test_no_memory_is_remembered)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    ck_assert_ptr_null(resp_bulk_begin(&out, SIZE_MAX - 3));
    ck_assert(out.failed);
    resp_ok(&out);
    ck_assert_uint_eq(out.len, 0);
    resp_out_clear(&out, 0);
    resp_ok(&out);
    expect(&out, "+OK\r\n");
    resp_out_free(&out);
}
END_TEST

START_TEST(test_a_limit_holds)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    out.most = 4096;
    ck_assert_ptr_nonnull(resp_out_reserve(&out, 4000));
    ck_assert_ptr_null(resp_bulk_begin(&out, 100000));
    ck_assert(out.failed);
    resp_out_free(&out);
}
END_TEST

START_TEST(test_memory_is_given_back)
{
    struct resp_out out;
    resp_out_init(&out, 2);
    ck_assert_ptr_nonnull(resp_out_reserve(&out, 1 << 20));
    resp_out_clear(&out, 1 << 16);
    ck_assert_uint_eq(out.cap, 0);
    for (int i = 0; i < 10000; i++)
        resp_integer(&out, i);
    ck_assert_uint_lt(out.cap, 2 * out.len);
    resp_out_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("writer");
    TCase *c = tcase_create("writer");
    tcase_add_test(c, test_both_protocols_alike);
    tcase_add_test(c, test_resp2);
    tcase_add_test(c, test_resp3);
    tcase_add_test(c, test_errors_from_user_text);
    tcase_add_test(c, test_written_in_place_and_given_up);
    tcase_add_test(c, test_no_memory_is_remembered);
    tcase_add_test(c, test_a_limit_holds);
    tcase_add_test(c, test_memory_is_given_back);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
