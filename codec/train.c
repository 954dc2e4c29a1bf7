/* Training dictionaries with the fast-cover trainer of libzstd, and judging them.
 *
 * The trainer cuts the dictionary out of the samples in segments of k bytes. Which length serves
 * best depends on the values (short records: 200 to 400; long documents that repeat whole parts:
 * 1600), so a few are tried, as many as the budget allows, and judged on samples that were kept
 * from them. */
#include "internal.h"

#define ZDICT_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <zdict.h>

enum {
    SAMPLES_MIN = 8,          /* the trainer wants 5 */
    HELD_BACK = 8,            /* every so many at the end of the samples are for judging */
    MATCHED = 8,              /* d: length of the strings that are counted */
    JUDGED_CLOSE = 192 << 10, /* bytes of them, with all effort */
    FORMED = 16,              /* samples that show which forms are needed */
    TABLE_LOG = 18,           /* f: 10 << 18 bytes of memory while it works ... */
    WORK_BYTES = 8 << 20      /* ... and everything else that it and the encoder it calls take */
};

static const unsigned segment_lens[] = {400, 1600, 200};
enum { SEGMENT_LENS = sizeof(segment_lens) / sizeof(segment_lens[0]) };

/* A dictionary longer than this must pay for what it takes more. */
#define LONGER ((size_t)64 << 10)

/* What a try costs, in nanoseconds a sample byte. For values that zstd will code, its entropy
 * tables are made from what a high level produces. */
enum { COST_SHORT = 30, COST_LONG = 44, LEVEL_SHORT = 3, LEVEL_LONG = 9 };

struct samples {
    const uint8_t *bytes;
    const size_t *lens;
    unsigned n;
    size_t total;
};

static struct samples samples_first(const void *bytes, const size_t *lens, unsigned n,
                                    size_t max_total)
{
    struct samples s = {bytes, lens, 0, 0};
    while (s.n < n && lens[s.n] <= max_total - s.total)
        s.total += lens[s.n++];
    return s;
}

static bool are_long(const struct samples *s)
{
    return s->total / s->n >= SHORT_LEN;
}

static struct samples samples_behind(const struct samples *s, unsigned n)
{
    struct samples first = samples_first(s->bytes, s->lens, n, s->total);
    return (struct samples){s->bytes + first.total, s->lens + first.n, s->n - first.n,
                            s->total - first.total};
}

/* Those for judging. */
static struct samples samples_held(const struct samples *s)
{
    return samples_behind(s, s->n - s->n / HELD_BACK);
}

/* The trainer does not look whether all of its allocations succeeded (libzstd 1.5.4; of its two
 * functions, the optimizing one does better). So it is not called unless there is room for all of
 * them together. */
static bool has_room(unsigned n)
{
    void *volatile room = malloc(WORK_BYTES + n * sizeof(size_t)); /* not to be optimized away */
    bool has = room != NULL;
    free(room);
    return has;
}

/* On the first `used` samples. */
static struct codec_dict *train_once(const struct samples *s, unsigned used, size_t max_len,
                                     unsigned segment_len, bool long_values)
{
    uint8_t *bytes = malloc(max_len);
    if (!bytes || !has_room(s->n)) {
        free(bytes);
        return NULL;
    }
    ZDICT_fastCover_params_t params = {
        .k = segment_len,
        .d = MATCHED,
        .f = TABLE_LOG,
        .steps = 1,
        .nbThreads = 1,
        .splitPoint = (double)used / s->n,
        .accel = 1,
        .zParams = {.compressionLevel = long_values ? LEVEL_LONG : LEVEL_SHORT},
    };
    size_t len =
        ZDICT_optimizeTrainFromBuffer_fastCover(bytes, max_len, s->bytes, s->lens, s->n, &params);
    struct codec_dict *dict = ZDICT_isError(len) ? NULL : codec_dict_create(bytes, len);
    free(bytes);
    return dict;
}

/* To compare dictionaries: the search in haste of zstd shows it, and reaches all of a long one. */
static size_t measure_dense(struct codec_ctx *ctx, const struct codec_dict *dict,
                            const struct samples *s)
{
    uint8_t *out = malloc(CODEC_MAX_RAW);
    const uint8_t *sample = s->bytes;
    size_t total = 0;
    for (unsigned i = 0; out != NULL && i < s->n; sample += s->lens[i++]) {
        size_t len = dense_encode(ctx, CODEC_HASTY, dict, sample, s->lens[i], out, CODEC_MAX_RAW);
        total += len != 0 && len < s->lens[i] ? len : s->lens[i];
    }
    free(out);
    return total;
}

static struct codec_dict *train_best(struct codec_ctx *ctx, const struct samples *s, size_t max_len,
                                     unsigned tries, unsigned *best_len)
{
    struct samples held = samples_held(s);
    unsigned used = s->n - held.n;
    struct codec_dict *best = NULL;
    size_t best_total = SIZE_MAX;
    for (unsigned i = 0; i < tries; i++) {
        struct codec_dict *dict = train_once(s, used, max_len, segment_lens[i], are_long(s));
        if (!dict)
            continue;
        size_t total = measure_dense(ctx, dict, &held);
        if (total >= best_total) {
            codec_dict_destroy(dict);
            continue;
        }
        codec_dict_destroy(best);
        best = dict;
        best_total = total;
        *best_len = segment_lens[i];
    }
    return best;
}

