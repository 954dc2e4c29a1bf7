/* The latency monitor: for each kind of event the last spikes over latency-monitor-threshold, at
 * most one a second, as Redis keeps them. Any thread. */
#ifndef SERVER_LATENCY_H
#define SERVER_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

enum latency_event { LATENCY_COMMAND, LATENCY_FAST_COMMAND, LATENCY_EVENTS };

#define LATENCY_SAMPLES 160

struct latency_sample {
    int64_t at_s; /* 0 = none */
    int64_t ms;
};

/* A ring: the oldest at `at` once it is full. */
struct latency_series {
    unsigned at, count;
    int64_t max_ms; /* of all time */
    struct latency_sample samples[LATENCY_SAMPLES];
};

struct latency {
    struct lock lock;
    struct latency_series series[LATENCY_EVENTS]; /* lock */
};

void latency_init(struct latency *l);
/* "command". */
const char *latency_name(enum latency_event e);
/* LATENCY_EVENTS when there is none of that name. */
enum latency_event latency_find(const char *name, size_t len);
void latency_add(struct latency *l, enum latency_event e, int64_t at_s, int64_t ms);
/* A copy, oldest sample first. False when nothing has been sampled. */
bool latency_read(struct latency *l, enum latency_event e, struct latency_series *copy);
/* Whether there was anything. */
bool latency_reset(struct latency *l, enum latency_event e);

#endif
