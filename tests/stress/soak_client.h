/* A client of the soak test: pipelines of random commands on keys of its own, every reply of which
 * is held against what it knows. */
#ifndef STRESS_SOAK_CLIENT_H
#define STRESS_SOAK_CLIENT_H

#include <stdatomic.h>

#include "harness.h"
#include "soak_model.h"

#define SOAK_KEYS   1500
#define SOAK_HASHES 8 /* the last keys are fields of so many hashes */
#define SOAK_FIELDS 25

struct soak_client {
    const struct instance *server;
    const atomic_bool *stop;
    unsigned id;
    uint64_t random, seeds;
    unsigned long replies, values, refused, reconnects, broken;
    struct soak_slot slot[SOAK_KEYS + SOAK_HASHES * SOAK_FIELDS];
    char value[SOAK_LONGEST], scratch[SOAK_LONGEST];
};

/* Until it is to stop, or something was wrong (which is printed and counted in `broken`). The
 * argument is a soak_client. */
void *soak_client_run(void *arg);

#endif
