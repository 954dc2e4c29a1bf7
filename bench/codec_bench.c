/* What the codec makes of given values: bytes, time to encode, time to decode.
 *
 *   codec_bench [-d DICT_BYTES] [-s SAMPLE_BYTES] FILE...
 *
 * FILE: values one a line; "-" for standard input; of a folder, each file is a value, cut into
 * segments of 16 KiB. A dictionary is trained on a random two thirds (at most SAMPLE_BYTES) and
 * everything is measured on the rest. Times are processor time; p50 and p99 of decoding include
 * about 20 ns of reading the clock. */
#include "base/clock.h"
#include "base/random.h"
#include "codec/codec.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SEGMENT = 16 << 10,
    MEASURED_MAX = 20000,
    MEASURED_BYTES = 16 << 20,
    ROUNDS = 3,
    REPEAT = 8
};

struct value {
    const uint8_t *bytes;
    size_t len;
};

struct values {
    struct value *v;
    size_t n, room;
};

static void *must(void *p)
{
    if (!p) {
        perror("codec_bench");
        exit(1);
    }
    return p;
}

static void add(struct values *all, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += SEGMENT) {
        if (all->n == all->room) {
            all->room = all->room ? all->room * 2 : 1024;
            all->v = must(realloc(all->v, all->room * sizeof(*all->v)));
        }
        all->v[all->n++] = (struct value){bytes + at, len - at < SEGMENT ? len - at : SEGMENT};
    }
}

/* The bytes stay until the end of the program. */
static uint8_t *read_all(FILE *file, size_t *len)
{
    uint8_t *bytes = NULL;
    size_t room = 0, n;
    *len = 0;
    do {
        if (*len == room) {
            room = room ? room * 2 : 1 << 16;
            bytes = must(realloc(bytes, room));
        }
        n = fread(bytes + *len, 1, room - *len, file);
        *len += n;
    } while (n > 0);
    return bytes;
}

static void add_lines(struct values *all, FILE *file)
{
    size_t len, start = 0;
    const uint8_t *bytes = read_all(file, &len);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n')
            continue;
        add(all, bytes + start, i - start);
        start = i + 1;
    }
}

static void add_folder(struct values *all, const char *folder)
{
    DIR *dir = must(opendir(folder));
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        struct stat st;
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        FILE *file = must(fopen(path, "rb"));
        size_t len;
        const uint8_t *bytes = read_all(file, &len);
        add(all, bytes, len);
        fclose(file);
    }
    closedir(dir);
}

static void add_path(struct values *all, const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0) {
        add_lines(all, stdin);
    } else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        add_folder(all, path);
    } else {
        FILE *file = must(fopen(path, "rb"));
        add_lines(all, file);
        fclose(file);
    }
}

static void shuffle(struct values *all)
{
    struct random r = {1};
    for (size_t i = all->n; i > 1; i--) {
        size_t j = random_below(&r, (uint32_t)i);
        struct value v = all->v[i - 1];
        all->v[i - 1] = all->v[j];
        all->v[j] = v;
    }
}

/* Trains on the first values; *used tells how many. */
static struct codec_dict *train(const struct values *all, size_t dict_len, size_t sample_bytes,
                                size_t *used)
{
    uint8_t *samples = must(malloc(sample_bytes + SEGMENT));
    size_t *lens = must(calloc(all->n + 1, sizeof(*lens)));
    size_t total = 0, n = 0;
    for (; n < all->n * 2 / 3 && total < sample_bytes; n++) {
        memcpy(samples + total, all->v[n].bytes, all->v[n].len);
        total += lens[n] = all->v[n].len;
    }
    int64_t before = clock_thread_cpu_us();
    struct codec_dict *dict = codec_dict_train(
        samples, lens, (unsigned)n, &(struct codec_training){dict_len, 1000, total * 16, SIZE_MAX});
    printf("trained on %zu values, %zu bytes, in %.0f ms: ", n, total,
           (double)(clock_thread_cpu_us() - before) / 1000);
    if (dict)
        printf("%zu bytes, with prepared forms %zu\n", codec_dict_len(dict),
               codec_dict_bytes(dict));
    else
        printf("nothing\n");
    free(samples);
    free(lens);
    *used = n;
    return dict;
}

struct coded {
    uint8_t *bytes;
    size_t len;
    enum codec_id id;
};

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What is measured: some values under one effort and dictionary. */
struct run {
    struct codec_ctx *ctx;
    const struct codec_dict *dict;
    enum codec_effort effort;
    const struct value *values;
    size_t n;
    struct coded *coded;
    uint8_t *out;
    float *each; /* ns */
};

static double encode_all(struct run *run)
{
    int64_t ns = 0;
    for (int round = 0; round < 2; round++) { /* the first one makes what is made on first use */
        ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
        for (size_t i = 0; i < run->n; i++) {
            const struct value *v = &run->values[i];
            run->coded[i].len = codec_encode(run->ctx, run->effort, run->dict, v->bytes, v->len,
                                             run->out, SEGMENT, &run->coded[i].id);
        }
        ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - ns;
    }
    for (size_t i = 0; i < run->n; i++) { /* once more, to keep the results */
        struct coded *c = &run->coded[i];
        const struct value *v = &run->values[i];
        c->len = codec_encode(run->ctx, run->effort, run->dict, v->bytes, v->len, run->out, SEGMENT,
                              &c->id);
        c->bytes = c->len ? memcpy(must(malloc(c->len)), run->out, c->len) : NULL;
    }
    return (double)ns / (double)run->n;
}

