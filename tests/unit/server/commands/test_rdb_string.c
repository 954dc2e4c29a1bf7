/* Strings in the form of DUMP: payloads that a Redis 7.0 made, and broken ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rdb_string.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static const struct payload {
    const uint8_t *bytes;
    size_t len;
    enum rdb_form form;
    const char *value; /* of RDB_INTEGER: NULL */
    int64_t integer;
} payloads[] = {
    {TEXT("\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda"), RDB_PLAIN, "", 0},
    {TEXT("\x00\x01\x61\x0a\x00\xbf\xfe\xef\x9b\x8f\x36\x7d\xb4"), RDB_PLAIN, "a", 0},
    {TEXT("\x00\xc0\xfd\x0a\x00\x1b\x71\x69\xe0\x85\x8c\xe0\x06"), RDB_INTEGER, NULL, -3},
    {TEXT("\x00\xc1\x2c\x01\x0a\x00\x95\x42\x61\xf2\x65\x82\x5c\x10"), RDB_INTEGER, NULL, 300},
    {TEXT("\x00\xc2\x90\xee\xfe\xff\x0a\x00\x28\x75\xde\x7b\x13\xeb\x28\x00"), RDB_INTEGER, NULL,
     -70000},
    {TEXT("\x00\xc3\x13\x3c\x03\x61\x62\x63\x61\x60\x02\x00\x20\x80\x06\x20\x05\xe0\x1e\x09\x01"
          "\x63\x20\x0a\x00\x17\x41\x30\x2b\x68\x0b\x10\x00"),
     RDB_PACKED, "abcabcabc abcabcabc abcabcabc abcabcabc abcabcabc abcabcabc ", 0},
};

START_TEST(what_redis_wrote_is_read)
{
    uint8_t out[100];
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        const struct payload *p = &payloads[i];
        struct rdb_string s;
        ck_assert(rdb_payload_is_whole(p->bytes, p->len));
        ck_assert(rdb_string_find(p->bytes, p->len, &s));
        ck_assert_int_eq(s.form, p->form);
        if (p->form == RDB_INTEGER) {
            ck_assert_int_eq(s.integer, p->integer);
            continue;
        }
        ck_assert_uint_eq(s.len, strlen(p->value));
        if (p->form == RDB_PACKED)
            ck_assert(rdb_string_unpack(&s, out));
        ck_assert_mem_eq(p->form == RDB_PACKED ? out : s.bytes, p->value, s.len);
    }
}
END_TEST

START_TEST(lengths_come_back)
{
    static const size_t lengths[] = {0, 1, 63, 64, 16383, 16384, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t len = lengths[i];
        uint8_t *payload = malloc(RDB_HEAD_MOST + len + RDB_TAIL);
        ck_assert_ptr_nonnull(payload);
        struct rdb_string s;
        size_t head = rdb_string_head(len, payload);
        memset(payload + head, 'x', len);
        rdb_string_tail(rdb_crc(0, payload, head + len), payload + head + len);
        ck_assert(rdb_payload_is_whole(payload, head + len + RDB_TAIL));
        ck_assert(rdb_string_find(payload, head + len + RDB_TAIL, &s));
        ck_assert_uint_eq(s.len, len);
        ck_assert_ptr_eq(s.bytes, payload + head);
        payload[head + len] ^= 1;
        ck_assert(!rdb_payload_is_whole(payload, head + len + RDB_TAIL));
        free(payload);
    }
}
END_TEST

/* Bytes out of place and cut off: what is found lies in the payload, and unpacking stays in its
 * room. */
START_TEST(broken_ones_do_no_harm)
{
    for (unsigned round = 0; round < 200000; round++) {
        const struct payload *p = &payloads[(unsigned)rand() % 6];
        size_t len = p->len - (unsigned)rand() % 3 * ((unsigned)rand() % 4);
        uint8_t *copy = malloc(len);
        struct rdb_string s;
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, p->bytes, len);
        for (unsigned n = (unsigned)rand() % 3; n > 0; n--)
            copy[(unsigned)rand() % len] = (uint8_t)rand();
        if (len >= RDB_TAIL && rdb_string_find(copy, len, &s) && s.form == RDB_PACKED) {
            uint8_t *out = malloc(s.len + 1);
            ck_assert_ptr_nonnull(out);
            (void)rdb_string_unpack(&s, out);
            free(out);
        }
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rdb string");
    TCase *c = tcase_create("all");
    tcase_add_test(c, what_redis_wrote_is_read);
    tcase_add_test(c, lengths_come_back);
    tcase_add_test(c, broken_ones_do_no_harm);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
