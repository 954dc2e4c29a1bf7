/* Zipf numbers come from rejection-inversion (W. Hoermann and G. Derflinger, 1996): constant time
 * for any number of keys and any exponent, and no table. */
#include <math.h>
#include <stdlib.h>

#include "load.h"

struct zipf {
    double alpha, count, h_first, h_last, shift;
};

/* xorshift64*: quick, and good enough for load. The state must not be 0. */
uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Du;
}

static double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) * 0x1p-53;
}

/* log1p(x)/x and expm1(x)/x, also near 0. */
static double log_ratio(double x)
{
    return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x * (0.5 - x / 3);
}

static double exp_ratio(double x)
{
    return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x * 0.5 * (1 + x / 3);
}

static double zipf_integral(const struct zipf *zipf, double x)
{
    double log_x = log(x);
    return exp_ratio((1 - zipf->alpha) * log_x) * log_x;
}

static double zipf_integral_inverse(const struct zipf *zipf, double x)
{
    double t = x * (1 - zipf->alpha);
    return exp(log_ratio(t < -1 ? -1 : t) * x);
}

static void zipf_init(struct zipf *zipf, uint32_t count, double alpha)
{
    zipf->alpha = alpha;
    zipf->count = count;
    zipf->h_first = zipf_integral(zipf, 1.5) - 1;
    zipf->h_last = zipf_integral(zipf, (double)count + 0.5);
    zipf->shift = 2 - zipf_integral_inverse(zipf, zipf_integral(zipf, 2.5) - pow(2, -alpha));
}

/* A rank of 1..count. */
static double zipf_rank(const struct zipf *zipf, uint64_t *state)
{
    for (;;) {
        double u = zipf->h_last + random_unit(state) * (zipf->h_first - zipf->h_last);
        double x = zipf_integral_inverse(zipf, u);
        double rank = floor(x + 0.5);
        rank = rank < 1 ? 1 : rank > zipf->count ? zipf->count : rank;
        if (rank - x <= zipf->shift ||
            u >= zipf_integral(zipf, rank + 0.5) - exp(-log(rank) * zipf->alpha))
            return rank;
    }
}

/* Spreads ranks over the key numbers, one to one: the prime does not divide a count below it. */
static uint32_t scatter(uint64_t rank, uint32_t count)
{
    return (uint32_t)(rank * 2654435761u % count);
}

bool keys_draw(struct keys *keys, enum key_order order, uint32_t count, size_t length, double alpha,
               uint64_t seed)
{
    uint64_t state = seed ? seed : 1;
    struct zipf zipf;

    *keys = (struct keys){.sequence = calloc(length, sizeof(uint32_t)), .length = length};
    if (!keys->sequence)
        return false;
    zipf_init(&zipf, count, alpha);
    for (size_t i = 0; i < length; i++) {
        if (order == KEYS_SEQUENTIAL)
            keys->sequence[i] = (uint32_t)(i % count);
        else if (order == KEYS_UNIFORM)
            keys->sequence[i] = (uint32_t)(random_next(&state) % count);
        else
            keys->sequence[i] = scatter((uint64_t)zipf_rank(&zipf, &state), count);
    }
    return true;
}

uint32_t keys_next(struct keys *keys)
{
    uint32_t key = keys->sequence[keys->next];
    if (++keys->next == keys->length)
        keys->next = 0;
    return key;
}

void keys_free(struct keys *keys)
{
    free(keys->sequence);
    *keys = (struct keys){0};
}
