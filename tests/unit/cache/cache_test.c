#include "cache_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define BEGIN_MS 1700000000000
#define TICK_MS  400

struct fixture fx;

void fixture_begin(struct cache_opts opts)
{
    memcpy(opts.hash_seed, "unit", 4);
    fx.now = BEGIN_MS;
    fx.cache = cache_create(&opts);
    ck_assert_ptr_nonnull(fx.cache);
    fx.t = cache_thread_create(fx.cache);
    ck_assert_ptr_nonnull(fx.t);
    cache_enter(fx.t, fx.now);
}

void fixture_check(void)
{
    const char *wrong = cache_check(fx.t);
    ck_assert_str_eq(wrong == NULL ? "good" : wrong, "good");
}

void fixture_end(void)
{
    fixture_check();
    cache_exit(fx.t);
    cache_thread_destroy(fx.t);
    cache_destroy(fx.cache);
}

struct cache_stats fixture_stats(void)
{
    struct cache_stats s;
    cache_stats(fx.cache, &s);
    return s;
}

static void pass(int64_t ms, bool busy)
{
    int64_t end = fx.now + ms;
    cache_exit(fx.t);
    while (fx.now < end) {
        fx.now += end - fx.now < TICK_MS ? end - fx.now : TICK_MS;
        cache_tick(fx.t, fx.now, 1000000, busy);
    }
    cache_enter(fx.t, fx.now);
}

void fixture_pass(int64_t ms)
{
    pass(ms, false);
}

void fixture_pass_busy(int64_t ms)
{
    pass(ms, true);
}

struct cache_key fixture_key(const char *name)
{
    struct cache_key k;
    if (!cache_key_init(fx.t, &k, 0, name, strlen(name)))
        ck_abort(); /* ck_assert() writes to a file each time */
    return k;
}

enum cache_status fixture_set(const char *name, const void *value, size_t len)
{
    struct cache_key k = fixture_key(name);
    struct cache_source src = {.flat = value, .total = len};
    return cache_set(fx.t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0);
}

enum cache_status fixture_get(const char *name, void *out, size_t *len)
{
    struct cache_key k = fixture_key(name);
    struct cache_view v;
    enum cache_status status = cache_get(fx.t, &k, CACHE_GET_TOUCH, &v);
    if (status != CACHE_OK)
        return status;
    if (v.raw_len > VALUE_MAX)
        ck_abort();
    *len = v.raw_len;
    status = cache_view_read(fx.t, &v, 0, v.raw_len, out);
    cache_view_end(fx.t, &v);
    return status;
}

enum cache_status fixture_patch(const char *name, size_t off, const void *value, size_t len)
{
    struct cache_key k = fixture_key(name);
    struct cache_source src = {.flat = value, .total = len};
    struct cache_update u;
    size_t new_len;
    cache_update_begin(fx.t, &k, &u);
    enum cache_status status = cache_update_patch(fx.t, &u, off, &src, &new_len);
    cache_update_end(fx.t, &u);
    return status;
}

size_t value_record(unsigned kind, unsigned n, void *out)
{
    static const char *const words[] = {"amber", "birch", "cedar", "delta", "ember", "fjord",
                                        "grove", "haven", "islet", "jetty", "knoll", "larch"};
    struct random random = {.state = n};
    unsigned a = random_below(&random, 12), b = random_below(&random, 12);
    unsigned c = random_below(&random, 1000000), d = random_below(&random, 90);
    if (kind == 0)
        return (size_t)snprintf(out, 512,
                                "{\"id\":%u,\"name\":\"%s %s\",\"email\":\"%s%u@mail.invalid\","
                                "\"active\":%s,\"role\":\"member\",\"score\":%u}",
                                n, words[a], words[b], words[a], c, d % 2 == 0 ? "true" : "false",
                                d);
    return (size_t)snprintf(out, 512,
                            "<tr class=row><td><a href=/%s/%u>Article %u</a></td><td>%s, %u km"
                            "</td></tr>",
                            words[b], c, n, words[a], d);
}

void value_text(unsigned n, void *out, size_t len)
{
    char record[512];
    for (size_t at = 0, i = 0; at < len; i++) {
        size_t got = value_record(0, n * 7919 + (unsigned)i, record);
        got = got < len - at ? got : len - at;
        memcpy((char *)out + at, record, got);
        at += got;
    }
}

void value_noise(unsigned n, void *out, size_t len)
{
    struct random random = {.state = n};
    random.state = random_next(&random); /* far from that of n + 1 */
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t word = random_next(&random);
        memcpy((char *)out + at, &word, len - at < sizeof word ? len - at : sizeof word);
    }
}

void value_letters(unsigned n, void *out, size_t len)
{
    uint8_t *p = out;
    value_noise(n, out, len);
    for (size_t at = 0; at < len; at++)
        p[at] = (uint8_t)('0' + p[at] % 64);
}

int fixture_run(TCase *c)
{
    Suite *s = suite_create("cache");
    tcase_set_timeout(c, 0);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
