/* trace_cache: misses of the cache itself, and of the textbook's policy with the same room, on one
 * trace of items of one size. Half of the requests warm the cache, the other half are counted.
 *
 *   trace_cache [--policy NAME] [--keys N] [--requests N] [--zipf Z] [--scan PERCENT] [--seed N]
 *               [--value BYTES] [--room MIB] [--pace OPS] [--most PERCENT]
 *
 * The cache runs in a process of its own, which gets the trace through a pipe: its cap is about
 * what the process takes, and the trace is not to count.
 *
 * The default policy is held against S3-FIFO, allkeys-lru against exact LRU. Room: the mean of the
 * items held while it is counted. Values are noise, so that all take the same. --pace: requests a
 * second that the cache believes in. With --most it fails when the cache misses so much more. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "cache/cache.h"
#include "trace.h"
#include "trace_policies.h"

#define BEGIN_MS 1700000000000
/* The keeper's slice comes once in so many ms of the cache's time. */
#define TICK_MS 20

struct setting {
    enum cache_policy policy;
    uint32_t keys;
    size_t requests, value_bytes;
    double zipf, scan, most;
    uint64_t seed, room_bytes, pace;
};

struct result {
    double misses, room;
};

struct run {
    struct cache *cache;
    struct cache_thread *t;
    struct random random;
    uint8_t value[1 << 16];
    int64_t now_ms;
};

/* Read-through: a miss brings the key in. */
static bool ask(struct run *r, uint32_t name, size_t value_bytes)
{
    char text[16];
    struct cache_key k;
    struct cache_view v;
    int len = snprintf(text, sizeof text, "k:%08" PRIx32, name);
    if (!cache_key_init(r->t, &k, 0, text, (size_t)len))
        return false;
    if (cache_get(r->t, &k, CACHE_GET_TOUCH, &v) == CACHE_OK) {
        cache_view_end(r->t, &v);
        return true;
    }
    for (size_t i = 0; i + 8 <= value_bytes; i += 8) {
        uint64_t word = random_next(&r->random);
        memcpy(r->value + i, &word, sizeof word);
    }
    struct cache_source src = {.flat = r->value, .total = value_bytes};
    cache_set(r->t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0);
    return false;
}

static void keep(struct run *r, int64_t now_ms)
{
    cache_exit(r->t);
    r->now_ms = now_ms;
    cache_tick(r->t, now_ms, 5000, true);
    cache_enter(r->t, now_ms);
}

static struct result measure(struct run *r, const struct setting *s, FILE *trace)
{
    size_t half = s->requests / 2;
    size_t misses = 0, ticks = 0;
    double room = 0;
    for (size_t i = 0; i < s->requests; i++) {
        uint32_t name;
        int64_t now_ms = BEGIN_MS + (int64_t)(i * 1000 / s->pace);
        if (now_ms - r->now_ms >= TICK_MS) {
            keep(r, now_ms);
            room += i >= half ? (double)cache_count(r->cache, 0) : 0;
            ticks += i >= half;
        }
        if (fread(&name, sizeof name, 1, trace) != 1)
            break;
        misses += !ask(r, name, s->value_bytes) && i >= half;
    }
    return (struct result){.misses = (double)misses / (double)(s->requests - half),
                           .room = ticks > 0 ? room / (double)ticks : 0};
}

static bool run_cache(const struct setting *s, FILE *trace, struct result *out)
{
    static struct run r = {.random = {.state = 1}, .now_ms = BEGIN_MS};
    struct cache_opts opts = {
        .policy = s->policy, .maxmemory = s->room_bytes, .hash_seed = "trace"};
    r.cache = cache_create(&opts);
    r.t = r.cache == NULL ? NULL : cache_thread_create(r.cache);
    if (r.t == NULL)
        return false;
    cache_enter(r.t, r.now_ms);
    *out = measure(&r, s, trace);
    cache_exit(r.t);
    cache_thread_destroy(r.t);
    cache_destroy(r.cache);
    return true;
}

