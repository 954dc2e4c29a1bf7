/* Keys of many shapes, while their items are coded, coded again and made raw: each is found under
 * its name, with its own value, and is told by that name to whoever asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_test.h"

#define SHAPES 12
#define EACH   3000
#define KEYS   (SHAPES * EACH)

static uint8_t want[VALUE_MAX], got[VALUE_MAX];

/* Splits into what looks like noise. */
static unsigned mixed(unsigned n)
{
    return (n ^ n >> 7) * 2654435761u ^ n * 40503u;
}

/* The n-th key of a shape; at most 512 bytes but for the long ones. */
static size_t key_of(unsigned shape, unsigned n, uint8_t *out)
{
    char *text = (char *)out;
    unsigned m = mixed(n);
    int len = 0;
    switch (shape) {
    case 0:
        len = sprintf(text, "obj:%u", n);
        break;
    case 1:
        len = sprintf(text, "session:user:%08u", n);
        break;
    case 2:
        len = sprintf(text, "spring:session:sessions:%08x-%04x-4%03x-a%03x-%012x", m, m & 0xffff,
                      n & 0xfff, m & 0xfff, n);
        break;
    case 3:
        len = sprintf(text, "%u:profile", n);
        break;
    case 4:
        len = sprintf(text, ":1:views.decorators.cache.cache_page..GET.%08x%08x.en-us.UTC", m, n);
        break;
    case 5: /* no separator */
        len = sprintf(text, "word%c%c%c%u", 'a' + n % 26, 'a' + n / 26 % 26, 'a' + n / 676, n);
        break;
    case 6: /* the prefix alone, shorter ones, upper case, and longer ones */
        len = sprintf(text, "cut:%0*u", (int)(n % 300), n);
        if (n < 5)
            len = (int)n;
        else if (n % 3 == 0)
            len = sprintf(text, "cut:%X", m);
        break;
    case 7: /* 10,000 families: this is one in many */
        len = sprintf(text, "f%u:of:%u", n, n % 7);
        break;
    case 8: /* binary */
        memset(out, 0xfe, 20);
        memcpy(out + 8, &m, sizeof m);
        memcpy(out + 12, &n, sizeof n);
        return 20;
    case 9: /* binary behind a prefix */
        len = sprintf(text, "bin:");
        memcpy(out + len, &m, sizeof m);
        memcpy(out + len + 4, &n, sizeof n);
        return (size_t)len + 8;
    case 10: /* long */
        len = sprintf(text, "long:%u:", n);
        memset(out + len, 'a' + (int)(n % 26), n / 2);
        return (size_t)len + n / 2;
    default:
        len = sprintf(text, "u:%08X-%04X-4AAA-B000-%012X", m, m & 0xffff, n);
    }
    return (size_t)len;
}

static struct cache_key key(unsigned i, uint8_t *buf)
{
    struct cache_key k;
    size_t len = key_of(i / EACH, i % EACH, buf);
    ck_assert(cache_key_init(fx.t, &k, i % 3, buf, len));
    return k;
}

static void fill(void)
{
    static uint8_t buf[CACHE_MAX_KEY];
    for (unsigned i = 0; i < KEYS; i++) {
        struct cache_key k = key(i, buf);
        struct cache_source src = {.flat = want, .total = value_record(i / EACH % 2, i, want)};
        ck_assert_int_eq(cache_set(fx.t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0), CACHE_OK);
    }
}

/* Reads all, without making anything hot or (touch) so that it is. */
static void all_are_there(bool touch)
{
    static uint8_t buf[CACHE_MAX_KEY];
    fixture_check();
    for (unsigned i = 0; i < KEYS; i++) {
        struct cache_key k = key(i, buf);
        struct cache_view v;
        size_t len = value_record(i / EACH % 2, i, want);
        ck_assert_int_eq(cache_get(fx.t, &k, touch ? CACHE_GET_TOUCH : 0, &v), CACHE_OK);
        ck_assert_uint_eq(v.raw_len, len);
        ck_assert_int_eq(cache_view_read(fx.t, &v, 0, len, got), CACHE_OK);
        cache_view_end(fx.t, &v);
        ck_assert_int_eq(memcmp(got, want, len), 0);
        ((uint8_t *)buf)[k.len] = 'x';
        ck_assert(cache_key_init(fx.t, &k, k.db, buf, k.len + 1));
        if (i / EACH != 6 && i / EACH != 10) /* there the longer one is a key, too */
            ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_MISS);
    }
}

/* Names that are told: each is one of ours, and they add up. */
static unsigned told;
static uint64_t told_sum;

