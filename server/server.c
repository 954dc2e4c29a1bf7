#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "options/option.h"
#include "rank.h"

/* Descriptors that are not connections: listeners, event loops, files. */
#define OTHER_DESCRIPTORS 64
#define MAX_THREADS       FANOUT_WORKERS

const struct option options_process[] = {
    {.name = "threads",
     .kind = OPTION_NUMBER,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, threads),
     .max = MAX_THREADS,
     .preset = "0",
     .summary = "threads that serve clients; 0 = one per processor"},
    {.name = "connections-in-order",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, in_order),
     .max = INT32_MAX,
     .preset = "2",
     .summary = "up to so many connections are served by one thread alone, so that of two commands "
                "that different ones send without waiting the first is carried out first, as with "
                "Redis; from there on all threads share them"},
    {.name = "pidfile",
     .kind = OPTION_TEXT,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, pidfile),
     .preset = "",
     .summary = "file to write the process id to"},
    {.name = "logfile",
     .kind = OPTION_TEXT,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, logfile),
     .preset = "",
     .summary = "file for messages in place of standard output and error"},
    {.name = NULL},
};

static bool fault(const char *what)
{
    fprintf(stderr, "zscache-server: %s\n", what);
    return false;
}

static unsigned thread_count(const struct settings *s)
{
    long n = (long)setting_get(&s->threads);
    if (n == 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

/* Raises the limit of descriptors as far as it may be, and lowers maxclients to what fits. */
static void fit_maxclients(struct settings *s)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)setting_get(&s->maxclients) + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    limit.rlim_cur =
        limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= want ? want : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
        return;
    int64_t fits = limit.rlim_cur > 2 * OTHER_DESCRIPTORS
                       ? (int64_t)limit.rlim_cur - OTHER_DESCRIPTORS
                       : (int64_t)limit.rlim_cur / 2;
    fprintf(stderr, "zscache-server: maxclients lowered to %lld by the limit of descriptors\n",
            (long long)fits);
    setting_put(&s->maxclients, fits);
}

static bool make_run_id(struct server *s)
{
    unsigned char bytes[RUN_ID_LETTERS / 2];
    if (!random_secret(bytes, sizeof bytes))
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(s->run_id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool create_workers(struct server *s)
{
    unsigned n = thread_count(&s->settings);
    s->workers = calloc(n, sizeof(struct worker *));
    if (s->workers == NULL)
        return false;
    for (s->worker_count = 0; s->worker_count < n; s->worker_count++) {
        s->workers[s->worker_count] = worker_create(s, s->worker_count);
        if (s->workers[s->worker_count] == NULL)
            return false;
    }
    return true;
}

/* *written: the file is ours, to be removed at the end. */
static bool write_number(const char *path, long n, bool *written)
{
    if (path[0] == '\0')
        return true;
    FILE *file = fopen(path, "we");
    *written = file != NULL;
    bool ok = file != NULL && fprintf(file, "%ld\n", n) > 0;
    if (file != NULL)
        ok &= fclose(file) == 0;
    if (!ok)
        fprintf(stderr, "zscache-server: cannot write %s: %s\n", path, strerror(errno));
    return ok;
}

static bool start_threads(struct server *s)
{
    if (!keeper_start(&s->keeper, s))
        return false;
    for (unsigned i = 0; i < s->worker_count; i++)
        if (!worker_start(s->workers[i]))
            return false;
    return true;
}

bool server_start(struct server *s)
{
    s->start_ms = clock_wall_ms();
    registry_init(&s->registry);
    watch_init(&s->watch);
    slowlog_init(&s->slowlog);
    latency_init(&s->latency);
    hooks_init(&s->hooks);
    script_cache_init(&s->scripts);
    fit_maxclients(&s->settings);
    s->commands = command_table_create();
    if (s->commands == NULL || !make_run_id(s) || !server_create_cache(s) ||
        !track_table_init(&s->tracked, s->cache) ||
        !fanout_init(&s->fanout, s->cache, thread_count(&s->settings)) || !create_workers(s))
        return fault("not enough memory, address space or descriptors to start");
    if (!acl_start(s) || !tls_start(s))
        return false;
    hooks_update(s);
    /* Connections that come before the threads run wait in the backlog. */
    if (!listener_open(&s->listener, s) ||
        !write_number(s->settings.pidfile, getpid(), &s->has_pidfile) ||
        !write_number(s->settings.port_file, listener_port(&s->listener), &s->has_port_file))
        return false;
    if (!listener_start(&s->listener, s->workers[0]->base) || !start_threads(s))
        return fault("the threads cannot be started");
    return true;
}

void server_stop(struct server *s)
{
    atomic_store(&s->stopping, true);
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct mail *m = mail_create(MAIL_STOP, 0);
        if (m != NULL)
            mailbox_post(&s->workers[i]->mailbox, m);
    }
}

bool server_has_stopped(const struct server *s)
{
    return atomic_load(&s->running) == 0;
}

void server_destroy(struct server *s)
{
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_join(s->workers[i]);
    /* It reads the counters of the workers. */
    keeper_stop(&s->keeper);
    listener_close(&s->listener);
    for (unsigned i = 0; i < s->worker_count; i++)
        worker_destroy(s->workers[i]);
    free(s->workers);
    fanout_free(&s->fanout);
    track_table_free(&s->tracked);
    acl_end(s);
    tls_end(s);
    if (s->cache != NULL) {
        slowlog_reset(&s->slowlog, s->cache);
        script_cache_free(s);
        cache_destroy(s->cache);
    }
    command_table_destroy(s->commands);
    if (s->has_pidfile)
        (void)unlink(s->settings.pidfile);
    if (s->has_port_file)
        (void)unlink(s->settings.port_file);
    free(s->config_file);
    options_free(&s->settings);
}

uint64_t server_sum(const struct server *s, size_t at)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < s->worker_count; i++)
        sum +=
            counter_get((const counter *)(const void *)((const char *)&s->workers[i]->stats + at));
    return sum;
}

bool server_mail(struct server *s, uint64_t client, struct mail *m)
{
    m->client = client;
    lock_acquire(&s->registry.lock);
    const struct client *c = registry_find_locked(&s->registry, client);
    struct worker *w = c == NULL ? NULL : c->worker;
    if (w != NULL)
        mailbox_post(&w->mailbox, m);
    lock_release(&s->registry.lock);
    if (w == NULL)
        free(m);
    return w != NULL;
}
