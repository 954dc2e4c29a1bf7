/* How long something took, counted in classes of time. One thread adds, any thread reads.
 *
 *   class: | below 1/16 us | 8 classes for each power of two: the upper edge is at most an eighth
 *          0               1  above the lower                                    HISTOGRAM_CLASSES
 *
 * Times are in ticks of 1/1024 us, since most commands take less than a microsecond. */
#ifndef SERVER_HISTOGRAM_H
#define SERVER_HISTOGRAM_H

#include <stddef.h>

#include "counter.h"

#define TICKS_PER_US      1024
#define HISTOGRAM_CLASSES (28 * 8 + 1) /* the last ends at 16 s and holds all that is longer */

struct histogram {
    counter counts[HISTOGRAM_CLASSES];
};

/* A copy to look at, of one or the sum of several. */
struct histogram_sum {
    uint64_t total;
    uint64_t counts[HISTOGRAM_CLASSES];
};

unsigned histogram_class(uint64_t ticks);
/* The upper edge of a class, in ticks. */
uint64_t histogram_edge(unsigned class);
void histogram_add_to(const struct histogram *h, struct histogram_sum *sum);
void histogram_reset(struct histogram *h);
/* The time that `percent` of all did not exceed, in microseconds. */
double histogram_percentile(const struct histogram_sum *sum, double percent);
/* How many took at most this long. */
uint64_t histogram_up_to(const struct histogram_sum *sum, uint64_t us);

#endif
