/* Families of keys: many shapes of keys, a bounded number of families. */
#include "family.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *pattern(const char *key)
{
    static char out[KEY_PATTERN_MAX + 1];
    size_t n = key_pattern(key, strlen(key), out);
    out[n] = '\0';
    return out;
}

START_TEST(shapes_of_keys)
{
    static const char *const is[][2] = {
        {"user:1234", "user:#"},
        {"user:alice", "user:#"},
        {"user:1234:profile", "user:#:profile"},
        {"1234:profile", "#:profile"},
        {"app/v2/item-77", "app/v#/item-#"},
        {"s:550e8400-e29b-41d4-a716-446655440000", "s:#"},
        {"s:deadbeef-cafe-babe-face-aaaaaaaaaaaa", "s:#"},
        {"550e8400-e29b-41d4-a716-446655440000:cart", "#:cart"},
        {"obj42", "obj#"},
        {"obj:0", "obj:#"},
        {"sha:9f86d081884c7d65", "sha:#"},
        {"t:2026-11-24", "t:#"},
        {"12345", ""},
        {"550e8400-e29b-41d4-a716-446655440000", ""},
        {"alice", ""},
        {"", ""},
        {"::", ""},
        {"a:", "a:"},
        {"page:averyveryverylongwordwithoutanydigits", "page:#"},
        {"x\ny:1", "x?y:#"},
    };
    for (size_t i = 0; i < sizeof(is) / sizeof(is[0]); i++)
        ck_assert_str_eq(pattern(is[i][0]), is[i][1]);
}
END_TEST

START_TEST(long_keys_are_cut)
{
    char key[70000], out[KEY_PATTERN_MAX];
    memset(key, 'a', sizeof(key));
    for (size_t i = 5; i < sizeof(key); i += 6)
        key[i] = ':';
    ck_assert_uint_le(key_pattern(key, sizeof(key), out), KEY_PATTERN_MAX);
    memset(key, '7', sizeof(key));
    ck_assert_uint_eq(key_pattern(key, sizeof(key), out), 0);
    memset(key, 0, sizeof(key));
    ck_assert_uint_eq(key_pattern(key, sizeof(key), out), 0);
}
END_TEST

static unsigned meet(struct family_table *t, const char *format, unsigned a, unsigned b)
{
    char key[64];
    int n = snprintf(key, sizeof(key), format, a, b);
    return family_meet(t, key, (size_t)n, 100);
}

START_TEST(a_family_gets_its_place)
{
    struct family_table *t = family_table_create();
    for (unsigned i = 0; i < 1000; i++)
        meet(t, "obj:%u", i, 0);
    unsigned f = family_find(t, "obj:5", 5);
    ck_assert_uint_ne(f, FAMILY_SHARED);
    ck_assert_str_eq(family_name(t, f), "obj:#");
    ck_assert_uint_eq(family_named(t, "obj:#", 5), f);
    ck_assert_uint_eq(family_named(t, "nobody", 6), FAMILY_MAX);
    ck_assert_uint_gt(family_bytes(t, f), 90000);
    ck_assert_uint_eq(family_find(t, "alice", 5), FAMILY_SHARED);
    ck_assert_str_eq(family_name(t, FAMILY_SHARED), "*");
    family_table_destroy(t);
}
END_TEST

/* The name in letters: digits would be taken for an id. */
static unsigned meet_lettered(struct family_table *t, unsigned family, unsigned id)
{
    char key[64];
    int n = snprintf(key, sizeof(key), "f%c%c%c%c:%u", 'a' + family / 1000 % 10,
                     'a' + family / 100 % 10, 'a' + family / 10 % 10, 'a' + family % 10, id);
    return family_meet(t, key, (size_t)n, 100);
}

START_TEST(ten_thousand_families_share)
{
    struct family_table *t = family_table_create();
    unsigned shared = 0;
    for (unsigned i = 0; i < 200000; i++)
        shared += meet_lettered(t, (i * 7919u) % 10000, i) == FAMILY_SHARED;
    ck_assert_uint_gt(shared, 190000);
    /* One that matters still finds a place among them. */
    for (unsigned i = 0; i < 20000; i++) {
        meet_lettered(t, (i * 7919u) % 10000, i);
        meet(t, "hot:%u", i, 0);
    }
    ck_assert_uint_ne(family_find(t, "hot:1", 5), FAMILY_SHARED);
    family_table_destroy(t);
}
END_TEST

START_TEST(kept_families_keep_their_place)
{
    struct family_table *t = family_table_create();
    for (unsigned f = 0; f < 100; f++) {
        for (unsigned i = 0; i < 200; i++)
            meet_lettered(t, f, i);
    }
    const char *first = family_name(t, 1);
    ck_assert_ptr_nonnull(first);
    char name[KEY_PATTERN_MAX + 1];
    snprintf(name, sizeof(name), "%s", first);
    unsigned generation = family_generation(t, 1);
    family_keep(t, 1, true);
    for (unsigned i = 0; i < 600000; i++)
        meet_lettered(t, 5000 + i % 80, i);
    ck_assert_str_eq(family_name(t, 1), name);
    ck_assert_uint_eq(family_generation(t, 1), generation);
    unsigned changed = 0;
    for (unsigned f = 2; f < FAMILY_MAX; f++)
        changed += family_generation(t, f) > 1;
    ck_assert_uint_gt(changed, 50);
    family_table_destroy(t);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("family");
    tcase_add_test(tc, shapes_of_keys);
    tcase_add_test(tc, long_keys_are_cut);
    tcase_add_test(tc, a_family_gets_its_place);
    tcase_add_test(tc, ten_thousand_families_share);
    tcase_add_test(tc, kept_families_keep_their_place);
    Suite *s = suite_create("family");
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
