/* trace_sim: misses of eviction policies on one and the same trace. Half of the requests warm the
 * cache, the other half are counted.
 *
 *   trace_sim [keys] [requests] [zipf] [scan percent] [seed]
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace.h"
#include "trace_policies.h"

/* Share of misses in the second half. */
static double run(enum trace_policy p, const struct trace *t, size_t room)
{
    struct trace_cache *c = trace_create(p, room, t->names);
    if (!c)
        return NAN;
    size_t misses = 0, half = t->requests / 2;
    for (size_t i = 0; i < t->requests; i++) {
        bool hit = trace_access(c, t->key[i]);
        misses += !hit && i >= half;
    }
    trace_destroy(c);
    return (double)misses / (double)(t->requests - half);
}

int main(int argc, char **argv)
{
    struct trace t;
    uint32_t keys = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    size_t requests = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000000;
    double zipf = argc > 3 ? strtod(argv[3], NULL) : 0.9;
    double scan = argc > 4 ? strtod(argv[4], NULL) / 100 : 0;
    uint64_t seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;
    if (keys == 0 || requests == 0 || requests > UINT32_MAX / 4 || scan < 0 || scan > 0.9) {
        fprintf(stderr, "usage: trace_sim [keys] [requests] [zipf] [scan percent] [seed]\n");
        return EXIT_FAILURE;
    }
    if (!trace_make(&t, keys, requests, zipf, scan, seed)) {
        fprintf(stderr, "trace_sim: out of memory\n");
        return EXIT_FAILURE;
    }
    printf("keys %" PRIu32 ", requests %zu, zipf %.2f, scan %.0f %%, seed %" PRIu64 "\n", keys,
           requests, zipf, scan * 100, seed);
    printf("%-6s", "room");
    for (int p = 0; p < TRACE_POLICIES; p++)
        printf(" %10s", trace_policy_name((enum trace_policy)p));
    printf("   hash-clock/s3fifo\n");
    static const unsigned percents[] = {1, 5, 10, 20};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double miss[TRACE_POLICIES];
        size_t room = (size_t)keys * percents[i] / 100;
        printf("%3u %% ", percents[i]);
        for (int p = 0; p < TRACE_POLICIES; p++) {
            miss[p] = run((enum trace_policy)p, &t, room ? room : 1);
            printf(" %10.4f", miss[p]);
        }
        printf("   %+.2f %%\n", (miss[TRACE_HASH_CLOCK] / miss[TRACE_S3FIFO] - 1) * 100);
    }
    trace_free(&t);
    return EXIT_SUCCESS;
}
