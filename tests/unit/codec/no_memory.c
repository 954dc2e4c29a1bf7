/* When memory is short: under a limit that is raised step by step until everything fits, every
 * function gives a right answer or none. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);

/* Bytes that are allocated and may be. From a large number on, since what strdup() and the like
 * allocate is only seen when it is freed. */
static size_t taken = (size_t)1 << 40, peak, limit = SIZE_MAX;
static bool hit_limit;

static bool fits(size_t size)
{
    if (size <= limit && taken <= limit - size)
        return true;
    hit_limit = true;
    return false;
}

static void *took(void *p)
{
    taken += malloc_usable_size(p);
    peak = taken > peak ? taken : peak;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return fits(size) ? took(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fits(n * size) ? took(__real_calloc(n, size)) : NULL;
}

void __wrap_free(void *p)
{
    taken -= malloc_usable_size(p);
    __real_free(p);
}

enum { LEN_MAX = 3000 };

/* Nothing of Check is called while allocations fail: it allocates, too. */
enum outcome { WRONG, NOTHING, RIGHT };

static uint8_t raw[LEN_MAX];
static struct value_set set;

static enum outcome come_back(struct codec_ctx *ctx, enum codec_effort effort,
                              const struct codec_dict *dict, size_t len)
{
    uint8_t coded[LEN_MAX], back[LEN_MAX];
    enum codec_id id;
    size_t n = codec_encode(ctx, effort, dict, raw, len, coded, len, &id);
    if (n == 0 || !codec_decode(ctx, id, dict, coded, n, back, len))
        return NOTHING;
    return memcmp(raw, back, len) == 0 ? RIGHT : WRONG;
}

static enum outcome worse(enum outcome a, enum outcome b)
{
    return a < b ? a : b;
}

static enum outcome use_all(struct codec_ctx *ctx, const struct codec_dict *dict)
{
    static const size_t lens[] = {100, 255, 256, LEN_MAX};
    enum outcome outcome = come_back(ctx, CODEC_CLOSE, NULL, LEN_MAX);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        outcome = worse(outcome, come_back(ctx, CODEC_CLOSE, dict, lens[i]));
        outcome = worse(outcome, come_back(ctx, CODEC_FAST, dict, lens[i]));
    }
    if (codec_dict_measure(ctx, CODEC_CLOSE, dict, set.bytes, set.lens, 3) == 0)
        return WRONG;
    return codec_ctx_bytes(ctx) > 0 && codec_dict_bytes(dict) >= 4000 ? outcome : WRONG;
}

/* Makes and uses everything once. */
static enum outcome run(void)
{
    struct codec_ctx *ctx = codec_ctx_create();
    struct codec_dict *dict = codec_dict_train(
        set.bytes, set.lens, set.n, &(struct codec_training){.max_len = 4096, .budget_ms = 100});
    if (!dict) /* which takes less memory */
        dict = codec_dict_create(set.bytes, 4096);
    enum outcome outcome = ctx && dict ? use_all(ctx, dict) : NOTHING;
    codec_dict_destroy(dict);
    codec_ctx_destroy(ctx);
    return outcome;
}

START_TEST(limited)
{
    set = value_set_json(0, 300);
    value_text(1, raw, sizeof(raw));
    ck_assert_int_eq(run(), RIGHT);
    size_t most = peak - taken + (16u << 20);
    bool fitted = false;
    for (size_t room = 0; room < most && !fitted; room += room / 16 + 512) {
        hit_limit = false;
        size_t before = taken;
        limit = before + room;
        enum outcome outcome = run();
        limit = SIZE_MAX;
        bool leaks = taken != before;
        fitted = !hit_limit;
        ck_assert_int_ne(outcome, WRONG);
        ck_assert(hit_limit || outcome == RIGHT);
        ck_assert(!leaks);
    }
    ck_assert(fitted);
    value_set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec no memory");
    TCase *tc = tcase_create("no memory");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, limited);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
