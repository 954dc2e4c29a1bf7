#include "soak_model.h"

#include <stdio.h>
#include <string.h>

uint64_t soak_mix(uint64_t seed)
{
    seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
    return seed ^ seed >> 31;
}

/* Mostly short, now and then very long. */
size_t soak_length(uint64_t seed)
{
    uint64_t r = soak_mix(seed ^ 0x5bd1e995), kind = r % 100;
    size_t most = kind < 60 ? 300 : kind < 85 ? 4096 : kind < 97 ? 65536 : SOAK_LONGEST;
    return (size_t)((r >> 8) % (most + 1));
}

static void fill_noise(uint64_t seed, char *out, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = seed = seed * 6364136223846793005u + 1442695040888963407u;
        word ^= word >> 29;
        memcpy(out + i, &word, len - i < 8 ? len - i : 8);
    }
}

static void fill_records(uint64_t seed, char *out, size_t len)
{
    char record[160];
    for (size_t i = 0; i < len;) {
        uint64_t r = seed = seed * 6364136223846793005u + 1442695040888963407u;
        int n = snprintf(record, sizeof record,
                         "{\"id\":%u,\"state\":\"%s\",\"price\":%u.%02u,\"tags\":[\"t%u\",\"x\"]},",
                         (unsigned)(r >> 40), r >> 33 & 1 ? "open" : "closed", (unsigned)(r >> 50),
                         (unsigned)(r >> 20) % 100, (unsigned)(r >> 60));
        size_t part = len - i < (size_t)n ? len - i : (size_t)n;
        memcpy(out + i, record, part);
        i += part;
    }
}

size_t soak_value(uint64_t seed, char *out)
{
    char head[24];
    size_t len = soak_length(seed);
    (void)snprintf(head, sizeof head, "%016llx|", (unsigned long long)seed);
    size_t part = len < strlen(head) ? len : strlen(head);
    memcpy(out, head, part);
    switch (seed % 4) {
    case 0:
        fill_noise(seed, out + part, len - part);
        break;
    case 1:
        memset(out + part, (int)(seed >> 8 & 0xff), len - part);
        break;
    default:
        fill_records(seed, out + part, len - part);
    }
    return len;
}

void soak_wrote(struct soak_slot *s, uint64_t seed, int64_t gone_by_ms)
{
    *s = (struct soak_slot){.seed = {seed, seed}, .gone_by_ms = gone_by_ms};
}

void soak_may_have_written(struct soak_slot *s, uint64_t seed)
{
    s->any = s->any || (s->seed[0] != s->seed[1] && s->seed[1] != seed);
    s->seed[1] = seed;
    s->gone_by_ms = INT64_MAX;
}

bool soak_may_read(const struct soak_slot *s, const char *got, size_t len, size_t off, size_t most,
                   int64_t sent_ms, char *scratch)
{
    if (sent_ms > s->gone_by_ms)
        return false;
    if (s->any)
        return true;
    for (unsigned i = 0; i < 2; i++) {
        if (s->seed[i] == 0)
            continue;
        size_t whole = soak_value(s->seed[i], scratch), from = off < whole ? off : whole;
        size_t there = whole - from < most ? whole - from : most;
        if (there == len && memcmp(scratch + from, got, len) == 0)
            return true;
    }
    return false;
}

bool soak_may_measure(const struct soak_slot *s, size_t len, int64_t sent_ms)
{
    if (len == 0 || s->any)
        return true;
    bool known = (s->seed[0] != 0 && soak_length(s->seed[0]) == len) ||
                 (s->seed[1] != 0 && soak_length(s->seed[1]) == len);
    return known && sent_ms <= s->gone_by_ms;
}
