/* MEMORY DOCTOR: what holds the memory, and what would help, in plain sentences. */
#ifndef SERVER_MEMORY_DOCTOR_H
#define SERVER_MEMORY_DOCTOR_H

#include <stdint.h>

#include "cache/cache.h"
#include "text.h"
#include "zspool/zspool.h"

struct server;

/* What it judges by. */
struct doctor_facts {
    struct cache_stats cache;
    struct zs_pool_stats pool;
    uint64_t rss, machine; /* bytes; machine = what this process may use at most */
    uint64_t maxmemory;    /* as configured; 0 = no cap */
    uint64_t expiring;     /* keys with an expiry */
    enum cache_policy policy;
    enum cache_compression compression;
    unsigned cpu_percent;
};

void doctor_facts_of(struct server *s, int64_t now_ms, struct doctor_facts *out);
/* One sentence a line: first what is there, then each thing that could be better. */
void doctor_write(const struct doctor_facts *f, struct text *t);

#endif
