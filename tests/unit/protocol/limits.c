/* Every limit and every broken request: the exact error, however the bytes are split. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "transcript.h"

#define ERR "-ERR Protocol error: "

static const struct resp_limits small = {.max_bulk = 1000, .max_args = 100, .max_inline = 200};
static const struct resp_limits stranger = {
    .max_bulk = 1000, .max_args = 100, .max_inline = 200, .unauthenticated = true};

#define BYTES(text) (text), sizeof(text) - 1
static const struct {
    const char *bytes;
    size_t len;
    const char *heard;
} cases[] = {
    {BYTES("*3000000000\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*101\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*100\r\n"), "more"},
    {BYTES("*99999999999999999999\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*9223372036854775807\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*-9223372036854775807\r\n"), "0\nend"},
    {BYTES("*-1\r\n"), "0\nend"},
    {BYTES("*-10\r\n"), "0\nend"},
    {BYTES("*0\r\n"), "0\nend"},
    {BYTES("*-0\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*00\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*01\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*+1\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("* 1\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1 \r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*-\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*a\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1a\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*\0\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1\0\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1\rx"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1\r\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1\n$4\r\n"), ERR "invalid multibulk length\r\n"},
    {BYTES("*1\r\nfooz\r\n"), ERR "expected '$', got 'f'\r\n"},
    {BYTES("*1\r\n:4\r\n"), ERR "expected '$', got ':'\r\n"},
    {BYTES("*1\r\n\r\n"), ERR "expected '$', got ' '\r\n"},
    {BYTES("*1\r\n\n"), ERR "expected '$', got ' '\r\n"},
    {BYTES("*1\r\n\0"), ERR "expected '$', got ' '\r\n"},
    {BYTES("*1\r\n*1\r\n"), ERR "expected '$', got '*'\r\n"},
    {BYTES("*2\r\n$3\r\nGET\r\nkey\r\n"), ERR "expected '$', got 'k'\r\n"},
    {BYTES("*1\r\n$-1\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$-10\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$2000000000\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$1001\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$1000\r\n"), "more"},
    {BYTES("*1\r\n$99999999999999999999\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$18446744073709551617\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$blabla\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$+5\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$ 5\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$05\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$-0\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$-\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$4\rPING\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$4\nPING\r\n"), ERR "invalid bulk length\r\n"},
    {BYTES("*1\r\n$4\r\nPINGPONG"), ERR "expected a line break after a bulk string\r\n"},
    {BYTES("*1\r\n$4\r\nPING\rx"), ERR "expected a line break after a bulk string\r\n"},
    {BYTES("*1\r\n$4\r\nPING\n\n"), ERR "expected a line break after a bulk string\r\n"},
    {BYTES("*1\r\n$0\r\n$0"), ERR "expected a line break after a bulk string\r\n"},
    {BYTES("\0\n"), "1 [1:"},
    {BYTES("*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n*1\r\n$4\r\nPING\r\n"),
     "1 [4:PING]\n" ERR "invalid bulk length\r\n"},
};

START_TEST(test_case)
{
    const char *bytes = cases[_i].bytes;
    char *whole = transcript(bytes, cases[_i].len, &small, transcript_whole, NULL, NULL);
    char *single = transcript(bytes, cases[_i].len, &small, transcript_bytes, NULL, NULL);
    ck_assert_str_eq(whole, cases[_i].heard);
    ck_assert_str_eq(single, cases[_i].heard);
    free(whole);
    free(single);
}
END_TEST

static void expect_long(const char *head, char fill, size_t n, const struct resp_limits *limits,
                        const char *heard)
{
    char bytes[1000];
    size_t len = strlen(head);
    memcpy(bytes, head, len);
    memset(bytes + len, fill, n);
    char *whole = transcript(bytes, len + n, limits, transcript_whole, NULL, NULL);
    char *single = transcript(bytes, len + n, limits, transcript_bytes, NULL, NULL);
    ck_assert_str_eq(whole, heard);
    ck_assert_str_eq(single, heard);
    free(whole);
    free(single);
}

START_TEST(test_long_lines)
{
    expect_long("", 'a', 200, &small, "more");
    expect_long("", 'a', 201, &small, ERR "too big inline request\r\n");
    expect_long("*", '1', 200, &small, "more");
    expect_long("*", '1', 201, &small, ERR "too big mbulk count string\r\n");
    expect_long("*1\r\n$", '1', 201, &small, ERR "too big bulk count string\r\n");
}
END_TEST

START_TEST(test_strangers)
{
    expect_long("*101\r\n", 'a', 0, &stranger, ERR "unauthenticated multibulk length\r\n");
    expect_long("*1\r\n$1001\r\n", 'a', 0, &stranger, ERR "unauthenticated bulk length\r\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limits");
    TCase *c = tcase_create("limits");
    tcase_add_loop_test(c, test_case, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(c, test_long_lines);
    tcase_add_test(c, test_strangers);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
