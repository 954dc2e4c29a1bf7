/* The parts of the commands that know nothing of a server: numbers, patterns, hashes, syntax. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "command_syntax.h"
#include "glob.h"
#include "hash_object.h"
#include "name_list.h"
#include "number.h"

/* ---- numbers ---- */

static bool parses(const char *text, int64_t *n)
{
    return number_parse_int(text, strlen(text), n);
}

START_TEST(integers_are_canonical)
{
    int64_t n = 7;
    ck_assert(parses("0", &n) && n == 0);
    ck_assert(parses("-1", &n) && n == -1);
    ck_assert(parses("9223372036854775807", &n) && n == INT64_MAX);
    ck_assert(parses("-9223372036854775808", &n) && n == INT64_MIN);
    static const char *const wrong[] = {"",
                                        "-",
                                        "+1",
                                        "01",
                                        "-0",
                                        " 1",
                                        "1 ",
                                        "1a",
                                        "0x1",
                                        "1.0",
                                        "--1",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!parses(wrong[i], &n), "%s", wrong[i]);
}
END_TEST

START_TEST(integers_print_as_they_parse)
{
    static const int64_t numbers[] = {0, 1, -1, 10, -10, 1234567890123, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[NUMBER_INT_CHARS];
        int64_t back;
        size_t len = number_print_int(numbers[i], text);
        ck_assert(number_parse_int(text, len, &back));
        ck_assert_int_eq(back, numbers[i]);
    }
}
END_TEST

START_TEST(floats_print_without_exponent)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"3.0e3", "3000"},
                 {"10.50", "10.5"},
                 {"-0", "0"},
                 {"0.1", "0.1"},
                 {"1e17", "100000000000000000"},
                 {"-2.5", "-2.5"},
                 {"5.", "5"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        long double f;
        char text[NUMBER_FLOAT_CHARS];
        ck_assert(number_parse_float(cases[i].in, strlen(cases[i].in), &f));
        size_t len = number_print_float(f, text);
        ck_assert_uint_eq(len, strlen(cases[i].out));
        ck_assert_mem_eq(text, cases[i].out, len);
    }
}
END_TEST

START_TEST(floats_refuse_what_redis_refuses)
{
    static const char *const wrong[] = {"", " 1", "1 ", "abc", "nan", "1e", "1e5000", "1.5x"};
    long double f;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!number_parse_float(wrong[i], strlen(wrong[i]), &f), "%s", wrong[i]);
    ck_assert(!number_parse_float("1\0", 2, &f));
}
END_TEST

/* ---- patterns ---- */

START_TEST(patterns_match)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } cases[] = {
        {"*", "", true},          {"", "", true},
        {"", "a", false},         {"a*c", "abbbc", true},
        {"a*c", "abbb", false},   {"?", "a", true},
        {"?", "", false},         {"[abc]", "b", true},
        {"[^abc]", "b", false},   {"[a-c]x", "bx", true},
        {"[c-a]x", "bx", true},   {"\\*", "*", true},
        {"\\*", "a", false},      {"**a**", "bab", true},
        {"[a\\]]", "]", true},    {"a[", "a", false},
        {"a[b", "ab", true},      {"*.txt", "a.txt.txt", true},
        {"h?llo", "hello", true}, {"h[ae]llo", "hillo", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].text,
                                 strlen(cases[i].text), false) == cases[i].match,
                      "%s %s", cases[i].pattern, cases[i].text);
    ck_assert(glob_match("FO*[A-Z]", 8, "foobar", 6, true));
    ck_assert(!glob_match("FO*", 3, "foobar", 6, false));
}
END_TEST

/* A pattern that makes a recursive matcher try every way to cut the text. */
START_TEST(patterns_take_no_exponential_time)
{
    char text[5000];
    memset(text, 'a', sizeof text);
    ck_assert(!glob_match("a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", 33, text, sizeof text, false));
}
END_TEST

/* ---- hashes ---- */

static enum hash_status set(struct hash_edit *e, const char *field, const char *value)
{
    bool added;
    return hash_edit_set(e, field, strlen(field), value, strlen(value), &added);
}

static char *write_edit(struct hash_edit *e, size_t *len)
{
    *len = hash_edit_size(e);
    char *blob = malloc(*len + 1);
    ck_assert_ptr_nonnull(blob);
    hash_edit_write(e, blob);
    blob[*len] = '\0';
    hash_edit_end(e);
    return blob;
}

