/* Parts of the load generator: values and keys, the two protocols, connections, results. One
 * thread, so no locks. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- load_values.c: the values, one a line of a file ------------------------------------------ */

struct values {
    char *text;
    size_t *starts; /* count + 1 offsets into text; a value ends one byte (the newline) before the
                       next starts */
    size_t count;
};

struct span {
    const char *data;
    size_t len;
};

/* False and a message on stderr when the file cannot be read or holds no line. */
bool values_load(struct values *values, const char *path);
void values_free(struct values *values);

/* The value that belongs to a key; always the same one, so that every reply can be verified. */
struct span value_of(const struct values *values, uint32_t key);

/* --- load_keys.c: which key is next ----------------------------------------------------------- */

enum key_order { KEYS_SEQUENTIAL, KEYS_UNIFORM, KEYS_ZIPF };

struct keys {
    uint32_t *sequence; /* drawn before the run, so that drawing costs nothing in it */
    size_t length, next;
};

/* Draws `length` keys of 0..count-1. False when memory is short. */
bool keys_draw(struct keys *keys, enum key_order order, uint32_t count, size_t length, double alpha,
               uint64_t seed);
uint32_t keys_next(struct keys *keys);
void keys_free(struct keys *keys);

uint64_t random_next(uint64_t *state);

/* --- load_proto.c: requests and replies ------------------------------------------------------- */

enum protocol { PROTO_RESP, PROTO_MEMCACHED };
enum op { OP_GET, OP_SET };
enum outcome {
    REPLY_PARTIAL,
    REPLY_STORED,
    REPLY_HIT,
    REPLY_MISS,
    REPLY_WRONG,  /* a value that is not the key's */
    REPLY_ERROR,  /* an error reply; the connection goes on */
    REPLY_GARBAGE /* not the protocol; the connection is lost */
};

/* Bytes that a request for a value of this length can take at most. */
size_t request_bound(size_t value_len);

/* Writes a request to `to`, which has room for request_bound(); returns its length. */
size_t request_write(enum protocol protocol, char *to, enum op op, uint32_t key, struct span value);

/* Reads one reply to such a request from data[0..len); *used is its length unless it is partial.
 * With expected.data NULL every value is right. */
enum outcome reply_read(enum protocol protocol, enum op op, struct span expected, const char *data,
                        size_t len, size_t *used);

/* --- load_stats.c: latencies and processor time ----------------------------------------------- */

enum { HISTOGRAM_SUB = 64, HISTOGRAM_BUCKETS = 58 * HISTOGRAM_SUB };

/* Log-linear: 64 steps a power of two, so within 1.6% of the true value. Microseconds. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total, max;
};

void histogram_add(struct histogram *histogram, uint64_t us);
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);

enum { CPU_THREADS = 64 };

/* Processor time of each thread of a process, in nanoseconds. */
struct cpu_usage {
    size_t count;
    struct {
        long tid;
        char name[32];
        uint64_t ns;
    } threads[CPU_THREADS];
};

/* False when the process is not there. */
bool cpu_usage_read(struct cpu_usage *usage, long pid);

/* Prints "name": ns spent between the two, thread by thread, as members of a JSON array. */
void cpu_usage_print(const struct cpu_usage *before, const struct cpu_usage *after);

/* --- load_conn.c: connections and the run ----------------------------------------------------- */

struct load {
    const char *host;
    uint16_t port;
    enum protocol protocol;
    unsigned connections, pipeline;
    unsigned get_percent; /* of the requests, the others are SET */
    bool read_through;    /* a miss is followed by a SET of the key */
    bool unverified;      /* values read are not compared with what they must be */
    uint64_t requests;    /* stop after so many; 0 = by time */
    uint64_t warmup_requests;
    double seconds, warmup_seconds;
    uint64_t seed;
    long pid; /* whose processor time to read; 0 = nobody's */
    struct values values;
    struct keys keys;
};

struct result {
    uint64_t requests, gets, sets, hits, misses, wrong, errors;
    int64_t elapsed_us;
    struct histogram latency;
    struct cpu_usage cpu_before, cpu_after;
};

/* Runs it. False and a message on stderr when connecting fails or a connection is lost. */
bool load_run(struct load *load, struct result *result);

#endif
