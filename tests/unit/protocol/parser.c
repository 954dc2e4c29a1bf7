#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "transcript.h"

static const struct resp_limits usual = {
    .max_bulk = 512u << 20, .max_args = 1u << 20, .max_inline = 64u << 10};

static size_t random_piece(void *arg, size_t left)
{
    size_t n = 1 + random_below(arg, 40);
    return n < left ? n : left;
}

static void expect(const char *bytes, size_t len, const char *heard)
{
    char *whole = transcript(bytes, len, &usual, transcript_whole, NULL, NULL);
    ck_assert_str_eq(whole, heard);
    char *single = transcript(bytes, len, &usual, transcript_bytes, NULL, NULL);
    ck_assert_str_eq(single, heard);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct random r = {seed};
        char *random = transcript(bytes, len, &usual, random_piece, &r, NULL);
        ck_assert_str_eq(random, heard);
        free(random);
    }
    free(whole);
    free(single);
}

#define EXPECT(bytes, heard) expect(bytes, sizeof(bytes) - 1, heard)

START_TEST(test_commands)
{
    EXPECT("*1\r\n$4\r\nPING\r\n", "1 [4:PING]\nend");
    EXPECT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
           "3 [3:SET] [1:k] [0:]\n2 [3:GET] [1:k]\nend");
    EXPECT("*2\r\n$4\r\nECHO\r\n$6\r\na\r\n*1\r\r\n", "2 [4:ECHO] [6:a\r\n*1\r]\nend");
    EXPECT("*0\r\n*-1\r\n*-10\r\n*1\r\n$1\r\nx\r\n", "0\n0\n0\n1 [1:x]\nend");
    EXPECT("*12\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n$1\r\ng\r\n"
           "$1\r\nh\r\n$1\r\ni\r\n$1\r\nj\r\n$1\r\nk\r\n$1\r\nl\r\n",
           "12 [1:a] [1:b] [1:c] [1:d] [1:e] [1:f] [1:g] [1:h] [1:i] [1:j] [1:k] [1:l]\nend");
}
END_TEST

START_TEST(test_incomplete)
{
    EXPECT("*", "more");
    EXPECT("*2\r\n$3\r\nGET\r\n$100\r\nabc", "more");
    EXPECT("*2\r\n$3\r\nGET\r", "more");
    EXPECT("PING", "more");
    EXPECT("*1000000\r\n", "more");
    EXPECT("*1\r\n$536870912\r\n", "more");
}
END_TEST

START_TEST(test_inline)
{
    EXPECT("PING\r\nPING\n", "1 [4:PING]\n1 [4:PING]\nend");
    EXPECT("\r\n\n  \r\n", "0\n0\n0\nend");
    EXPECT("  SET  key\t\"a b\" \r\n", "3 [3:SET] [3:key] [3:a b]\nend");
    EXPECT("ECHO \"\\x41\\n\\t\\\"\\q\"\n", "2 [4:ECHO] [5:A\n\t\"q]\nend");
    EXPECT("ECHO 'it\\'s \\n' x\"y\"\n", "3 [4:ECHO] [7:it's \\n] [2:xy]\nend");
    EXPECT("ECHO \"\"\r\n", "2 [4:ECHO] [0:]\nend");
    EXPECT("ECHO \"\\x4\"\r\n", "2 [4:ECHO] [2:x4]\nend");
    EXPECT("ECHO \"open\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("ECHO \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("ECHO 'a\r\nPING\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("ECHO \"a\\\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
}
END_TEST

/* Values around the border where chunks begin, and many chunks, between short commands. */
START_TEST(test_long_values)
{
    static const size_t lengths[] = {RESP_CHUNK,          RESP_CHUNK_FROM - 1, RESP_CHUNK_FROM,
                                     RESP_CHUNK_FROM + 1, 3 * RESP_CHUNK,      200001};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = lengths[i];
        char *bytes = malloc(2 * n + 200);
        char *heard = malloc(2 * n + 200);
        char *value = malloc(n + 1);
        for (size_t j = 0; j < n; j++)
            value[j] = (char)('a' + j * 7 % 26);
        value[n] = '\0';
        int len =
            sprintf(bytes, "*4\r\n$4\r\nMSET\r\n$1\r\na\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\nPING\r\n", n,
                    value, n, value);
        sprintf(heard, "4 [4:MSET] [1:a] [%zu:%s] [%zu:%s]\n1 [4:PING]\nend", n, value, n, value);
        expect(bytes, (size_t)len, heard);
        free(bytes);
        free(heard);
        free(value);
    }
}
END_TEST

/* A client that announces much and sends nothing costs next to nothing. */
START_TEST(test_memory_follows_bytes_received)
{
    static const char *const announced[] = {"*1000000\r\n$536870912\r\n",
                                            "*1000000\r\n$3\r\nGET\r\n",
                                            "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc"};
    for (size_t i = 0; i < 3; i++) {
        struct resp_parser p = {0};
        char buf[64];
        size_t len = strlen(announced[i]);
        memcpy(buf, announced[i], len);
        ck_assert_int_eq(resp_parse(&p, &usual, buf, &len), RESP_MORE);
        ck_assert_uint_lt(p.held_bytes, 2 * RESP_CHUNK);
        resp_parser_free(&p);
        ck_assert_uint_eq(p.held_bytes, 0);
    }
}
END_TEST

START_TEST(test_wants)
{
    struct resp_parser p = {0};
    char buf[] = "*1\r\n$100\r\nabc";
    size_t len = sizeof buf - 1;
    ck_assert_uint_eq(resp_parser_wants(&p), 0);
    ck_assert_int_eq(resp_parse(&p, &usual, buf, &len), RESP_MORE);
    ck_assert_uint_eq(resp_parser_wants(&p), 102);
    resp_parser_free(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parser");
    TCase *c = tcase_create("parser");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_commands);
    tcase_add_test(c, test_incomplete);
    tcase_add_test(c, test_inline);
    tcase_add_test(c, test_long_values);
    tcase_add_test(c, test_memory_follows_bytes_received);
    tcase_add_test(c, test_wants);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