START_TEST(hash_keeps_order_and_replaces_in_place)
{
    struct hash_edit e;
    struct hash_reader r;
    struct hash_entry entry;
    size_t len;
    ck_assert_int_eq(hash_edit_begin(&e, NULL, 0, 1), HASH_OK);
    set(&e, "b", "1");
    set(&e, "a", "2");
    set(&e, "", "");
    set(&e, "b", "longer");
    char *blob = write_edit(&e, &len);
    ck_assert_uint_eq(hash_open(&r, blob, len), 3);
    ck_assert(hash_next(&r, &entry) && entry.field[0] == 'b' && entry.value_len == 6);
    ck_assert(hash_next(&r, &entry) && entry.field[0] == 'a' && entry.value_len == 1);
    ck_assert(hash_next(&r, &entry) && entry.field_len == 0 && entry.value_len == 0);
    ck_assert(!hash_next(&r, &entry) && !r.damaged);
    ck_assert(hash_find(&r, blob, len, "a", 1, &entry) && entry.value[0] == '2');
    ck_assert(!hash_find(&r, blob, len, "c", 1, &entry) && !r.damaged);
    free(blob);
}
END_TEST

START_TEST(hash_without_fields_has_no_size)
{
    struct hash_edit e;
    hash_edit_begin(&e, NULL, 0, 1);
    set(&e, "a", "1");
    ck_assert(hash_edit_remove(&e, "a", 1));
    ck_assert(!hash_edit_remove(&e, "a", 1));
    ck_assert_uint_eq(hash_edit_size(&e), 0);
    hash_edit_end(&e);
}
END_TEST

/* Against an array of numbers, large enough that the index is made and made anew. */
START_TEST(hash_does_what_an_array_does)
{
    enum { FIELDS = 700, OPS = 20000 };
    static int model[FIELDS];
    static char names[FIELDS][16], values[OPS][16];
    char *blob = NULL;
    size_t len = 0;
    srandom(1);
    memset(model, -1, sizeof model);
    for (int i = 0; i < FIELDS; i++)
        snprintf(names[i], sizeof names[i], "f%d", i);
    for (int op = 0; op < OPS;) {
        struct hash_edit e;
        ck_assert_int_eq(hash_edit_begin(&e, blob, len, 42), HASH_OK);
        for (int n = (int)(random() % 2000); n > 0 && op < OPS; n--, op++) {
            int f = (int)(random() % FIELDS);
            bool added, there = model[f] >= 0;
            if (random() % 3 == 0) {
                ck_assert(hash_edit_remove(&e, names[f], strlen(names[f])) == there);
                model[f] = -1;
                continue;
            }
            snprintf(values[op], sizeof values[op], "%d", op);
            hash_edit_set(&e, names[f], strlen(names[f]), values[op], strlen(values[op]), &added);
            ck_assert(added == !there);
            model[f] = op;
        }
        char *old = blob;
        blob = write_edit(&e, &len);
        free(old);
        for (int f = 0; f < FIELDS; f++) {
            struct hash_reader r;
            struct hash_entry entry;
            bool there = hash_find(&r, blob, len, names[f], strlen(names[f]), &entry);
            ck_assert(there == (model[f] >= 0));
            if (there)
                ck_assert_int_eq(atoi(entry.value), model[f]);
        }
    }
    free(blob);
}
END_TEST

START_TEST(hash_is_bounded)
{
    struct hash_edit e;
    char *big = calloc(1, HASH_MAX_BYTES + 1);
    bool added;
    hash_edit_begin(&e, NULL, 0, 1);
    ck_assert_int_eq(hash_edit_set(&e, "a", 1, big, HASH_MAX_BYTES, &added), HASH_FULL);
    ck_assert_int_eq(hash_edit_set(&e, "a", 1, big, HASH_MAX_BYTES / 2, &added), HASH_OK);
    ck_assert_int_eq(hash_edit_set(&e, "b", 1, big, HASH_MAX_BYTES / 2, &added), HASH_FULL);
    ck_assert_int_eq(hash_edit_set(&e, "a", 1, big, 1, &added), HASH_OK);
    ck_assert_int_eq(hash_edit_set(&e, "b", 1, big, HASH_MAX_BYTES / 2, &added), HASH_OK);
    hash_edit_end(&e);
    free(big);
}
END_TEST

/* Whatever byte is changed, and wherever it is cut, reading ends and stays inside. */
START_TEST(hash_survives_damage)
{
    struct hash_edit e;
    size_t len;
    hash_edit_begin(&e, NULL, 0, 1);
    set(&e, "field", "value");
    set(&e, "other", "some longer value");
    char *blob = write_edit(&e, &len);
    for (size_t cut = 0; cut <= len; cut++) {
        for (int change = 0; change < 256 * (int)cut; change++) {
            struct hash_reader r;
            struct hash_entry entry;
            char *copy =
                malloc(cut + 1); /* of exact length, so that a sanitizer sees a step too far */
            memcpy(copy, blob, cut);
            copy[change / 256] = (char)change;
            hash_open(&r, copy, cut);
            while (hash_next(&r, &entry))
                ck_assert(entry.value + entry.value_len <= copy + cut);
            if (hash_edit_begin(&e, copy, cut, 1) == HASH_OK && cut > 0)
                ck_assert_uint_le(hash_edit_size(&e), cut);
            hash_edit_end(&e);
            free(copy);
        }
    }
    free(blob);
}
END_TEST

