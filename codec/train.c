/* Training dictionaries, by the fast-cover trainer of libzstd, and judging them. */
#include "internal.h"

#include <stdlib.h>

#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>

struct codec_dict *codec_dict_train(const void *samples, const size_t *lens, unsigned n,
                                    size_t max_len, unsigned budget_ms)
{
    (void)budget_ms;
    if (max_len > CODEC_DICT_MAX)
        max_len = CODEC_DICT_MAX;
    if (n < 8 || max_len < ZDICT_DICTSIZE_MIN)
        return NULL;
    void *bytes = malloc(max_len);
    if (!bytes)
        return NULL;
    ZDICT_fastCover_params_t params = {.k = 200, .d = 8, .f = 18, .accel = 1};
    size_t len = ZDICT_trainFromBuffer_fastCover(bytes, max_len, samples, lens, n, params);
    struct codec_dict *dict = ZDICT_isError(len) ? NULL : codec_dict_create(bytes, len);
    free(bytes);
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
