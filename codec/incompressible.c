/* Noticing values that are random or compressed already, without compressing them. */
#include "codec/codec.h"

/* Text of any kind uses few byte values; among random bytes few are alike. A sample of n bytes is
 * counted as pairs of equal values: sum over all values of count * (count - 1) / 2, for which
 * random bytes give n * (n - 1) / 2 / 256, and base64 four times as much. */
enum { SAMPLE_MAX = 256, SAMPLE_MIN = 64, PARTS = 4 };

bool codec_looks_incompressible(const void *src, size_t len)
{
    if (len < SAMPLE_MIN)
        return false;
    const uint8_t *bytes = src;
    size_t n = len < SAMPLE_MAX ? len / PARTS * PARTS : SAMPLE_MAX;
    size_t part = n / PARTS, step = (len - part) / (PARTS - 1);
    uint8_t counts[256] = {0};
    unsigned pairs = 0;
    for (size_t p = 0; p < PARTS; p++) {
        const uint8_t *at = bytes + p * step;
        for (size_t i = 0; i < part; i++)
            pairs += counts[at[i]]++;
    }
    /* Twice what random bytes give, and a little for the spread of short samples. */
    return pairs <= n * (n - 1) / 256 + 8;
}
