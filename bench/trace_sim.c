/* trace_sim: misses of eviction policies on one and the same trace.
 *
 * Keys follow Zipf's law; with `scan` a share of the requests walks through keys that nobody asks
 * for again. Half of the requests warm the cache, the other half are counted.
 *
 *   trace_sim [keys] [requests] [zipf] [scan percent] [seed]
 */
#include "trace_policies.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct trace {
    uint32_t keys; /* popular ones; scanned keys come behind them */
    size_t n;
    uint32_t *key;
    size_t scanned;
};

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* The rank whose share of all requests u falls into. */
static uint32_t rank_of(const double *sum, uint32_t n, double u)
{
    uint32_t low = 0, high = n - 1;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (sum[mid] < u)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void shuffle(uint32_t *a, uint32_t n, uint64_t *seed)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)(random_next(seed) % i), swap = a[i - 1];
        a[i - 1] = a[j];
        a[j] = swap;
    }
}

static bool trace_make(struct trace *t, double zipf, double scan, uint64_t seed)
{
    double *sum = malloc(t->keys * sizeof(*sum));
    t->key = malloc(t->n * sizeof(*t->key));
    uint32_t *name = malloc((t->keys + t->n) * sizeof(*name));
    bool ok = sum && t->key && name;
    double total = 0;
    for (uint32_t i = 0; ok && i < t->keys; i++)
        sum[i] = total += pow(i + 1.0, -zipf);
    /* Places of scanned keys are spread among the others, as hashes are. */
    uint32_t scans = (uint32_t)((double)t->n * scan * 1.02) + 1000, places = t->keys + scans;
    for (uint32_t i = 0; ok && i < places; i++)
        name[i] = i;
    if (ok)
        shuffle(name, places, &seed);
    for (size_t i = 0; ok && i < t->n; i++) {
        bool scanning = random_unit(&seed) < scan && t->scanned < scans;
        uint32_t rank = scanning ? t->keys + (uint32_t)t->scanned++
                                 : rank_of(sum, t->keys, random_unit(&seed) * total);
        t->key[i] = name[rank];
    }
    free(sum);
    free(name);
    t->scanned = places;
    return ok;
}

/* Share of misses in the second half. */
static double run(enum trace_policy p, const struct trace *t, size_t room)
{
    struct trace_cache *c = trace_create(p, room, t->scanned);
    if (!c)
        return NAN;
    size_t misses = 0;
    for (size_t i = 0; i < t->n; i++) {
        bool hit = trace_access(c, t->key[i]);
        misses += !hit && i >= t->n / 2;
    }
    trace_destroy(c);
    return (double)misses / (double)(t->n - t->n / 2);
}

int main(int argc, char **argv)
{
    struct trace t = {.keys = 1000000, .n = 10000000};
    double zipf = 0.9, scan = 0;
    uint64_t seed = 1;
    if (argc > 1)
        t.keys = (uint32_t)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        t.n = strtoul(argv[2], NULL, 10);
    if (argc > 3)
        zipf = strtod(argv[3], NULL);
    if (argc > 4)
        scan = strtod(argv[4], NULL) / 100;
    if (argc > 5)
        seed = strtoull(argv[5], NULL, 10);
    if (t.keys == 0 || t.n == 0 || t.n > UINT32_MAX / 4 || scan < 0 || scan > 0.9) {
        fprintf(stderr, "usage: trace_sim [keys] [requests] [zipf] [scan percent] [seed]\n");
        return EXIT_FAILURE;
    }
    if (!trace_make(&t, zipf, scan, seed)) {
        fprintf(stderr, "trace_sim: out of memory\n");
        return EXIT_FAILURE;
    }
    printf("keys %" PRIu32 ", requests %zu, zipf %.2f, scan %.0f %%, seed %" PRIu64 "\n", t.keys,
           t.n, zipf, scan * 100, seed);
    printf("%-6s", "room");
    for (int p = 0; p < TRACE_POLICIES; p++)
        printf(" %10s", trace_policy_name((enum trace_policy)p));
    printf("   hash-clock/s3fifo\n");
    static const unsigned percents[] = {1, 5, 10, 20};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        double miss[TRACE_POLICIES];
        size_t room = (size_t)t.keys * percents[i] / 100;
        printf("%3u %% ", percents[i]);
        for (int p = 0; p < TRACE_POLICIES; p++) {
            miss[p] = run((enum trace_policy)p, &t, room ? room : 1);
            printf(" %10.4f", miss[p]);
        }
        printf("   %+.2f %%\n", (miss[TRACE_HASH_CLOCK] / miss[TRACE_S3FIFO] - 1) * 100);
    }
    free(t.key);
    return EXIT_SUCCESS;
}
