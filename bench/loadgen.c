/* Load for a server that speaks RESP or memcached's meta text protocol, with real values, every
 * reply verified. One thread. Prints one line of JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

struct options {
    struct load load;
    const char *values_path;
    uint32_t key_count;
    enum key_order order;
    double alpha;
};

static const char usage_text[] =
    "usage: loadgen --port N --values FILE [options]\n"
    "  --host A            address (127.0.0.1)\n"
    "  --proto P           resp or memcached (resp)\n"
    "  --values FILE       values, one a line; key i has line i modulo their number\n"
    "  --keys N            keys obj:0 to obj:N-1 (10000)\n"
    "  --load              SET each key once, in order\n"
    "  --gets N            percent of GETs among the requests (100)\n"
    "  --read-through      a miss is followed by a SET of the key\n"
    "  --unverified        values read are not compared, so that the load costs less\n"
    "  --zipf A            keys by Zipf's law with exponent A, else uniform\n"
    "  --connections N     (50)\n"
    "  --pipeline N        requests sent before their replies are awaited (1)\n"
    "  --seconds S         how long to measure (5)\n"
    "  --requests N        measure so many requests instead\n"
    "  --warmup S          seconds before that do not count (0.5)\n"
    "  --warmup-requests N or requests before that do not count\n"
    "  --pid N             tell the processor time of this process, thread by thread\n"
    "  --seed N            (1)\n";

enum { DRAWN_KEYS = 1 << 21 };

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"proto", required_argument, NULL, 'P'},
    {"values", required_argument, NULL, 'v'},
    {"keys", required_argument, NULL, 'k'},
    {"load", no_argument, NULL, 'l'},
    {"gets", required_argument, NULL, 'g'},
    {"read-through", no_argument, NULL, 't'},
    {"unverified", no_argument, NULL, 'u'},
    {"zipf", required_argument, NULL, 'z'},
    {"connections", required_argument, NULL, 'c'},
    {"pipeline", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},
    {"requests", required_argument, NULL, 'r'},
    {"warmup", required_argument, NULL, 'w'},
    {"warmup-requests", required_argument, NULL, 'W'},
    {"pid", required_argument, NULL, 'i'},
    {"seed", required_argument, NULL, 'S'},
    {NULL, 0, NULL, 0},
};

static unsigned long number(const char *text)
{
    return strtoul(text, NULL, 10);
}

static bool set_load_option(struct load *load, int option, const char *value)
{
    switch (option) {
    case 'h':
        load->host = value;
        return true;
    case 'p':
        load->port = (uint16_t)number(value);
        return load->port != 0;
    case 'P':
        load->protocol = strcmp(value, "memcached") == 0 ? PROTO_MEMCACHED : PROTO_RESP;
        return true;
    case 'g':
        load->get_percent = (unsigned)number(value);
        return load->get_percent <= 100;
    case 't':
        load->read_through = true;
        return true;
    case 'u':
        load->unverified = true;
        return true;
    case 'c':
        load->connections = (unsigned)number(value);
        return load->connections > 0;
    case 'n':
        load->pipeline = (unsigned)number(value);
        return load->pipeline > 0;
    case 's':
        load->seconds = strtod(value, NULL);
        return true;
    case 'r':
        load->requests = number(value);
        return true;
    case 'w':
        load->warmup_seconds = strtod(value, NULL);
        return true;
    case 'W':
        load->warmup_requests = number(value);
        return true;
    case 'i':
        load->pid = (long)number(value);
        return true;
    case 'S':
        load->seed = number(value);
        return true;
    default:
        return false;
    }
}

static bool set_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'v':
        options->values_path = value;
        return true;
    case 'k':
        options->key_count = (uint32_t)number(value);
        return options->key_count > 0;
    case 'l':
        options->order = KEYS_SEQUENTIAL;
        options->load.get_percent = 0;
        options->load.warmup_seconds = 0;
        return true;
    case 'z':
        options->order = KEYS_ZIPF;
        options->alpha = strtod(value, NULL);
        return options->alpha > 0;
    default:
        return set_load_option(&options->load, option, value);
    }
}

static bool parse(struct options *options, int argc, char **argv)
{
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (!set_option(options, option, optarg))
            return false;
    }
    if (options->order == KEYS_SEQUENTIAL)
        options->load.requests = options->key_count;
    return optind == argc && options->values_path && options->load.port;
}

static void print_result(const struct load *load, const struct result *result)
{
    double seconds = (double)result->elapsed_us / 1e6;

    printf("{\"requests\": %llu, \"seconds\": %.6f, \"ops_per_s\": %.1f, ",
           (unsigned long long)result->requests, seconds, (double)result->requests / seconds);
    printf("\"gets\": %llu, \"sets\": %llu, \"hits\": %llu, \"misses\": %llu, \"wrong\": %llu, "
           "\"errors\": %llu, ",
           (unsigned long long)result->gets, (unsigned long long)result->sets,
           (unsigned long long)result->hits, (unsigned long long)result->misses,
           (unsigned long long)result->wrong, (unsigned long long)result->errors);
    const struct histogram *latency = &result->latency;
    printf("\"p50_us\": %llu, \"p99_us\": %llu, \"p999_us\": %llu, \"max_us\": %llu",
           (unsigned long long)histogram_quantile(latency, 0.5),
           (unsigned long long)histogram_quantile(latency, 0.99),
           (unsigned long long)histogram_quantile(latency, 0.999),
           (unsigned long long)latency->max);
    if (load->pid) {
        printf(", \"cpu\": [");
        cpu_usage_print(&result->cpu_before, &result->cpu_after);
        printf("]");
    }
    printf("}\n");
}

/* A run of known length never sees the same draw twice. */
static size_t drawn_keys(const struct options *options)
{
    if (options->order == KEYS_SEQUENTIAL)
        return options->key_count;
    size_t wanted = options->load.requests + options->load.warmup_requests;
    return wanted > DRAWN_KEYS ? wanted : DRAWN_KEYS;
}

static bool run(struct options *options)
{
    static struct result result;
    struct load *load = &options->load;
    size_t drawn = drawn_keys(options);

    bool ok = values_load(&load->values, options->values_path) &&
              keys_draw(&load->keys, options->order, options->key_count, drawn, options->alpha,
                        load->seed) &&
              load_run(load, &result);
    if (ok)
        print_result(load, &result);
    values_free(&load->values);
    keys_free(&load->keys);
    return ok && result.wrong == 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .load = {.host = "127.0.0.1",
                 .connections = 50,
                 .pipeline = 1,
                 .get_percent = 100,
                 .seconds = 5,
                 .warmup_seconds = 0.5,
                 .seed = 1},
        .key_count = 10000,
        .order = KEYS_UNIFORM,
        .alpha = 1,
    };
    if (!parse(&options, argc, argv)) {
        fputs(usage_text, stderr);
        return 2;
    }
    return run(&options) ? EXIT_SUCCESS : EXIT_FAILURE;
}