static uint64_t sum_of(const void *name, size_t len)
{
    uint64_t h = len + 1;
    for (size_t i = 0; i < len; i++)
        h = (h ^ ((const uint8_t *)name)[i]) * 0x100000001b3u;
    return h;
}

static void tell(void *arg, const void *name, size_t len, enum cache_type type)
{
    (void)arg;
    (void)type;
    told++;
    told_sum += sum_of(name, len);
}

static void tell_event(void *arg, enum cache_event what, unsigned db, const void *name, size_t len)
{
    ck_assert_int_eq(what, CACHE_EXPIRED);
    ck_assert_uint_lt(db, 3);
    tell(arg, name, len, CACHE_STRING);
}

static uint64_t sum_of_all(void)
{
    static uint8_t buf[CACHE_MAX_KEY];
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYS; i++)
        sum += sum_of(buf, key_of(i / EACH, i % EACH, buf));
    return sum;
}

static void names_are_told(void)
{
    static uint8_t buf[CACHE_MAX_KEY];
    told = 0;
    told_sum = 0;
    for (unsigned db = 0; db < 3; db++) {
        uint64_t cursor = 0;
        do
            cursor = cache_scan(fx.t, db, cursor, 100, tell, NULL);
        while (cursor != 0);
        for (unsigned i = 0; i < 200; i++) {
            struct cache_view v;
            struct cache_key k;
            size_t len;
            ck_assert(cache_random_key(fx.t, db, buf, &len));
            ck_assert(cache_key_init(fx.t, &k, db, buf, len));
            ck_assert_int_eq(cache_get(fx.t, &k, 0, &v), CACHE_OK);
            cache_view_end(fx.t, &v);
        }
    }
    ck_assert_uint_eq(told, KEYS);
    ck_assert_uint_eq(told_sum, sum_of_all());
}

/* The item grows by its expiry, or has one already. */
static void let_all_expire(void)
{
    static uint8_t buf[CACHE_MAX_KEY];
    for (unsigned i = 0; i < KEYS; i++) {
        struct cache_key k = key(i, buf);
        struct cache_update u;
        cache_update_begin(fx.t, &k, &u);
        ck_assert_int_eq(cache_update_expire(fx.t, &u, fx.now + 100000), CACHE_OK);
        cache_update_end(fx.t, &u);
    }
    all_are_there(false);
    told = 0;
    told_sum = 0;
    fixture_pass(120000);
    ck_assert_uint_eq(fixture_stats().items, 0);
    ck_assert_uint_eq(told, KEYS);
    ck_assert_uint_eq(told_sum, sum_of_all());
}

static const enum cache_compression modes[] = {CACHE_ADAPTIVE, CACHE_ON_WRITE};

static void configure(enum cache_compression compression)
{
    cache_configure(fx.cache, &(struct cache_opts){.compression = compression});
}

START_TEST(keys_stay_what_they_are)
{
    fixture_begin((struct cache_opts){.compression = modes[_i], .on_event = tell_event});
    cache_listen(fx.cache, true);
    fill();
    fixture_pass(1000);
    fill();
    uint64_t whole = 0;
    for (unsigned i = 0; i < KEYS; i++)
        whole += key_of(i / EACH, i % EACH, got);
    fixture_pass(30000);
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.dicts, 1);
    ck_assert_uint_lt(s.key_bytes, whole - (uint64_t)EACH * 40);
    all_are_there(false);
    names_are_told();
    if (_i == 0) {
        /* Read again, they become raw, and then what they were. */
        all_are_there(true);
        all_are_there(true);
        fixture_pass(20000);
    } else {
        /* Other dictionaries, with other things in common. */
        ck_assert(cache_dict_train(fx.cache, NULL, 0));
        fill();
        fixture_pass(3000);
    }
    all_are_there(false);
    ck_assert(cache_dict_drop(fx.cache, NULL, 0));
    fixture_pass(20000);
    all_are_there(false);
    names_are_told();
    configure(CACHE_UNCOMPRESSED);
    fixture_pass(20000);
    s = fixture_stats();
    ck_assert_uint_eq(s.items_by_codec[1] + s.items_by_codec[2] + s.dicts, 0);
    ck_assert_uint_eq(s.key_bytes, whole);
    all_are_there(false);
    configure(CACHE_ON_WRITE);
    fixture_pass(3000);
    let_all_expire();
    ck_assert_uint_eq(fixture_stats().damaged + fixture_stats().compress_miscoded, 0);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("keys");
    tcase_add_loop_test(c, keys_stay_what_they_are, 0, 2);
    return fixture_run(c);
}
