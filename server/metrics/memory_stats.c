/* MEMORY STATS: the fields of Redis, with what is true here, and then those of this server. */
#include <malloc.h>
#include <string.h>

#include "info.h"
#include "memory_stats.h"

static void put(struct request *rq, const char *name, uint64_t value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_integer(rq->out, (int64_t)value);
}

static void put_share(struct request *rq, const char *name, double value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_double(rq->out, value);
}

static double ratio(uint64_t a, uint64_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

static void put_data(struct request *rq, const struct cache_stats *s)
{
    uint64_t data = s->stored_bytes + s->key_bytes;
    uint64_t overhead = s->used_memory > data ? s->used_memory - data : 0;
    put(rq, "overhead.total", overhead);
    put(rq, "keys.count", s->items);
    put(rq, "keys.bytes-per-key", s->items == 0 ? 0 : data / s->items);
    put(rq, "dataset.bytes", data);
    put_share(rq, "dataset.percentage", 100 * ratio(data, s->used_memory));
    put_share(rq, "peak.percentage", 100 * ratio(s->used_memory, s->peak_memory));
}

/* Of what is not in the pool. */
static void put_heap(struct request *rq)
{
    struct mallinfo2 heap = mallinfo2();
    uint64_t active = heap.arena + heap.hblkhd, used = heap.uordblks + heap.hblkhd;
    put(rq, "allocator.allocated", used);
    put(rq, "allocator.active", active);
    put(rq, "allocator.resident", active);
    put_share(rq, "allocator-fragmentation.ratio", ratio(active, used));
    put(rq, "allocator-fragmentation.bytes", active - used);
    put_share(rq, "allocator-rss.ratio", 1);
    put(rq, "allocator-rss.bytes", 0);
}

static void put_resident(struct request *rq, const struct cache_stats *s)
{
    uint64_t rss = info_resident_bytes();
    double fragmentation = ratio(rss, s->used_memory);
    put_share(rq, "rss-overhead.ratio", fragmentation);
    put(rq, "rss-overhead.bytes", rss - s->used_memory);
    put_share(rq, "fragmentation", fragmentation);
    put(rq, "fragmentation.bytes", rss - s->used_memory);
    put(rq, "resident.bytes", rss);
}

static void put_pool(struct request *rq, const struct cache_stats *s)
{
    put(rq, "overhead.index", s->index_bytes);
    put(rq, "overhead.ghost", s->ghost_bytes);
    put(rq, "overhead.dictionaries", s->dict_bytes);
    put(rq, "pool.bytes", s->pool_bytes);
    put(rq, "keys.bytes", s->key_bytes);
    put(rq, "dataset.raw-bytes", s->raw_bytes);
    put(rq, "nursery.bytes", s->nursery_bytes);
}

void memory_stats(struct request *rq)
{
    static const char *const none[] = {"replication.backlog", "clients.slaves", "cluster.links",
                                       "aof.buffer", "functions.caches"};
    struct cache_stats s;
    cache_stats(rq->server->cache, &s);
    resp_map(rq->out, 35);
    put(rq, "peak.allocated", s.peak_memory);
    put(rq, "total.allocated", s.used_memory);
    put(rq, "startup.allocated", s.other_bytes);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        put(rq, none[i], 0);
    put(rq, "clients.normal", info_client_bytes(rq->server));
    put(rq, "lua.caches", info_script_bytes(rq->server));
    put_data(rq, &s);
    put_heap(rq);
    put_resident(rq, &s);
    put_pool(rq, &s);
}