/* Gives the dictionary codes of its own, when they make what they were not made from smaller. */
static void train_codes(struct codec_ctx *ctx, struct codec_dict *dict, const struct samples *s)
{
    enum codec_effort effort = are_long(s) ? CODEC_HASTY : CODEC_CLOSE;
    struct samples held = samples_held(s);
    size_t without = codec_dict_measure(ctx, effort, dict, held.bytes, held.lens, held.n);
    dict->pack = pack_train(dict, s->bytes, s->lens, s->n - held.n);
    codec_dict_rest(dict); /* other forms are needed with these codes */
    if (dict->pack != NULL &&
        codec_dict_measure(ctx, effort, dict, held.bytes, held.lens, held.n) < without)
        return;
    free(dict->pack);
    dict->pack = NULL;
    codec_dict_rest(dict);
}

/* Whether the longer one saves twice what it takes more, on samples that came to these bytes. */
static bool is_worth(const struct codec_training *how, const struct codec_dict *dict,
                     const struct codec_dict *longer, size_t before, size_t after, size_t samples)
{
    return ((double)before - (double)after) * (double)how->expected >
           2.0 * ((double)longer->len - (double)dict->len) * (double)samples;
}

static struct codec_dict *train_longer(struct codec_ctx *ctx, const struct samples *s,
                                       const struct codec_training *how, size_t len,
                                       unsigned segment_len, const struct codec_dict *dict)
{
    struct samples held = samples_held(s);
    struct codec_dict *longer = train_once(s, s->n - held.n, len, segment_len, are_long(s));
    if (longer != NULL && is_worth(how, dict, longer, measure_dense(ctx, dict, &held),
                                   measure_dense(ctx, longer, &held), held.total))
        return longer;
    codec_dict_destroy(longer);
    return NULL;
}

/* Of all lengths that the search for repeated strings finds worth having, the longest. When values
 * are packed, the longer one has to be so with codes as well: places in it take more bits. */
static struct codec_dict *train_any_length(struct codec_ctx *ctx, const struct samples *s,
                                           const struct codec_training *how, unsigned tries)
{
    size_t len = how->max_len < CODEC_DICT_MAX ? how->max_len : CODEC_DICT_MAX;
    unsigned segment_len = 0;
    struct codec_dict *longer = NULL;
    struct codec_dict *dict = train_best(ctx, s, len < LONGER ? len : LONGER, tries, &segment_len);
    if (dict == NULL)
        return NULL;
    train_codes(ctx, dict, s);
    for (; longer == NULL && len > LONGER; len /= 2)
        longer = train_longer(ctx, s, how, len, segment_len, dict);
    if (longer == NULL)
        return dict;
    train_codes(ctx, longer, s);
    if (s->total / s->n > PACK_MAX / 2) {
        codec_dict_destroy(dict);
        return longer;
    }
    struct samples held = samples_held(s);
    held = samples_first(held.bytes, held.lens, held.n, JUDGED_CLOSE);
    size_t before = codec_dict_measure(ctx, CODEC_CLOSE, dict, held.bytes, held.lens, held.n);
    size_t after = codec_dict_measure(ctx, CODEC_CLOSE, longer, held.bytes, held.lens, held.n);
    bool worth = is_worth(how, dict, longer, before, after, held.total);
    codec_dict_destroy(worth ? dict : longer);
    return worth ? longer : dict;
}

/* Those that encoding will call for, so that it is known what the dictionary takes. */
static void make_forms(struct codec_ctx *ctx, struct codec_dict *dict, const struct samples *s)
{
    struct samples few = samples_first(s->bytes, s->lens, FORMED < s->n ? FORMED : s->n, s->total);
    codec_dict_rest(dict);
    codec_dict_measure(ctx, CODEC_CLOSE, dict, few.bytes, few.lens, few.n);
}

struct codec_dict *codec_dict_train(const void *samples, const size_t *lens, unsigned n,
                                    const struct codec_training *how)
{
    struct samples s = samples_first(samples, lens, n, SIZE_MAX);
    if (s.n < SAMPLES_MIN || how->max_len < ZDICT_DICTSIZE_MIN)
        return NULL;
    uint64_t cost = are_long(&s) ? COST_LONG : COST_SHORT;
    uint64_t budget = (uint64_t)how->budget_ms * 1000000 / cost;
    if (budget < s.total)
        s = samples_first(samples, lens, n, (size_t)budget);
    if (s.n < SAMPLES_MIN)
        return NULL;
    uint64_t tries = s.total == 0 ? 1 : budget / s.total;
    struct codec_ctx *ctx = codec_ctx_create();
    struct codec_dict *dict = NULL;
    if (ctx != NULL)
        dict =
            train_any_length(ctx, &s, how, tries < SEGMENT_LENS ? (unsigned)tries : SEGMENT_LENS);
    if (dict != NULL) {
        dict->thorough = dense_form_estimate(dict, DENSE_CLOSE) <= how->tables_max;
        make_forms(ctx, dict, &s);
    }
    codec_ctx_destroy(ctx);
    return dict;
}

size_t codec_dict_measure(struct codec_ctx *ctx, enum codec_effort effort,
                          const struct codec_dict *dict, const void *samples, const size_t *lens,
                          unsigned n)
{
    size_t total = 0;
    uint8_t *out = malloc(CODEC_MAX_RAW);
    const uint8_t *sample = samples;
    for (unsigned i = 0; i < n; i++) {
        enum codec_id id;
        size_t len =
            out ? codec_encode(ctx, effort, dict, sample, lens[i], out, CODEC_MAX_RAW, &id) : 0;
        total += len ? len : lens[i];
        sample += lens[i];
    }
    free(out);
    return total;
}
