/* What zspool makes of given values: bytes of pages for bytes asked, and nanoseconds an operation.
 *
 *   zspool_bench [-c CHAIN_PAGES] [FILE...]
 *
 * FILE: values one a line; "-" for standard input. Each is stored with the 16 bytes that a cache
 * adds, until 64 MiB are asked for: once as it is, once shrunken as LZ4 with a dictionary shrinks
 * it (to 30 to 60 %). `settled`: after freeing a third at random and compacting. `all`: handle
 * table and descriptors counted too. Times are processor time. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "zspool/zspool.h"

#define FILL_BYTES ((size_t)64 << 20)
#define ITEM_BYTES 16
#define OBJECTS    1000000u
#define SMALL      112u
#define OPS        4000000u

static unsigned chain_pages;

static void *must(void *p)
{
    if (p == NULL) {
        perror("zspool_bench");
        exit(EXIT_FAILURE);
    }
    return p;
}

static struct zs_pool *new_pool(void)
{
    return must(zs_create_pool(&(struct zs_pool_opts){.chain_pages = chain_pages}));
}

static zs_handle allocate(struct zs_pool *pool, size_t size)
{
    zs_handle handle = 0;
    if (zs_malloc(pool, size, &handle) != ZS_OK) {
        fprintf(stderr, "zspool_bench: no memory\n");
        exit(EXIT_FAILURE);
    }
    return handle;
}

/* ---- density ---- */

struct sizes {
    uint32_t *size;
    size_t n, room;
};

static void add_size(struct sizes *s, size_t size)
{
    if (s->n == s->room) {
        s->room = s->room != 0 ? s->room * 2 : 1024;
        s->size = must(realloc(s->size, s->room * sizeof *s->size));
    }
    s->size[s->n++] = (uint32_t)(size < ZS_MAX_ALLOC_SIZE ? size : ZS_MAX_ALLOC_SIZE);
}

static void read_sizes(struct sizes *s, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : must(fopen(path, "r"));
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, file)) > 0;)
        add_size(s, (size_t)len - 1 + ITEM_BYTES);
    free(line);
    if (file != stdin)
        fclose(file);
}

struct density {
    double filled, settled, all;
};

static double pages_over(const struct zs_pool *pool, size_t asked)
{
    return (double)(zs_get_total_pages(pool) * ZS_PAGE_SIZE) / (double)asked;
}

static struct density measure_density(const struct sizes *s, size_t fill)
{
    struct zs_pool *pool = new_pool();
    struct random random = {1};
    struct density d;
    zs_handle *handle = NULL;
    size_t n = 0;
    size_t room = 0;
    size_t asked = 0;
    for (; asked < fill; n++) {
        if (n == room)
            handle = must(realloc(handle, (room = room * 2 + 1024) * sizeof *handle));
        handle[n] = allocate(pool, s->size[n % s->n]);
        asked += s->size[n % s->n];
    }
    d.filled = pages_over(pool, asked);
    for (size_t i = 0; i < n; i++) {
        if (random_below(&random, 3) == 0) {
            zs_free(pool, handle[i]);
            handle[i] = 0;
            asked -= s->size[i % s->n];
        }
    }
    zs_compact(pool, (struct zs_budget){0});
    zs_trim(pool, 0);
    d.settled = pages_over(pool, asked);
    d.all = (double)zs_resident_bytes(pool) / (double)asked;
    zs_destroy_pool(pool, NULL);
    free(handle);
    return d;
}

static void print_density(const char *name, const struct sizes *s, size_t fill)
{
    if (s->n == 0)
        return;
    struct density d = measure_density(s, fill);
    printf("%-40s %8.4f %8.4f %8.4f\n", name, d.filled, d.settled, d.all);
}

static void measure_file(const char *path)
{
    struct sizes raw = {0};
    struct sizes shrunken = {0};
    struct random random = {7};
    read_sizes(&raw, path);
    for (size_t i = 0; i < raw.n; i++)
        add_size(&shrunken, ITEM_BYTES + (raw.size[i] - ITEM_BYTES) *
                                             (size_t)(300 + random_below(&random, 300)) / 1000);
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    char label[128];
    snprintf(label, sizeof label, "%.100s", name);
    print_density(label, &raw, FILL_BYTES);
    snprintf(label, sizeof label, "%.100s, shrunken", name);
    print_density(label, &shrunken, FILL_BYTES);
    free(raw.size);
    free(shrunken.size);
}

static void measure_uniform(size_t from, size_t to, size_t fill)
{
    struct sizes s = {0};
    struct random random = {3};
    char label[64];
    for (int i = 0; i < 200000; i++)
        add_size(&s, from + random_below(&random, (uint32_t)(to - from + 1)));
    snprintf(label, sizeof label, "uniform %zu to %zu, %zu MiB", from, to, fill >> 20);
    print_density(label, &s, fill);
    free(s.size);
}

/* One object in each class, as large as it takes. */
static void measure_slack(void)
{
    struct zs_pool *pool = new_pool();
    size_t asked = 0;
    for (size_t size = 1; size <= ZS_MAX_ALLOC_SIZE; size++) {
        if (size < ZS_MAX_ALLOC_SIZE &&
            zs_lookup_class_index(pool, size) == zs_lookup_class_index(pool, size + 1))
            continue;
        allocate(pool, size);
        asked += size;
    }
    printf("slack with one object in each of %u classes: %.2f MiB\n", zs_class_count(pool),
           (double)(zs_get_total_pages(pool) * ZS_PAGE_SIZE - asked) / 1048576);
    zs_destroy_pool(pool, NULL);
}

