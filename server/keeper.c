#include "keeper.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/resident.h"
#include "server.h"

/* The longest slice while requests wait, and while none do. */
#define BUSY_SLICE_US 1000
#define IDLE_SLICE_US 4000
#define SAMPLE_US     100000
/* A trickle of commands, such as those of health checks and exporters, leaves the cache idle: so
 * many a second, and so many at once. */
#define TRICKLE_PER_S 20
#define TRICKLE_MOST  100

static uint64_t mean(const uint64_t *samples)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RATE_SAMPLES; i++)
        sum += samples[i];
    return sum / RATE_SAMPLES;
}

static uint64_t per_second(uint64_t now, uint64_t *last, int64_t us)
{
    uint64_t n = now > *last ? (now - *last) * 1000000 / (uint64_t)us : 0;
    *last = now;
    return n;
}

static void sample(struct keeper *k)
{
    struct rates *r = &k->rates;
    int64_t now = clock_mono_us(), us = now - r->last_us;
    if (us < SAMPLE_US)
        return;
    const struct server *s = k->server;
    r->ops[r->at] =
        per_second(server_sum(s, offsetof(struct worker_stats, commands)), &r->last_ops, us);
    r->in[r->at] =
        per_second(server_sum(s, offsetof(struct worker_stats, in_bytes)), &r->last_in, us);
    r->out[r->at] =
        per_second(server_sum(s, offsetof(struct worker_stats, out_bytes)), &r->last_out, us);
    r->at = (r->at + 1) % RATE_SAMPLES;
    r->last_us = now;
    counter_set(&r->ops_per_s, mean(r->ops));
    counter_set(&r->in_per_s, mean(r->in));
    counter_set(&r->out_per_s, mean(r->out));
}

/* At rest little of the program is used: what starting, training and commands have left behind of
 * it need not stay. Once a rest. */
static void rest(struct keeper *k)
{
    uint64_t number = cache_rest(k->server->cache);
    if (number != 0 && number != k->rest)
        (void)resident_discard_code();
    k->rest = number;
}

/* Whether more than a trickle of commands has come since the last call. */
static bool is_busy(struct keeper *k)
{
    struct trickle *d = &k->trickle;
    int64_t now = clock_mono_us();
    uint64_t commands = server_sum(k->server, offsetof(struct worker_stats, commands));
    uint64_t came = commands - d->commands;
    d->credit += (double)(now - d->last_us) * TRICKLE_PER_S / 1e6;
    if (d->credit > TRICKLE_MOST)
        d->credit = TRICKLE_MOST;
    d->last_us = now;
    d->commands = commands;
    bool busy = (double)came > d->credit;
    d->credit = busy ? 0 : d->credit - (double)came;
    return busy;
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    while (!atomic_load(&k->stop)) {
        bool busy = is_busy(k);
        int64_t wait_us =
            cache_tick(k->cache, clock_wall_ms(), busy ? BUSY_SLICE_US : IDLE_SLICE_US, busy);
        sample(k);
        rest(k);
        if (wait_us <= 0)
            continue;
        struct pollfd wake = {.fd = k->wake_fd, .events = POLLIN};
        struct timespec wait = {.tv_sec = 0, .tv_nsec = SAMPLE_US * 1000};
        if (wait_us < SAMPLE_US)
            wait.tv_nsec = wait_us * 1000;
        (void)ppoll(&wake, 1, &wait, NULL);
    }
    return NULL;
}

bool keeper_start(struct keeper *k, struct server *s)
{
    k->server = s;
    k->rates.last_us = k->trickle.last_us = clock_mono_us();
    k->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    k->cache = cache_thread_create(s->cache);
    if (k->wake_fd < 0 || k->cache == NULL || pthread_create(&k->thread, NULL, run, k) != 0) {
        keeper_stop(k);
        return false;
    }
    k->started = true;
    (void)pthread_setname_np(k->thread, "keeper");
    return true;
}

void keeper_stop(struct keeper *k)
{
    uint64_t one = 1;
    atomic_store(&k->stop, true);
    if (k->started) {
        /* A full counter wakes, too. */
        if (write(k->wake_fd, &one, sizeof one) < 0)
            one = 0;
        (void)pthread_join(k->thread, NULL);
    }
    k->started = false;
    if (k->cache != NULL)
        cache_thread_destroy(k->cache);
    k->cache = NULL;
    if (k->wake_fd > 0)
        close(k->wake_fd);
    k->wake_fd = 0;
}
