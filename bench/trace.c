#include "trace.h"

#include <math.h>
#include <stdlib.h>

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

/* Shares of the requests, added up rank by rank. NULL when memory is short. */
static double *make_sums(uint32_t keys, double zipf)
{
    double *sum = malloc(keys * sizeof(*sum));
    double total = 0;
    for (uint32_t i = 0; sum != NULL && i < keys; i++)
        sum[i] = total += pow(i + 1.0, -zipf);
    return sum;
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

/* 0..n-1 in random order: popular and scanned keys lie among each other, as hashes do. */
static uint32_t *make_names(uint32_t n, uint64_t *seed)
{
    uint32_t *name = calloc(n, sizeof(*name));
    for (uint32_t i = 0; name != NULL && i < n; i++)
        name[i] = i;
    for (uint32_t i = n; name != NULL && i > 1; i--) {
        uint32_t j = (uint32_t)(random_next(seed) % i), swap = name[i - 1];
        name[i - 1] = name[j];
        name[j] = swap;
    }
    return name;
}

bool trace_make(struct trace *t, uint32_t keys, size_t requests, double zipf, double scan,
                uint64_t seed)
{
    uint32_t scans = (uint32_t)((double)requests * scan * 1.02) + 1000, scanned = 0;
    *t = (struct trace){.requests = requests, .names = (size_t)keys + scans};
    double *sum = make_sums(keys, zipf);
    uint32_t *name = make_names(keys + scans, &seed);
    t->key = malloc(requests * sizeof(*t->key));
    bool ok = sum != NULL && name != NULL && t->key != NULL;
    for (size_t i = 0; ok && i < requests; i++) {
        bool scanning = random_unit(&seed) < scan && scanned < scans;
        uint32_t rank =
            scanning ? keys + scanned++ : rank_of(sum, keys, random_unit(&seed) * sum[keys - 1]);
        t->key[i] = name[rank];
    }
    free(sum);
    free(name);
    if (!ok)
        trace_free(t);
    return ok;
}

void trace_free(struct trace *t)
{
    free(t->key);
    t->key = NULL;
}
