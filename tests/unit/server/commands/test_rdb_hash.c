/* Hashes in the form of DUMP: payloads that a Redis made or takes, and broken ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rdb_hash.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define Y10           "yyyyyyyyyy"
#define AB30          "abababababababababababababababababababababababababababababab"

static const struct payload {
    const uint8_t *bytes;
    size_t len;
    const char *fields[2 * 8 + 1]; /* field, value, ..., NULL */
} payloads[] = {
    /* a listpack with each width of integers */
    {TEXT("\x10\x40\x43\x43\x00\x00\x00\x10\x00\x81\x61\x02\x07\x01\x81\x62\x02\xdf\xfd\x02"
          "\x81\x63\x02\xf1\xff\xef\x03\x81\x64\x02\xf2\x70\x11\x01\x04\x81\x65\x02\xf3\xff"
          "\xff\x7f\xff\x05\x81\x66\x02\xf4\xff\xff\xff\xff\xff\xff\xff\x7f\x09\x81\x67\x02"
          "\x81\x79\x02\x81\x68\x02\xc1\x2c\x02\xff\x0a\x00\x05\x1a\x1e\xe4\x5d\xcb\xbe\x1d"),
     {"a", "7", "b", "-3", "c", "-4097", "d", "70000", "e", "-8388609", "f", "9223372036854775807",
      "g", "y", "h", "300"}},
    /* strings, one of them packed, and integers */
    {TEXT("\x04\x02\xc0\x0a\xc0\xfb\x01\x66\xc3\x0a\x40\x46\x02\x61\x62\x61\xe0\x38\x01\x01"
          "\x61\x62\x0a\x00\x62\x34\x86\xb2\x1d\xd0\x00\xc9"),
     {"10", "-5", "f", AB30 "ababababab"}},
    /* a listpack that is packed whole */
    {TEXT("\x10\xc3\x1a\x40\x89\x0b\x89\x00\x00\x00\x04\x00\x81\x66\x02\xbc\x61\x62\xe0\x31"
          "\x01\x02\x3d\x81\x67\xe0\x35\x40\x01\x3d\xff\x0a\x00\x30\x6a\x51\x2c\x25\x57\x01"
          "\x6b"),
     {"f", AB30, "g", AB30}},
    /* a ziplist with each width of integers */
    {TEXT("\x0d\x40\x8d\x8d\x00\x00\x00\x89\x00\x00\x00\x10\x00\x00\x01\x61\x03\xf8\x02\x01"
          "\x62\x03\xfe\xfd\x03\x01\x63\x03\xc0\xd4\xfe\x04\x01\x64\x03\xf0\x90\xee\xfe\x05"
          "\x01\x65\x03\xd0\x00\x6c\xca\x88\x06\x01\x66\x03\xe0\x00\x00\x00\x00\x00\x00\x00"
          "\xc0\x0a\x01\x67\x03\x40\x46\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79"
          "\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79"
          "\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79"
          "\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x79\x49\x01\x68"
          "\x03\xfe\x64\xff\x09\x00\x8e\xaa\x56\x4c\xa8\x73\x6e\xc0"),
     {"a", "7", "b", "-3", "c", "-300", "d", "-70000", "e", "-2000000000", "f",
      "-4611686018427387904", "g", Y10 Y10 Y10 Y10 Y10 Y10 Y10, "h", "100"}},
};
enum { PAYLOADS = sizeof payloads / sizeof payloads[0] };

static void expect_fields(struct hash_edit *e, const char *const *fields)
{
    uint32_t n = 0;
    for (; fields[0] != NULL; fields += 2, n++) {
        const struct hash_entry *entry = hash_edit_find(e, fields[0], strlen(fields[0]));
        ck_assert_ptr_nonnull(entry);
        ck_assert_uint_eq(entry->value_len, strlen(fields[1]));
        ck_assert_mem_eq(entry->value, fields[1], entry->value_len);
    }
    ck_assert_uint_eq(e->live, n);
}

START_TEST(what_redis_wrote_is_read)
{
    for (size_t i = 0; i < PAYLOADS; i++) {
        const struct payload *p = &payloads[i];
        struct hash_edit e;
        struct rdb_hash_room room;
        ck_assert(rdb_payload_is_whole(p->bytes, p->len));
        ck_assert(rdb_is_hash(p->bytes, p->len));
        ck_assert_int_eq(hash_edit_begin(&e, NULL, 0, 1), HASH_OK);
        ck_assert_int_eq(rdb_hash_read(p->bytes, p->len, &e, &room), HASH_OK);
        expect_fields(&e, p->fields);
        hash_edit_end(&e);
        rdb_hash_room_free(&room);
    }
}
END_TEST

