/* A codec that errs: what it makes is found out before it takes the place of the value. The linker
 * puts the function below in front of the codec's (see CMakeLists.txt). */
#include <stdio.h>
#include <string.h>

#include "cache_test.h"
#include "codec/codec.h"

#define ITEMS 3000

size_t __real_codec_encode(struct codec_ctx *ctx, enum codec_effort effort,
                           const struct codec_dict *dict, const void *src, size_t src_len,
                           void *dst, size_t dst_cap, enum codec_id *id);
size_t __wrap_codec_encode(struct codec_ctx *ctx, enum codec_effort effort,
                           const struct codec_dict *dict, const void *src, size_t src_len,
                           void *dst, size_t dst_cap, enum codec_id *id);

static unsigned calls;

size_t __wrap_codec_encode(struct codec_ctx *ctx, enum codec_effort effort,
                           const struct codec_dict *dict, const void *src, size_t src_len,
                           void *dst, size_t dst_cap, enum codec_id *id)
{
    size_t len = __real_codec_encode(ctx, effort, dict, src, src_len, dst, dst_cap, id);
    if (len > 0 && calls++ % 3 == 0)
        ((uint8_t *)dst)[len / 2] ^= 0x10;
    return len;
}

static const enum cache_compression modes[] = {CACHE_ADAPTIVE, CACHE_ON_WRITE};

START_TEST(no_value_is_lost)
{
    static uint8_t want[VALUE_MAX], got[VALUE_MAX];
    char name[32];
    size_t len;
    fixture_begin((struct cache_opts){.compression = modes[_i]});
    for (unsigned i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof name, "k:%u", i);
        size_t n = i % 100 == 0 ? 50000 : value_record(0, i, want);
        if (i % 100 == 0)
            value_text(i, want, n);
        ck_assert_int_eq(fixture_set(name, want, n), CACHE_OK);
    }
    fixture_pass(15000);
    for (unsigned i = 0; i < ITEMS; i++) {
        snprintf(name, sizeof name, "k:%u", i);
        size_t n = i % 100 == 0 ? 50000 : value_record(0, i, want);
        if (i % 100 == 0)
            value_text(i, want, n);
        ck_assert_int_eq(fixture_get(name, got, &len), CACHE_OK);
        ck_assert(len == n && memcmp(got, want, n) == 0);
    }
    struct cache_stats s = fixture_stats();
    ck_assert_uint_gt(s.compress_miscoded, ITEMS / 30);
    ck_assert_uint_gt(s.items_by_codec[1] + s.items_by_codec[2], ITEMS / 10);
    ck_assert_uint_eq(s.damaged, 0);
    fixture_end();
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("miscoding");
    tcase_add_loop_test(c, no_value_is_lost, 0, 2);
    return fixture_run(c);
}