/* ---- time ---- */

struct timing {
    struct zs_pool *pool;
    zs_handle *handle;
    uint32_t *order;
    int64_t since;
    uint64_t sum; /* what was read, so that it is read */
};

static void begin(struct timing *t)
{
    t->since = clock_thread_cpu_us();
}

static void end(const struct timing *t, const char *what, size_t ops)
{
    printf("%-40s %8.1f ns\n", what,
           (double)(clock_thread_cpu_us() - t->since) * 1000 / (double)ops);
}

static void shuffle(uint32_t *order, uint32_t n)
{
    struct random random = {5};
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = random_below(&random, i);
        uint32_t was = order[i - 1];
        order[i - 1] = order[k];
        order[k] = was;
    }
}

static void time_pairs(struct timing *t, const char *what)
{
    begin(t);
    for (uint32_t i = 0; i < OPS; i++)
        zs_free(t->pool, allocate(t->pool, SMALL));
    end(t, what, OPS);
}

static void time_maps(struct timing *t, const char *what, uint32_t distinct, uint32_t ahead)
{
    begin(t);
    for (uint32_t i = 0; i < OPS; i++) {
        struct zs_map map;
        uint8_t buf[SMALL];
        if (ahead > 0)
            zs_prefetch(t->pool, t->handle[t->order[(i + ahead) % distinct]]);
        const uint64_t *p =
            zs_map_object(t->pool, t->handle[t->order[i % distinct]], ZS_MM_RO, SMALL, buf, &map);
        t->sum += *p;
        zs_unmap_object(t->pool, &map);
    }
    end(t, what, OPS);
}

static void time_replacing(struct timing *t)
{
    begin(t);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        zs_handle *h = &t->handle[t->order[i]];
        zs_free(t->pool, *h);
        *h = allocate(t->pool, SMALL);
    }
    end(t, "free + malloc, random among a million", OBJECTS);
}

static void time_compaction(struct timing *t)
{
    for (uint32_t i = 0; i < OBJECTS / 2; i++)
        zs_free(t->pool, t->handle[t->order[i]]);
    begin(t);
    struct zs_compact_result r = zs_compact(t->pool, (struct zs_budget){0});
    if (r.objects_moved > 0)
        end(t, "compaction, an object of 112 bytes", r.objects_moved);
}

static void measure_times(void)
{
    struct timing t = {.pool = new_pool()};
    t.handle = must(calloc(OBJECTS, sizeof *t.handle));
    t.order = must(calloc(OBJECTS, sizeof *t.order));
    time_pairs(&t, "malloc + free in an empty class");
    begin(&t);
    for (uint32_t i = 0; i < OBJECTS; i++)
        t.handle[i] = allocate(t.pool, SMALL);
    end(&t, "malloc, a million, of fresh memory", OBJECTS);
    time_pairs(&t, "malloc + free in a class in use");
    shuffle(t.order, OBJECTS);
    time_maps(&t, "map + read + unmap, hot", 64, 0);
    time_maps(&t, "map + read + unmap, among 10,000", 10000, 0);
    time_maps(&t, "map + read + unmap, among a million", OBJECTS, 0);
    time_maps(&t, "the same, prefetched by eight", OBJECTS, 8);
    time_replacing(&t);
    time_compaction(&t);
    zs_destroy_pool(t.pool, NULL);
    free(t.handle);
    free(t.order);
}

static void *churn(void *arg)
{
    struct zs_pool *pool = arg;
    zs_handle handle[64] = {0};
    struct random random = {(uintptr_t)&random};
    for (uint32_t i = 0; i < OPS; i++) {
        zs_handle *h = &handle[random_below(&random, 64)];
        zs_free(pool, *h);
        *h = allocate(pool, SMALL);
    }
    for (unsigned i = 0; i < 64; i++)
        zs_free(pool, handle[i]);
    return NULL;
}

static void measure_threads(void)
{
    struct zs_pool *pool = new_pool();
    pthread_t other;
    int64_t since = clock_mono_us();
    if (pthread_create(&other, NULL, churn, pool) != 0)
        return;
    churn(pool);
    pthread_join(other, NULL);
    printf("%-40s %8.1f ns of wall time\n", "free + malloc, two threads in one class",
           (double)(clock_mono_us() - since) * 1000 / (2.0 * OPS));
    zs_destroy_pool(pool, NULL);
}

int main(int argc, char **argv)
{
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        chain_pages = (unsigned)strtoul(argv[2], NULL, 10);
        first = 3;
    }
    printf("%-40s %8s %8s %8s\n", "bytes of pages / bytes asked", "filled", "settled", "all");
    for (int i = first; i < argc; i++)
        measure_file(argv[i]);
    measure_uniform(64, 16384, (size_t)256 << 20);
    measure_uniform(64, 16384, (size_t)64 << 20);
    measure_uniform(32, 512, FILL_BYTES);
    measure_uniform(16384, 65536, (size_t)256 << 20);
    measure_slack();
    measure_times();
    measure_threads();
    return EXIT_SUCCESS;
}