/* ---- lists of names ---- */

START_TEST(names_come_back)
{
    struct cache *cache = cache_create(&(struct cache_opts){.hash_seed = "names"});
    ck_assert_ptr_nonnull(cache);
    uint64_t before = cache_used_memory(cache);
    struct name_list l = {.cache = cache};
    const char *name;
    size_t len;
    char text[1024];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        name_list_add(&l, text, i == 1000 ? sizeof text : strlen(text));
    }
    for (int i = 0; i < 3000; i++)
        name_list_add(&l, text, sizeof text);
    ck_assert(!l.failed);
    ck_assert_uint_eq(l.count, 6000);
    ck_assert_uint_eq(cache_used_memory(cache), before + l.held);
    for (int i = 0; i < 3000; i++) {
        size_t digits = (size_t)snprintf(text, 8, "%d", i);
        ck_assert(name_list_take(&l, &name, &len));
        ck_assert_uint_eq(len, i == 1000 ? sizeof text : digits);
        ck_assert_mem_eq(name, text, digits);
    }
    for (int i = 0; i < 2000; i++) {
        ck_assert(name_list_take(&l, &name, &len));
        ck_assert_uint_eq(len, sizeof text);
    }
    ck_assert_uint_lt(l.held, (size_t)2 << 20); /* what was taken is freed */
    name_list_free(&l);
    ck_assert(!name_list_take(&l, &name, &len));
    ck_assert_uint_eq(cache_used_memory(cache), before);
    cache_destroy(cache);
}
END_TEST

/* ---- syntax ---- */

START_TEST(syntax_becomes_a_tree)
{
    struct syntax s;
    ck_assert(syntax_parse(&s, "key value [NX | XX | IFEQ match] [GET] [field value ...]"));
    ck_assert_uint_eq(syntax_length(&s, s.first), 5);
    const struct syntax_node *n = &s.nodes[s.first];
    ck_assert_str_eq(syntax_type(n), "key");
    n = &s.nodes[s.nodes[n->next].next];
    ck_assert_int_eq(n->kind, SYNTAX_ONEOF);
    ck_assert(n->optional);
    ck_assert_uint_eq(syntax_length(&s, n->child), 3);
    n = &s.nodes[n->next];
    ck_assert_int_eq(n->kind, SYNTAX_TOKEN);
    ck_assert_str_eq(n->token, "GET");
    n = &s.nodes[n->next];
    ck_assert_int_eq(n->kind, SYNTAX_BLOCK);
    ck_assert(n->optional && n->multiple);
}
END_TEST

START_TEST(syntax_writes_repeats_once)
{
    struct syntax s;
    ck_assert(syntax_parse(&s, "key [key ...]"));
    ck_assert_uint_eq(syntax_length(&s, s.first), 1);
    ck_assert(s.nodes[s.first].multiple && !s.nodes[s.first].optional);
    ck_assert(syntax_parse(&s, "numkeys key value [key value ...] [NX | XX]"));
    ck_assert_uint_eq(syntax_length(&s, s.first), 3);
    ck_assert_int_eq(s.nodes[s.nodes[s.first].next].kind, SYNTAX_BLOCK);
    ck_assert(syntax_parse(&s, ""));
    ck_assert_int_eq(s.first, -1);
    ck_assert(!syntax_parse(&s, "[a"));
    ck_assert(!syntax_parse(&s, "a ]"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command values");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, integers_are_canonical);
    tcase_add_test(c, integers_print_as_they_parse);
    tcase_add_test(c, floats_print_without_exponent);
    tcase_add_test(c, floats_refuse_what_redis_refuses);
    tcase_add_test(c, patterns_match);
    tcase_add_test(c, patterns_take_no_exponential_time);
    tcase_add_test(c, hash_keeps_order_and_replaces_in_place);
    tcase_add_test(c, hash_without_fields_has_no_size);
    tcase_add_test(c, hash_does_what_an_array_does);
    tcase_add_test(c, hash_is_bounded);
    tcase_add_test(c, hash_survives_damage);
    tcase_add_test(c, names_come_back);
    tcase_add_test(c, syntax_becomes_a_tree);
    tcase_add_test(c, syntax_writes_repeats_once);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