/* Fields and values of such lengths, and back. */
static void expect_round_trip(size_t field_len, size_t value_len)
{
    struct hash_edit e, back;
    struct rdb_hash_room room;
    bool added;
    char *text = malloc(field_len + value_len + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', field_len + value_len);
    hash_edit_begin(&e, NULL, 0, 1);
    ck_assert_int_eq(hash_edit_set(&e, text, field_len, text, value_len, &added), HASH_OK);
    ck_assert_int_eq(hash_edit_set(&e, "other", 5, "", 0, &added), HASH_OK);
    size_t len = hash_edit_size(&e);
    char *blob = malloc(len);
    ck_assert_ptr_nonnull(blob);
    hash_edit_write(&e, blob);
    size_t n = rdb_hash_size(blob, len);
    uint8_t *payload = malloc(n + RDB_TAIL);
    ck_assert_ptr_nonnull(payload);
    rdb_hash_write(blob, len, payload);
    rdb_string_tail(rdb_crc(0, payload, n), payload + n);
    ck_assert(rdb_payload_is_whole(payload, n + RDB_TAIL));
    hash_edit_begin(&back, NULL, 0, 1);
    ck_assert_int_eq(rdb_hash_read(payload, n + RDB_TAIL, &back, &room), HASH_OK);
    ck_assert_uint_eq(hash_edit_size(&back), len);
    const struct hash_entry *entry = hash_edit_find(&back, text, field_len);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry->value_len, value_len);
    hash_edit_end(&back);
    rdb_hash_room_free(&room);
    hash_edit_end(&e);
    free(payload);
    free(blob);
    free(text);
}

START_TEST(lengths_come_back)
{
    static const size_t lengths[] = {0, 1, 63, 64, 16383, 16384, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++)
            expect_round_trip(lengths[i], lengths[j]);
}
END_TEST

/* A field twice, one without a value, and none at all. */
START_TEST(what_is_no_hash_is_refused)
{
    static const struct payload broken[] = {
        {TEXT("\x04\x02\x01"
              "a"
              "\x01"
              "1"
              "\x01"
              "a"
              "\x01"
              "2"
              "0123456789"),
         {NULL}},
        {TEXT("\x04\x02\x01"
              "a"
              "\x01"
              "1"
              "\x01"
              "b"
              "0123456789"),
         {NULL}},
        {TEXT("\x04\x00"
              "0123456789"),
         {NULL}},
        {TEXT("\x04\x01\x01"
              "a"
              "\x01"
              "1"
              "more"
              "0123456789"),
         {NULL}},
        {TEXT("\x10\xc0\x07"
              "0123456789"),
         {NULL}},
        {TEXT("\x10\x07\x07\x00\x00\x00\x00\x00\xff"
              "0123456789"),
         {NULL}},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct hash_edit e;
        struct rdb_hash_room room;
        hash_edit_begin(&e, NULL, 0, 1);
        ck_assert_int_eq(rdb_hash_read(broken[i].bytes, broken[i].len, &e, &room), HASH_DAMAGED);
        hash_edit_end(&e);
        rdb_hash_room_free(&room);
    }
}
END_TEST

/* Bytes out of place and cut off: what is found lies in the payload or in the room. */
START_TEST(broken_ones_do_no_harm)
{
    volatile uint8_t sum = 0;
    for (unsigned round = 0; round < 100000; round++) {
        const struct payload *p = &payloads[(unsigned)rand() % PAYLOADS];
        size_t len = p->len - (unsigned)rand() % 3 * ((unsigned)rand() % 4);
        uint8_t *copy = malloc(len);
        struct hash_edit e;
        struct rdb_hash_room room;
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, p->bytes, len);
        for (unsigned n = (unsigned)rand() % 3; n > 0; n--)
            copy[(unsigned)rand() % len] = (uint8_t)rand();
        hash_edit_begin(&e, NULL, 0, 1);
        if (rdb_hash_read(copy, len, &e, &room) == HASH_OK)
            for (uint32_t i = 0; i < e.count; i++)
                for (uint32_t j = 0; j < e.entries[i].value_len; j++)
                    sum = (uint8_t)(sum + (uint8_t)e.entries[i].value[j]);
        hash_edit_end(&e);
        rdb_hash_room_free(&room);
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rdb hash");
    TCase *c = tcase_create("all");
    tcase_add_test(c, what_redis_wrote_is_read);
    tcase_add_test(c, lengths_come_back);
    tcase_add_test(c, what_is_no_hash_is_refused);
    tcase_add_test(c, broken_ones_do_no_harm);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
