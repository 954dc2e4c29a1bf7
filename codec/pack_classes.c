/* Classes of bytes: what comes after bytes of one class is alike.
 *
 * Found by moving each byte to the class whose literals cost least after it, counting anew, and so
 * on, beginning with classes that suit text. So UTF-8 in any script, UTF-16 and numbers in binary
 * get classes of their own. */
#include "pack.h"

enum { ROUNDS = 6, COST_ONE = 16 }; /* of a bit */

/* 16 times the logarithm to base 2, within half of one. */
static unsigned log2_16(uint32_t n)
{
    unsigned power = 31u - (unsigned)__builtin_clz(n);
    uint32_t rest = power >= 8 ? (n >> (power - 8)) & 0xff : (n << (8 - power)) & 0xff;
    /* log2(1 + x) is x + 0.34 x (1 - x), about. */
    uint32_t bow = rest * (256 - rest) * 87 >> 16;
    return power * COST_ONE + ((rest + bow) * COST_ONE + 128) / 256;
}

static void price(const struct pack_pairs *pairs, const uint8_t class_of[256],
                  uint16_t cost[PACK_CLASSES][256])
{
    uint32_t counts[PACK_CLASSES][256], total[PACK_CLASSES];
    for (unsigned c = 0; c < PACK_CLASSES; c++) {
        total[c] = 256;
        for (unsigned s = 0; s < 256; s++)
            counts[c][s] = 1;
    }
    for (unsigned before = 0; before < 256; before++)
        for (unsigned s = 0; s < 256; s++) {
            counts[class_of[before]][s] += 4 * pairs->n[before][s];
            total[class_of[before]] += 4 * pairs->n[before][s];
        }
    for (unsigned c = 0; c < PACK_CLASSES; c++)
        for (unsigned s = 0; s < 256; s++)
            cost[c][s] = (uint16_t)(log2_16(total[c]) - log2_16(counts[c][s]));
}

static unsigned cheapest(const uint32_t n[256], uint16_t cost[PACK_CLASSES][256], unsigned now)
{
    uint64_t least = UINT64_MAX;
    unsigned best = now;
    for (unsigned k = 0; k < PACK_CLASSES; k++) {
        unsigned c = (now + k) % PACK_CLASSES;
        uint64_t sum = 0;
        for (unsigned s = 0; s < 256; s++)
            sum += (uint64_t)n[s] * cost[c][s];
        if (sum < least) {
            least = sum;
            best = c;
        }
    }
    return best;
}

void pack_classes_learn(const struct pack_pairs *pairs, uint8_t class_of[256])
{
    uint16_t cost[PACK_CLASSES][256];
    for (unsigned round = 0; round < ROUNDS; round++) {
        price(pairs, class_of, cost);
        for (unsigned before = 0; before < 256; before++)
            class_of[before] = (uint8_t)cheapest(pairs->n[before], cost, class_of[before]);
    }
}
