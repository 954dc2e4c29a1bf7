/* Forms of keys: whatever the frame, a key comes back byte for byte, and no other key is taken for
 * it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "key_shape.h"

static struct key_text text(const char *s)
{
    return (struct key_text){(const uint8_t *)s, strlen(s)};
}

static struct key_frame frame_of(const char *head, const char *tail)
{
    struct key_frame f = {(uint8_t)strlen(head), (uint8_t)strlen(tail), {0}};
    memcpy(f.bytes, head, f.head_len);
    memcpy(f.bytes + f.head_len, tail, f.tail_len);
    return f;
}

/* The bytes it takes, after all that must hold of any key. */
static size_t there_and_back(const struct key_frame *f, struct key_text key, unsigned kind)
{
    static uint8_t stored[1 << 17], again[1 << 17];
    struct key_form form = key_form_of(f, key);
    size_t bytes = key_form_bytes(form);
    ck_assert_uint_eq(form.kind, kind);
    ck_assert_uint_le(bytes, key.len);
    ck_assert_uint_eq(key_form_length(f, form), key.len);
    memset(stored, 0xa5, bytes + 8);
    key_form_write(f, form, key, stored);
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(stored[bytes + i], 0xa5);
    memset(again, 0x5a, key.len + 8);
    key_form_read(f, form, stored, again);
    ck_assert(memcmp(again, key.ptr, key.len) == 0 && again[key.len] == 0x5a);
    ck_assert(key_form_is(f, form, stored, key));
    ck_assert(!key_form_is(f, form, stored, (struct key_text){again, key.len + 1}));
    if (key.len > 0)
        ck_assert(!key_form_is(f, form, stored, (struct key_text){again, key.len - 1}));
    for (size_t i = 0; i < key.len && i < 90; i++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            again[i] ^= (uint8_t)(1u << bit);
            ck_assert(!key_form_is(f, form, stored, (struct key_text){again, key.len}));
            again[i] ^= (uint8_t)(1u << bit);
        }
    }
    return bytes;
}

START_TEST(known_keys)
{
    static const struct {
        const char *head, *tail, *key;
        unsigned kind;
        size_t bytes;
    } known[] = {
        {"obj:", "", "obj:123456", KEY_DIGITS, 3},
        {"obj:", "", "obj:0012345", KEY_DIGITS, 4},
        {"obj:", "", "obj:", KEY_DIGITS, 0},
        {"obj:", "", "obj", KEY_WHOLE, 3},
        {"obj:", "", "obk:12", KEY_WHOLE, 6},
        {"obj:", "", "", KEY_WHOLE, 0},
        {"obj:", "", "obj:12x", KEY_MIDDLE, 3},
        {"obj:", "", "obj:12AB", KEY_MIDDLE, 4},
        {"", ":profile", "0012:profile", KEY_DIGITS, 2},
        {"", ":profile", ":profile", KEY_DIGITS, 0},
        {"aba", "aba", "ababa", KEY_WHOLE, 5},
        {"aba", "aba", "abaaba", KEY_DIGITS, 0},
        {"", "", "alice", KEY_MIDDLE, 5},
        {"", "", "", KEY_DIGITS, 0},
        {"s:", "", "s:38400000-8cf0-11bd-b23e-10b96e4ef00d", KEY_UUID, 16},
        {"s:", ":t", "s:38400000-8cf0-11bd-b23e-10b96e4ef00d:t", KEY_UUID, 16},
        {"s:", "", "s:38400000-8CF0-11bd-b23e-10b96e4ef00d", KEY_MIDDLE, 36},
        {"s:", "", "s:38400000-8cf0-11bd-b23e010b96e4ef00d", KEY_MIDDLE, 36},
        {"s:", "", "s:38400000-8cf0-11bd-b23e-10b96e4ef00", KEY_MIDDLE, 35},
        {"s:", "", "s:0123456789abcdef0123456789abcdef0", KEY_DIGITS, 17},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct key_frame f = frame_of(known[i].head, known[i].tail);
        ck_assert_uint_eq(there_and_back(&f, text(known[i].key), known[i].kind), known[i].bytes);
    }
    ck_assert_uint_eq(there_and_back(NULL, text("obj:12"), KEY_WHOLE), 6);
}
END_TEST

