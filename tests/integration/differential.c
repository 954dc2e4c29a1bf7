/* Sends the same random commands to a real redis-server and to zscache and compares the replies.
 *
 *   usage: differential PATH-OF-ZSCACHE-SERVER
 *   ZSC_SEED  the seed (default: the time)       ZSC_OPS  how many commands (default 20,000)
 *   ZSC_KEEP_GOING=n  shows up to n differences instead of stopping at the first
 *
 * Exits with 77 where there is no redis-server. Differences that are meant are in
 * differential_known.c. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "differential_grammar.h"
#include "differential_known.h"
#include "differential_peer.h"

#define SKIPPED  77
#define PIPELINE 16

struct run {
    struct peer redis, zscache;
    struct random random;
    unsigned long seed, done, differences, allowed;
    struct generated batch[PIPELINE];
    char *wire;
    size_t wire_len, wire_cap;
};

static void print_reply(const char *name, const char *reply, size_t len)
{
    printf("  %-8s ", name);
    for (size_t i = 0; i < len && i < 300; i++) {
        unsigned char c = (unsigned char)reply[i];
        printf(isprint(c) ? "%c" : "\\x%02x", c);
    }
    printf(len > 300 ? "... (%zu bytes)\n" : "\n", len);
}

static void report(struct run *run, unsigned connection, const struct generated *g, const char *a,
                   size_t a_len, const char *b, size_t b_len)
{
    char text[2000];
    generated_print(g, text, sizeof text);
    printf("difference at command %lu, connection %u, seed %lu:\n  %s\n", run->done, connection,
           run->seed, text);
    print_reply("redis:", a, a_len);
    print_reply("zscache:", b, b_len);
    fflush(stdout);
    run->differences++;
}

/* Takes one reply of each. False when one of them sent none. */
static bool compare_next(struct run *run, unsigned c, const struct generated *g)
{
    const char *a, *b;
    size_t a_len, b_len;
    char text[2000];
    bool first = peer_reply(&run->redis, c, &a, &a_len);
    bool second = peer_reply(&run->zscache, c, &b, &b_len);
    if (!first || !second) {
        generated_print(g, text, sizeof text);
        printf("no reply from %s to command %lu, seed %lu:\n  %s\n",
               first ? run->zscache.name : run->redis.name, run->done, run->seed, text);
        return false;
    }
    if (!replies_agree(g->how, g->near, a, a_len, b, b_len) &&
        !difference_is_known(g, a, a_len, b, b_len))
        report(run, c, g, a, a_len, b, b_len);
    run->done++;
    return true;
}

/* One to PIPELINE commands on one connection in one write, then all replies: so both servers see
 * one order. */
static bool batch(struct run *run)
{
    unsigned c = random_below(&run->random, PEER_CONNECTIONS);
    unsigned n = random_below(&run->random, 3) == 0 ? 1 + random_below(&run->random, PIPELINE) : 1;
    run->wire_len = 0;
    for (unsigned i = 0; i < n; i++) {
        generate(&run->random, &run->batch[i]);
        if (!generated_encode(&run->random, &run->batch[i], &run->wire, &run->wire_len,
                              &run->wire_cap))
            return false;
    }
    if (!peer_send(&run->redis, c, run->wire, run->wire_len) ||
        !peer_send(&run->zscache, c, run->wire, run->wire_len)) {
        printf("a connection broke at command %lu, seed %lu\n", run->done, run->seed);
        return false;
    }
    for (unsigned i = 0; i < n; i++)
        if (!compare_next(run, c, &run->batch[i]))
            return false;
    return run->differences <= run->allowed;
}

/* Connection 0 speaks RESP2, the others RESP3. */
static bool greet(struct peer *p)
{
    static const char hello[] = "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n";
    const char *reply;
    size_t len;
    for (unsigned c = 1; c < PEER_CONNECTIONS; c++)
        if (!peer_send(p, c, hello, sizeof hello - 1) || !peer_reply(p, c, &reply, &len) ||
            reply[0] != '%')
            return false;
    return true;
}

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

static int run_all(struct run *run, const char *program, const char *dir, unsigned long ops)
{
    char redis[] = "redis-server";
    if (!peer_start(&run->redis, "redis", redis, dir, true)) {
        printf("skipped: no redis-server that starts\n");
        return SKIPPED;
    }
    bool ok = peer_start(&run->zscache, "zscache", program, dir, false) && greet(&run->redis) &&
              greet(&run->zscache);
    if (!ok)
        printf("zscache does not start or does not greet; see %s\n", dir);
    while (ok && run->done < ops)
        ok = batch(run);
    printf("%lu commands, %lu differences, seed %lu\n", run->done, run->differences, run->seed);
    peer_stop(&run->redis);
    peer_stop(&run->zscache);
    return ok && run->differences == 0 ? 0 : 1;
}

static void remove_dir(const char *dir)
{
    static const char *const files[] = {"redis.log", "zscache.log", "dump.rdb"};
    char path[512];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/zscache-differential-XXXXXX";
    static struct run run;
    if (argc != 2 || mkdtemp(dir) == NULL) {
        fprintf(stderr, "usage: differential PATH-OF-ZSCACHE-SERVER\n");
        return 2;
    }
    run.seed = number_of("ZSC_SEED", (unsigned long)time(NULL));
    run.allowed = number_of("ZSC_KEEP_GOING", 0);
    run.random.state = run.seed;
    printf("seed %lu\n", run.seed);
    int status = run_all(&run, argv[1], dir, number_of("ZSC_OPS", 20000));
    for (unsigned i = 0; i < PIPELINE; i++)
        generated_free(&run.batch[i]);
    free(run.wire);
    if (status != 1)
        remove_dir(dir);
    return status;
}
