/* The keeper: a thread that gives the cache slices of time for its background work. */
#ifndef SERVER_KEEPER_H
#define SERVER_KEEPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics/counter.h"

struct server;
struct cache_thread;

#define RATE_SAMPLES 16

/* What is known of the last seconds, for instantaneous_* of INFO: a ring of samples of 100 ms. */
struct rates {
    uint64_t ops[RATE_SAMPLES], in[RATE_SAMPLES], out[RATE_SAMPLES];
    uint64_t last_ops, last_in, last_out;
    int64_t last_us;
    unsigned at;
    counter ops_per_s, in_per_s, out_per_s;
};

/* Commands that may still come without making the cache busy. */
struct trickle {
    uint64_t commands; /* that there had been at last_us */
    int64_t last_us;
    double credit;
};

struct keeper {
    struct server *server;
    pthread_t thread;
    bool started;
    struct cache_thread *cache;
    int wake_fd;
    _Atomic bool stop;
    uint64_t rest; /* cache_rest() at the last look */
    struct rates rates;
    struct trickle trickle;
};

bool keeper_start(struct keeper *k, struct server *s);
/* Waits for its end. */
void keeper_stop(struct keeper *k);

#endif