/* The other process: keys in, the result out. */
static int serve(const struct setting *s, int in, int out)
{
    struct result result;
    FILE *trace = fdopen(in, "rb");
    bool ok = trace != NULL && run_cache(s, trace, &result) &&
              write(out, &result, sizeof result) == (ssize_t)sizeof result;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Starts it. Returns where it takes keys; *out is where its result comes. */
static FILE *start(const struct setting *s, int *out)
{
    int in[2], back[2];
    if (pipe(in) != 0 || pipe(back) != 0)
        return NULL;
    pid_t child = fork();
    if (child == 0) {
        close(in[1]);
        close(back[0]);
        _exit(serve(s, in[0], back[1]));
    }
    close(in[0]);
    close(back[1]);
    *out = back[0];
    return child < 0 ? NULL : fdopen(in[1], "wb");
}

static bool finish(FILE *keys, int from, const struct trace *trace, struct result *out)
{
    bool sent = fwrite(trace->key, sizeof *trace->key, trace->requests, keys) == trace->requests;
    return fclose(keys) == 0 && sent && read(from, out, sizeof *out) == (ssize_t)sizeof *out;
}

static bool run_textbook(enum trace_policy p, const struct trace *trace, size_t room, double *out)
{
    struct trace_cache *c = trace_create(p, room, trace->names);
    if (c == NULL)
        return false;
    size_t misses = 0, half = trace->requests / 2;
    for (size_t i = 0; i < trace->requests; i++) {
        bool hit = trace_access(c, trace->key[i]);
        misses += !hit && i >= half;
    }
    trace_destroy(c);
    *out = (double)misses / (double)(trace->requests - half);
    return true;
}

static bool parse(int argc, char **argv, struct setting *s)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"requests", required_argument, NULL, 'n'},
                                            {"zipf", required_argument, NULL, 'z'},
                                            {"scan", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"value", required_argument, NULL, 'v'},
                                            {"room", required_argument, NULL, 'm'},
                                            {"pace", required_argument, NULL, 't'},
                                            {"most", required_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (optarg == NULL)
            return false;
        uint64_t number = strtoull(optarg, NULL, 10);
        switch (c) {
        case 'p':
            if (!cache_policy_parse(optarg, strlen(optarg), &s->policy))
                return false;
            break;
        case 'k':
            s->keys = (uint32_t)number;
            break;
        case 'n':
            s->requests = number;
            break;
        case 'z':
            s->zipf = strtod(optarg, NULL);
            break;
        case 's':
            s->scan = strtod(optarg, NULL) / 100;
            break;
        case 'r':
            s->seed = number;
            break;
        case 'v':
            s->value_bytes = number;
            break;
        case 'm':
            s->room_bytes = number << 20;
            break;
        case 't':
            s->pace = number;
            break;
        case 'x':
            s->most = strtod(optarg, NULL);
            break;
        default:
            return false;
        }
    }
    return optind == argc && s->keys > 0 && s->requests > 0 && s->requests < UINT32_MAX / 4 &&
           s->scan >= 0 && s->scan <= 0.9 && s->value_bytes <= sizeof((struct run *)NULL)->value &&
           s->pace > 0 && (s->policy == CACHE_ALLKEYS_S3FIFO || s->policy == CACHE_ALLKEYS_LRU);
}

int main(int argc, char **argv)
{
    struct setting s = {.keys = 500000,
                        .requests = 5000000,
                        .value_bytes = 200,
                        .zipf = 0.9,
                        .seed = 1,
                        .room_bytes = (uint64_t)24 << 20,
                        .pace = 100000};
    struct trace trace;
    struct result got;
    double textbook;
    if (!parse(argc, argv, &s)) {
        fprintf(stderr, "trace_cache: see the head of bench/trace_cache.c\n");
        return 2;
    }
    enum trace_policy rival = s.policy == CACHE_ALLKEYS_LRU ? TRACE_LRU : TRACE_S3FIFO;
    int back;
    FILE *keys = start(&s, &back);
    if (keys == NULL || !trace_make(&trace, s.keys, s.requests, s.zipf, s.scan, s.seed) ||
        !finish(keys, back, &trace, &got) ||
        !run_textbook(rival, &trace, got.room < 1 ? 1 : (size_t)got.room, &textbook)) {
        fprintf(stderr, "trace_cache: out of memory, or the cache failed\n");
        return EXIT_FAILURE;
    }
    double more = (got.misses / textbook - 1) * 100;
    printf("keys %" PRIu32
           ", requests %zu, zipf %.2f, scan %.0f %%, room for %.0f: misses %.4f, %s "
           "%.4f, %+.2f %%\n",
           s.keys, s.requests, s.zipf, s.scan * 100, got.room, got.misses, trace_policy_name(rival),
           textbook, more);
    trace_free(&trace);
    return s.most != 0 && more > s.most ? EXIT_FAILURE : EXIT_SUCCESS;
}
