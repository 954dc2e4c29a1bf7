/* Noticing values that are random or compressed already, without compressing them.
 *
 * Of a sample of n bytes the different values are counted. n random bytes show 256 * (1 -
 * (255/256)^n) of them, 101 of 128 with a standard deviation of 3.7; base64 shows 55, text of any
 * language less. Counting is a store a byte, with no counter to be read back. */
#include "codec/codec.h"

#include <string.h>

enum { PARTS = 8 };

/* Sample, and the different values from which on it looks random: the mean of random bytes less
 * three and a half standard deviations. */
enum { SHORT_SAMPLE = 64, SHORT_LIMIT = 48, LONG_SAMPLE = 128, LONG_LIMIT = 88 };

/* Of 256 bytes that are 0 or 1. Added up as words: a byte of the sum is at most 32. */
static unsigned count_ones(const uint8_t flags[256])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < 256; i += sizeof(sum)) {
        uint64_t word;
        memcpy(&word, flags + i, sizeof(word));
        sum += word;
    }
    /* Pairs of bytes become words of 16 bits, whose total ends up in the highest. */
    uint64_t pairs = (sum & 0x00ff00ff00ff00ffu) + (sum >> 8 & 0x00ff00ff00ff00ffu);
    return (unsigned)(pairs * 0x0001000100010001u >> 48);
}

bool codec_looks_incompressible(const void *src, size_t len)
{
    if (len < SHORT_SAMPLE)
        return false;
    const uint8_t *bytes = src;
    size_t sample = len < LONG_SAMPLE ? SHORT_SAMPLE : LONG_SAMPLE;
    size_t part = sample / PARTS, step = (len - part) / (PARTS - 1);
    uint8_t seen[256];
    memset(seen, 0, sizeof(seen));
    for (size_t p = 0; p < PARTS; p++)
        for (size_t i = 0; i < part; i++)
            seen[bytes[p * step + i]] = 1;
    unsigned different = count_ones(seen);
    return different >= (sample == SHORT_SAMPLE ? SHORT_LIMIT : LONG_LIMIT);
}
