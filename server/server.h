/* The server: what all workers share, and its life from start to stop. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <pthread.h>

#include "acl/acl.h"
#include "clients/pause.h"
#include "clients/registry.h"
#include "hooks.h"
#include "keeper.h"
#include "metrics/counter.h"
#include "metrics/latency.h"
#include "metrics/slowlog.h"
#include "net/listener.h"
#include "net/worker.h"
#include "options/settings.h"
#include "pubsub/fanout.h"
#include "script/script_cache.h"
#include "tls/tls.h"
#include "tracking/track_table.h"
#include "transaction/watch.h"

#define RUN_ID_LETTERS 40
/* What Redis this answers like; clients choose by it what they dare to send. */
#define REDIS_VERSION     "7.2.4"
#define REDIS_VERSION_NUM 0x00070204

struct server {
    struct settings settings;
    struct cache *cache;
    struct command_table *commands;
    struct registry registry;
    struct fanout fanout; /* channels and their subscribers */
    struct acl acl;
    struct watch_table watch;
    struct hooks hooks;
    struct pause pause;
    struct track_table tracked;
    struct tls tls;
    struct script_cache scripts;
    _Atomic bool stopping;         /* scripts end at once */
    _Atomic int64_t clients_bytes; /* of requests and replies, as charged to the cache */
    _Atomic unsigned busy;         /* scripts that have run for longer than lua-time-limit */
    struct listener listener;      /* in worker 0's loop */
    struct keeper keeper;
    struct slowlog slowlog;
    struct latency latency;
    struct worker **workers;
    unsigned worker_count;
    char run_id[RUN_ID_LETTERS + 1];
    char *config_file;               /* NULL = none */
    bool has_pidfile, has_port_file; /* they were written, and are to be removed */
    int64_t start_ms;
    _Atomic unsigned running; /* workers that have not ended */
};

/* Makes everything and begins to serve. Settings are those of s->settings, which the caller filled.
 * False when that fails; stderr says why. Then, and after the end, server_destroy(). */
bool server_start(struct server *s);
/* Asks the workers to answer what has come and to end. Any thread. */
void server_stop(struct server *s);
/* True when all workers have ended. */
bool server_has_stopped(const struct server *s);
void server_destroy(struct server *s);

/* memory.c: makes the cache from the settings; false when that fails. */
bool server_create_cache(struct server *s);
/* info_stats.c: counters of INFO to zero, for CONFIG RESETSTAT. Any thread. */
void server_reset_stats(struct server *s);
/* The times of a command over all workers. Any thread. */
void server_command_times(const struct server *s, size_t row, struct histogram_sum *sum);
/* Passes changed settings on to the cache. Any thread. */
void server_configure_cache(struct server *s);
/* Sum of a counter over the workers: offset of the counter in struct worker_stats. Any thread. */
uint64_t server_sum(const struct server *s, size_t at);
/* Posts a mail to the worker of a client. False when there is no such client; the mail is gone in
 * either case. Any thread. */
bool server_mail(struct server *s, uint64_t client, struct mail *m);

#endif
