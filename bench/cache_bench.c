/* Times the cache without a server: nanoseconds of CPU per operation and bytes of RSS per item.
 *
 * usage: cache_bench [items [value bytes]] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "cache/cache.h"

#define SMALL 4000 /* so many items stay in the processor's cache */

struct bench {
    struct cache *cache;
    struct cache_thread *t;
    struct random random;
    char value[1 << 16];
    size_t len;
};

static size_t resident(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    char *end = text;
    if (n > 0)
        strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static void make_value(struct bench *b, unsigned n)
{
    int at = snprintf(
        b->value, sizeof b->value,
        "{\"id\":%u,\"name\":\"city%u\",\"country\":\"%u\",\"lat\":%u.%u,\"population\":%llu}", n,
        n % 977, n % 200, n % 90, n % 10000,
        (unsigned long long)(random_next(&b->random) % 10000000));
    for (size_t i = (size_t)at; i < b->len; i++)
        b->value[i] = (char)('a' + (random_next(&b->random) >> 60));
}

static bool key_of(struct bench *b, unsigned n, char text[32], struct cache_key *k)
{
    int len = snprintf(text, 32, "obj:%u", n);
    return cache_key_init(b->t, k, 0, text, (size_t)len);
}

static void fill(struct bench *b, unsigned items)
{
    for (unsigned n = 0; n < items; n++) {
        char text[32];
        struct cache_key k;
        make_value(b, n);
        struct cache_source src = {.flat = b->value, .total = b->len};
        if (key_of(b, n, text, &k))
            cache_set(b->t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0);
    }
}

enum what { KEYS_ALONE, GETS, SETS };

static double timed(struct bench *b, unsigned items, enum what what)
{
    enum { OPS = 1000000 };
    char out[1 << 16];
    char text[32];
    struct cache_key k;
    struct cache_source src = {.flat = b->value, .total = b->len};
    int64_t begin = clock_thread_cpu_us();
    for (unsigned i = 0; i < OPS; i++) {
        struct cache_view v;
        key_of(b, random_below(&b->random, items), text, &k);
        if (what == SETS) {
            cache_set(b->t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0);
        } else if (what == GETS && cache_get(b->t, &k, CACHE_GET_TOUCH, &v) == CACHE_OK) {
            cache_view_read(b->t, &v, 0, v.raw_len, out);
            cache_view_end(b->t, &v);
        }
    }
    return (double)(clock_thread_cpu_us() - begin) * 1000 / OPS;
}

static void report(struct bench *b, unsigned items, const char *name)
{
    double key = timed(b, items, KEYS_ALONE);
    double get = timed(b, items, GETS) - key;
    double set = timed(b, items, SETS) - key;
    printf("%-22s %9u items   GET %6.0f ns   SET %6.0f ns   (making a key %.0f ns)\n", name, items,
           get, set, key);
}

/* What the keeper does, until it has nothing left but resting. */
static void settle(struct bench *b, int64_t *now, int64_t forward_ms)
{
    int64_t until = *now + forward_ms;
    cache_exit(b->t);
    while (*now < until) {
        *now += 100;
        while (cache_tick(b->t, *now, 100000, false) == 0)
            continue;
    }
    cache_enter(b->t, *now);
}

static void memory(struct bench *b, unsigned items, size_t base, const char *name)
{
    struct cache_stats s;
    cache_stats(b->cache, &s);
    double n = (double)items;
    double rss = (double)(resident() - base) / n;
    double payload = (double)(s.key_bytes + s.stored_bytes) / n;
    printf(
        "%-22s RSS %6.1f B/item   key and stored %6.1f   overhead %5.1f   pool %6.1f   index %4.1f"
        "   dicts %llu (%llu KiB)\n",
        name, rss, payload, rss - payload, (double)s.pool_bytes / n, (double)s.index_bytes / n,
        (unsigned long long)s.dicts, (unsigned long long)s.dict_bytes >> 10);
}

static bool begin(struct bench *b, enum cache_compression compression)
{
    struct cache_opts opts = {.compression = compression};
    b->cache = cache_create(&opts);
    b->t = b->cache == NULL ? NULL : cache_thread_create(b->cache);
    return b->t != NULL;
}

static void end(struct bench *b)
{
    cache_exit(b->t);
    cache_thread_destroy(b->t);
    cache_destroy(b->cache);
}

int main(int argc, char **argv)
{
    static struct bench b = {.random = {.state = 1}};
    unsigned items = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    int64_t now = clock_wall_ms();
    b.len = argc > 2 ? strtoul(argv[2], NULL, 10) : 99;
    if (items == 0 || b.len > sizeof b.value || !begin(&b, CACHE_UNCOMPRESSED))
        return 1;
    cache_enter(b.t, now);
    fill(&b, SMALL);
    report(&b, SMALL, "raw, small");
    size_t base = resident();
    fill(&b, items);
    memory(&b, items, base, "raw");
    report(&b, items, "raw");
    end(&b);

    if (!begin(&b, CACHE_ADAPTIVE))
        return 1;
    cache_enter(b.t, now);
    base = resident();
    fill(&b, items);
    settle(&b, &now, 10000);
    memory(&b, items, base, "adaptive, 10 s");
    settle(&b, &now, 60000);
    memory(&b, items, base, "adaptive, 70 s");
    report(&b, items, "adaptive, settled");
    end(&b);
    return 0;
}
