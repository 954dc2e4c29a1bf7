#include "latency.h"

#include <string.h>
#include <strings.h>

#include "rank.h"

static const char *const names[LATENCY_EVENTS] = {"command", "fast-command"};

void latency_init(struct latency *l)
{
    lock_init(&l->lock, RANK_LATENCY);
}

const char *latency_name(enum latency_event e)
{
    return names[e];
}

enum latency_event latency_find(const char *name, size_t len)
{
    enum latency_event e = 0;
    while (e < LATENCY_EVENTS && (strlen(names[e]) != len || strncasecmp(names[e], name, len) != 0))
        e++;
    return e;
}

void latency_add(struct latency *l, enum latency_event e, int64_t at_s, int64_t ms)
{
    lock_acquire(&l->lock);
    struct latency_series *s = &l->series[e];
    unsigned last = (s->at + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES;
    if (ms > s->max_ms)
        s->max_ms = ms;
    if (s->count > 0 && s->samples[last].at_s == at_s) {
        if (ms > s->samples[last].ms)
            s->samples[last].ms = ms;
    } else {
        s->samples[s->at] = (struct latency_sample){at_s, ms};
        s->at = (s->at + 1) % LATENCY_SAMPLES;
        s->count += s->count < LATENCY_SAMPLES;
    }
    lock_release(&l->lock);
}

bool latency_read(struct latency *l, enum latency_event e, struct latency_series *copy)
{
    lock_acquire(&l->lock);
    const struct latency_series *s = &l->series[e];
    *copy = (struct latency_series){.count = s->count, .max_ms = s->max_ms};
    for (unsigned i = 0; i < s->count; i++)
        copy->samples[i] = s->samples[(s->at + LATENCY_SAMPLES - s->count + i) % LATENCY_SAMPLES];
    lock_release(&l->lock);
    return copy->count > 0;
}

bool latency_reset(struct latency *l, enum latency_event e)
{
    lock_acquire(&l->lock);
    bool any = l->series[e].count > 0;
    l->series[e] = (struct latency_series){0};
    lock_release(&l->lock);
    return any;
}
