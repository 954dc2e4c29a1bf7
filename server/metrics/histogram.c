#include "histogram.h"

#define FIRST_SHIFT 6 /* class 1 begins at 2^6 ticks */
#define SUB_SHIFT   3 /* 8 classes for each power of two */

unsigned histogram_class(uint64_t ticks)
{
    if (ticks < 1u << FIRST_SHIFT)
        return 0;
    unsigned octave = 63 - (unsigned)__builtin_clzll(ticks);
    unsigned part = (unsigned)(ticks >> (octave - SUB_SHIFT)) & ((1u << SUB_SHIFT) - 1);
    unsigned class = 1 + ((octave - FIRST_SHIFT) << SUB_SHIFT) + part;
    return class < HISTOGRAM_CLASSES ? class : HISTOGRAM_CLASSES - 1;
}

uint64_t histogram_edge(unsigned class)
{
    if (class == 0)
        return 1u << FIRST_SHIFT;
    unsigned octave = FIRST_SHIFT + ((class - 1) >> SUB_SHIFT);
    uint64_t part = (class - 1) & ((1u << SUB_SHIFT) - 1);
    return ((1u << SUB_SHIFT) + part + 1) << (octave - SUB_SHIFT);
}

void histogram_add_to(const struct histogram *h, struct histogram_sum *sum)
{
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++) {
        uint64_t n = counter_get(&h->counts[i]);
        sum->counts[i] += n;
        sum->total += n;
    }
}

void histogram_reset(struct histogram *h)
{
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++)
        counter_set(&h->counts[i], 0);
}

double histogram_percentile(const struct histogram_sum *sum, double percent)
{
    double wanted = percent / 100 * (double)sum->total;
    uint64_t seen = 0;
    unsigned i = 0;
    for (; i < HISTOGRAM_CLASSES - 1; i++) {
        seen += sum->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            break;
    }
    return (double)histogram_edge(i) / TICKS_PER_US;
}

uint64_t histogram_up_to(const struct histogram_sum *sum, uint64_t us)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < HISTOGRAM_CLASSES && histogram_edge(i) <= us * TICKS_PER_US; i++)
        n += sum->counts[i];
    return n;
}