static void decode_one(struct run *run, size_t i)
{
    const struct coded *c = &run->coded[i];
    const struct value *v = &run->values[i];
    if (!codec_decode(run->ctx, c->id, run->dict, c->bytes, c->len, run->out, v->len) ||
        memcmp(run->out, v->bytes, v->len) != 0) {
        fprintf(stderr, "codec_bench: value %zu does not come back\n", i);
        exit(1);
    }
}

/* Mean, of the rounds together; each[] is filled with single times, sorted. */
static double decode_all(struct run *run, size_t *coded)
{
    const size_t n = run->n;
    *coded = 0;
    for (size_t i = 0; i < n; i++) {
        if (!run->coded[i].bytes)
            continue;
        int64_t start = now_ns(CLOCK_MONOTONIC);
        codec_decode(run->ctx, run->coded[i].id, run->dict, run->coded[i].bytes, run->coded[i].len,
                     run->out, run->values[i].len);
        run->each[(*coded)++] = (float)(now_ns(CLOCK_MONOTONIC) - start);
        decode_one(run, i);
    }
    qsort(run->each, *coded, sizeof(*run->each), by_size);
    int64_t ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++)
            if (run->coded[i].bytes)
                codec_decode(run->ctx, run->coded[i].id, run->dict, run->coded[i].bytes,
                             run->coded[i].len, run->out, run->values[i].len);
    ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - ns;
    return *coded ? (double)ns / ROUNDS / (double)*coded : 0;
}

static void measure(struct run *run, const char *name)
{
    double encode = encode_all(run);
    size_t coded, raw = 0, stored = 0, dense = 0;
    double decode = decode_all(run, &coded);
    for (size_t i = 0; i < run->n; i++) {
        raw += run->values[i].len;
        stored += run->coded[i].bytes ? run->coded[i].len : run->values[i].len;
        dense += run->coded[i].bytes && run->coded[i].id == CODEC_DENSE;
        free(run->coded[i].bytes);
    }
    double n = (double)run->n;
    printf("%-12s %9.1f %6.2f %8.0f %8.0f %7.0f %7.0f %6.1f %6.1f\n", name, (double)stored / n,
           (double)raw / (double)stored, encode, decode, coded ? (double)run->each[coded / 2] : 0.0,
           coded ? (double)run->each[coded * 99 / 100] : 0.0, 100.0 * (double)(run->n - coded) / n,
           100.0 * (double)dense / n);
}

static void measure_detection(const struct run *run)
{
    size_t found = 0;
    int64_t ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < run->n; i++) /* each value is in the processor's cache at its second */
        for (int again = 0; again < REPEAT; again++)
            found += codec_looks_incompressible(run->values[i].bytes, run->values[i].len);
    ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - ns;
    printf("looks incompressible: %.2f%%, %.0f ns a value\n",
           100.0 * (double)found / (double)(REPEAT * run->n),
           (double)ns / (double)(REPEAT * run->n));
}

static void measure_ways(const struct values *all, size_t first, const struct codec_dict *dict)
{
    struct run run = {.ctx = must(codec_ctx_create()), .values = all->v + first};
    size_t total = 0;
    while (run.n < MEASURED_MAX && first + run.n < all->n && total < MEASURED_BYTES)
        total += run.values[run.n++].len;
    printf("measured: %zu values, mean %.0f bytes\n", run.n,
           run.n ? (double)total / (double)run.n : 0);
    run.coded = must(calloc(run.n + 1, sizeof(*run.coded)));
    run.each = must(calloc(run.n + 1, sizeof(*run.each)));
    run.out = must(malloc(CODEC_MAX_RAW));
    if (run.n > 0) {
        printf("%-12s %9s %6s %8s %8s %7s %7s %6s %6s\n", "", "bytes", "ratio", "enc ns", "dec ns",
               "p50", "p99", "raw %", "dense %");
        static const char *const names[3][2] = {
            {"fast", "fast + dict"}, {"hasty", "hasty + dict"}, {"close", "close + dict"}};
        for (int effort = CODEC_FAST; effort <= CODEC_CLOSE; effort++) {
            for (int with = 0; with < (dict ? 2 : 1); with++) {
                run.effort = (enum codec_effort)effort;
                run.dict = with ? dict : NULL;
                measure(&run, names[effort][with]);
            }
        }
        measure_detection(&run);
    }
    printf("memory of the context: %zu\n", codec_ctx_bytes(run.ctx));
    free(run.coded);
    free(run.each);
    free(run.out);
    codec_ctx_destroy(run.ctx);
}

int main(int argc, char **argv)
{
    size_t dict_len = 64 << 10, sample_bytes = 4 << 20;
    int option;
    while ((option = getopt(argc, argv, "d:s:")) != -1) {
        if (option == 'd')
            dict_len = strtoul(optarg, NULL, 10);
        else if (option == 's')
            sample_bytes = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    for (int i = optind; i < argc; i++) {
        struct values all = {0};
        size_t used = 0;
        add_path(&all, argv[i]);
        printf("== %s\n", argv[i]);
        if (all.n == 0)
            continue;
        shuffle(&all);
        struct codec_dict *dict = train(&all, dict_len, sample_bytes, &used);
        measure_ways(&all, used, dict);
        codec_dict_destroy(dict);
        free(all.v);
    }
    return 0;
}
