/* A server under all kinds of traffic at once, for as long as one likes: clients that hold every
 * reply against a model, one that does not read, and an administrator who flushes, kills and turns
 * every knob of the memory. No reply may be wrong, and RSS keeps to the cap.
 *
 *   ZSC_SECONDS  how long (default 4)      ZSC_SEED  the seed (default 1) */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "soak_client.h"

#define CLIENTS ((unsigned)4)
#define MIB     ((uint64_t)1 << 20)
/* So long may it take until a lower cap holds. */
#define SINK_MS 4000

struct soak {
    struct instance server;
    atomic_bool stop;
    uint64_t random;
    _Atomic uint64_t cap, cap_before; /* the larger of them holds until... */
    _Atomic int64_t sunk_ms;
    uint64_t most_over;
};

static uint64_t draw(struct soak *s, uint64_t below)
{
    s->random = soak_mix(s->random + 0x9e3779b97f4a7c15u);
    return s->random % below;
}

static unsigned number_of(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
              NULL);
}

/* ---- the administrator ---- */

static void set_cap(struct soak *s, redisContext *c)
{
    uint64_t cap = (32 + draw(s, 3) * draw(s, 240)) * MIB;
    uint64_t before = atomic_load(&s->cap);
    if (clock_mono_us() / 1000 < atomic_load(&s->sunk_ms))
        before = before < atomic_load(&s->cap_before) ? atomic_load(&s->cap_before) : before;
    atomic_store(&s->cap_before, before);
    atomic_store(&s->sunk_ms, clock_mono_us() / 1000 + SINK_MS);
    atomic_store(&s->cap, cap);
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory %llu", (unsigned long long)cap));
}

static void set_modes(struct soak *s, redisContext *c)
{
    static const char *const policies[] = {
        "allkeys-s3fifo", "allkeys-lru",  "allkeys-lfu", "allkeys-random", "volatile-lru",
        "volatile-lfu",   "volatile-ttl", "noeviction",  "allkeys-s3fifo", "allkeys-s3fifo"};
    static const char *const modes[] = {"off", "on-write", "adaptive", "adaptive"};
    ck_assert(asks(c, "OK", "CONFIG SET maxmemory-policy %s compression %s", policies[draw(s, 10)],
                   modes[draw(s, 4)]));
}

static void kill_one(struct soak *s, redisContext *c)
{
    long long own = ask_integer(c, "CLIENT ID");
    redisReply *r = ask(c, "CLIENT LIST TYPE normal");
    const char *at = r->str;
    for (uint64_t skip = draw(s, CLIENTS + 2); skip > 0 && at != NULL; skip--)
        at = strstr(at + 1, "\nid=");
    long long id = at == NULL ? 0 : strtoll(strstr(at, "id=") + 3, NULL, 10);
    freeReplyObject(r);
    if (id > 0 && id != own)
        freeReplyObject(ask(c, "CLIENT KILL ID %lld", id));
}

static void administrate(struct soak *s, redisContext *c)
{
    switch (draw(s, 12)) {
    case 0:
    case 1:
        set_cap(s, c);
        break;
    case 2:
    case 3:
        set_modes(s, c);
        break;
    case 4:
        kill_one(s, c);
        break;
    case 5:
        if (draw(s, 8) == 0)
            freeReplyObject(ask(c, draw(s, 2) ? "FLUSHDB SYNC" : "FLUSHALL"));
        break;
    case 6:
        freeReplyObject(ask(c, "KEYS *"));
        break;
    case 7:
        freeReplyObject(ask(c, "EVAL %s 0", "return redis.call('DBSIZE')"));
        break;
    case 8:
        freeReplyObject(ask(c, "MEMORY DOCTOR"));
        break;
    default:
        freeReplyObject(ask(c, "INFO everything"));
    }
}

/* ---- one who does not read ---- */

/* Asks for much, reads little, and goes. */
static void *dawdle(void *arg)
{
    struct soak *s = arg;
    uint64_t random = 7;
    static char got[4096];
    while (!atomic_load(&s->stop)) {
        int fd = instance_socket(&s->server);
        for (unsigned i = 0; i < 40; i++) {
            char text[64];
            random = soak_mix(random + i);
            (void)snprintf(text, sizeof text, "GET s:%u:%u\r\n", (unsigned)(random % CLIENTS),
                           (unsigned)((random >> 16) % SOAK_KEYS));
            if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                break;
        }
        for (unsigned i = 0; i < 20 && !atomic_load(&s->stop); i++) {
            (void)recv(fd, got, sizeof got, MSG_DONTWAIT);
            sleep_ms(20);
        }
        close(fd);
    }
    return NULL;
}

/* ---- memory ---- */

static void look_at_memory(struct soak *s)
{
    uint64_t cap = atomic_load(&s->cap), before = atomic_load(&s->cap_before);
    if (clock_mono_us() / 1000 < atomic_load(&s->sunk_ms) && before > cap)
        cap = before;
    uint64_t rss = instance_rss(&s->server), most = cap / 20 * 21 + 16 * MIB;
    if (!memory_is_telling() || rss <= most)
        return;
    if (rss - most > s->most_over) {
        s->most_over = rss - most;
        (void)fprintf(stderr, "RSS %.1f MiB at a cap of %.1f MiB\n", (double)rss / (double)MIB,
                      (double)cap / (double)MIB);
    }
}

static void run(struct soak *s, struct soak_client *clients)
{
    redisContext *c = instance_connect(&s->server);
    int64_t end = clock_mono_us() + (int64_t)number_of("ZSC_SECONDS", 4) * 1000000;
    unsigned long broken = 0;
    while (clock_mono_us() < end && broken == 0) {
        administrate(s, c);
        for (unsigned i = 0; i < 20; i++) {
            look_at_memory(s);
            sleep_ms(5);
        }
        for (unsigned i = 0; i < CLIENTS; i++)
            broken += clients[i].broken;
    }
    redisFree(c);
}

START_TEST(all_at_once)
{
    struct soak s = {.random = number_of("ZSC_SEED", 1)};
    struct soak_client *clients = calloc(CLIENTS, sizeof *clients);
    pthread_t thread[CLIENTS], slow;
    ck_assert_ptr_nonnull(clients);
    (void)signal(SIGPIPE, SIG_IGN); /* of clients that are killed */
    printf("seed %llu\n", (unsigned long long)s.random);
    atomic_store(&s.cap, 64 * MIB);
    instance_start(&s.server, (const char *const[]){"--threads", "2", "--maxmemory", "64mb", NULL});
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].server = &s.server;
        clients[i].stop = &s.stop;
        clients[i].id = i;
        clients[i].random = soak_mix(s.random + i);
        ck_assert_int_eq(pthread_create(&thread[i], NULL, soak_client_run, &clients[i]), 0);
    }
    ck_assert_int_eq(pthread_create(&slow, NULL, dawdle, &s), 0);
    run(&s, clients);
    atomic_store(&s.stop, true);
    unsigned long broken = 0;
    ck_assert_int_eq(pthread_join(slow, NULL), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
        printf("%lu replies, %lu values, %lu refused, %lu reconnects\n", clients[i].replies,
               clients[i].values, clients[i].refused, clients[i].reconnects);
        broken += clients[i].broken;
    }
    free(clients);
    redisContext *c = instance_connect(&s.server);
    ck_assert_int_eq(info_number(c, "damaged_items"), 0);
    redisFree(c);
    ck_assert_int_eq(instance_stop(&s.server), 0);
    ck_assert_uint_eq(broken, 0);
    ck_assert_uint_eq(s.most_over, 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("soak");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, all_at_once);
    return server_case_run(t);
}