/* Few letters, so that frames fit by chance; some bytes that are no text. */
static size_t random_bytes(struct random *r, size_t most, uint8_t *out)
{
    static const uint8_t letters[] = {'0', '9', 'a', 'f', '-', ':', 0, 0xff};
    size_t len = random_below(r, (uint32_t)most + 1);
    uint32_t of = 1 + random_below(r, sizeof letters);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[random_below(r, of)];
    return len;
}

START_TEST(any_key_under_any_frame)
{
    static uint8_t key[1 << 17];
    struct random r = {.state = 5};
    unsigned kinds[4] = {0};
    for (unsigned i = 0; i < 8000; i++) {
        struct key_frame f = {0};
        f.head_len = (uint8_t)random_bytes(&r, i % 3 == 0 ? 80 : 3, f.bytes);
        f.tail_len = (uint8_t)random_bytes(&r, i % 3 == 1 ? 40 : 2, f.bytes + f.head_len);
        size_t len = random_bytes(&r, i % 1000 == 0 ? 65536 : 60, key);
        if (i % 2 == 0) { /* one that fits */
            memmove(key + f.head_len, key, len);
            memcpy(key, f.bytes, f.head_len);
            len += f.head_len;
            memcpy(key + len, f.bytes + f.head_len, f.tail_len);
            len += f.tail_len;
        }
        struct key_text t = {key, len};
        unsigned kind = key_form_of(&f, t).kind;
        there_and_back(&f, t, kind);
        kinds[kind]++;
        if (i % 2 == 0 && len <= KEY_FORM_MAX)
            ck_assert_uint_ne(kind, KEY_WHOLE);
    }
    ck_assert(kinds[KEY_WHOLE] > 500 && kinds[KEY_MIDDLE] > 500 && kinds[KEY_DIGITS] > 500);
}
END_TEST

static void expect_shape(const char *format, bool words, const char *head, const char *tail)
{
    struct key_shape s = {.met = 0};
    struct random r = {.state = 3};
    char key[200];
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t n = random_next(&r);
        char word[17];
        for (unsigned k = 0; k < 16; k++)
            word[k] = (char)('a' + (n >> 4 * k & 15));
        word[16] = 0;
        /* The first key and a few others are of another kind. */
        if (i % 50 == 0)
            snprintf(key, sizeof key, "zz%u", i);
        else if (words)
            snprintf(key, sizeof key, format, word);
        else
            snprintf(key, sizeof key, format, i + 1000);
        key_shape_meet(&s, text(key));
    }
    struct key_frame f = key_shape_frame(&s);
    struct key_frame want = frame_of(head, tail);
    ck_assert_msg(memcmp(&f, &want, sizeof f) == 0, "%s: %.*s", format, f.head_len + f.tail_len,
                  (const char *)f.bytes);
}

START_TEST(what_keys_have_in_common)
{
    expect_shape("obj:%u", false, "obj:", "");
    expect_shape("session:user:%08u", false, "session:user:", "");
    expect_shape("obj%08u", false, "obj", "");
    expect_shape("%u:profile", false, "", ":profile");
    expect_shape("u:%08u00000:p", false, "u:", ":p");
    expect_shape("%u", false, "", "");
    expect_shape("%s", true, "", "");
    expect_shape(":1:views.decorators.cache.cache_page..GET.%s.en-us.UTC", true,
                 ":1:views.decorators.cache.cache_page..GET.", ".en-us.UTC");
    expect_shape("v2:user:%s:cart:v2", true, "v2:user:", ":cart:v2");
    /* Longer than a frame has room for: what fits. */
    expect_shape("aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb"
                 "cccccccccc:%s",
                 true,
                 "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb",
                 "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("key_form");
    TCase *c = tcase_create("key_form");
    tcase_add_test(c, known_keys);
    tcase_add_test(c, any_key_under_any_frame);
    tcase_add_test(c, what_keys_have_in_common);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
