/* What a connection may take: options, and whether it is over them. */
#include "client_eviction.h"
#include "connection.h"
#include "options/option.h"
#include "server.h"

/* Memory is told to the cache in steps of this many bytes. */
#define CHARGE_STEP ((size_t)64 << 10)
/* The most that one who is not authenticated may send in one go (Redis's limit for the buffer). */
#define STRANGER_INPUT ((size_t)1 << 20)
/* ... and what may wait to be sent to it. */
#define STRANGER_OUTPUT 1024

const struct option options_limits[] = {
    {.name = "maxclients",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, maxclients),
     .min = 1,
     .max = 1000000,
     .preset = "10000",
     .summary = "connections at one time; lowered to what the limit of descriptors allows"},
    {.name = "timeout",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, timeout),
     .max = INT32_MAX,
     .preset = "0",
     .summary = "seconds after which an idle connection is closed; 0 = never"},
    {.name = "write-timeout",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, write_timeout),
     .max = INT32_MAX,
     .preset = "120",
     .summary = "seconds after which a connection is closed that does not read its replies; 0 = "
                "never"},
    {.name = "proto-max-bulk-len",
     .kind = OPTION_MEMORY,
     .at = offsetof(struct settings, max_bulk),
     .min = 1 << 20,
     .max = (int64_t)CACHE_MAX_VALUE,
     .preset = "512mb",
     .summary = "length of one argument"},
    {.name = "client-query-buffer-limit",
     .kind = OPTION_MEMORY,
     .at = offsetof(struct settings, max_query),
     .min = 1 << 20,
     .max = INT64_MAX,
     .preset = "1gb",
     .summary = "memory that the request of one client may take while it comes in"},
    {.name = "maxmemory-clients",
     .kind = OPTION_PART,
     .at = offsetof(struct settings, clients_memory),
     .max = INT64_MAX,
     .preset = "0",
     .summary = "memory that the requests and replies of all clients may take together, over which "
                "those with the most are closed; a percentage is of maxmemory; 0 = no limit"},
    {.name = "client-output-buffer-limit",
     .kind = OPTION_LIMITS,
     .preset = "normal 256mb 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
     .summary = "class, hard limit, soft limit, seconds: memory that unread replies may take"},
    {.name = NULL},
};

static size_t held_bytes(const struct connection *c)
{
    return c->in.cap + c->parser.held_bytes + c->out.held +
           atomic_load_explicit(&c->client.transaction_bytes, memory_order_relaxed);
}

bool connection_charge(struct connection *c)
{
    struct server *s = c->client.worker->server;
    size_t held = held_bytes(c);
    atomic_store_explicit(&c->client.held_bytes, held, memory_order_relaxed);
    if (held < c->charged + CHARGE_STEP && (c->charged < CHARGE_STEP || held >= c->charged))
        return true;
    size_t now = held / CHARGE_STEP * CHARGE_STEP;
    if (now > c->charged && !cache_may_charge(s->cache, now - c->charged))
        return false;
    int64_t more = (int64_t)now - (int64_t)c->charged;
    cache_charge(s->cache, more);
    c->charged = now;
    return client_memory_changed(c->client.worker, &c->client, more);
}

void connection_give_back(struct connection *c, size_t bytes)
{
    size_t n = bytes < c->charged ? bytes : c->charged;
    c->charged -= n;
    cache_charge(c->client.worker->server->cache, -(int64_t)n);
    (void)client_memory_changed(c->client.worker, &c->client, -(int64_t)n);
}

bool connection_over_query_limit(struct connection *c)
{
    struct worker *w = c->client.worker;
    size_t limit = c->client.authenticated ? (size_t)setting_get(&w->server->settings.max_query)
                                           : STRANGER_INPUT;
    size_t there = c->in.len + c->parser.held_bytes +
                   atomic_load_explicit(&c->client.transaction_bytes, memory_order_relaxed);
    atomic_store_explicit(&c->client.in_bytes, there, memory_order_relaxed);
    if (there > counter_get(&w->stats.largest_in))
        counter_set(&w->stats.largest_in, there);
    if (there <= limit)
        return false;
    counter_add(&w->stats.query_limit_closed, 1);
    return true;
}

bool connection_over_output_limit(struct connection *c)
{
    struct worker *w = c->client.worker;
    struct output_limit *limit =
        &w->server->settings.output[c->client.subscriber ? OUTPUT_PUBSUB : OUTPUT_NORMAL];
    size_t hard = (size_t)setting_get(&limit->hard), soft = (size_t)setting_get(&limit->soft);
    size_t held = c->out.held;
    atomic_store_explicit(&c->client.out_bytes, c->out.bytes, memory_order_relaxed);
    if (held > counter_get(&w->stats.largest_out))
        counter_set(&w->stats.largest_out, held);
    if (soft == 0 || held <= soft)
        c->soft_since_ms = 0;
    else if (c->soft_since_ms == 0)
        c->soft_since_ms = w->now_ms;
    bool over = (hard > 0 && held > hard) ||
                (!c->client.authenticated && c->out.bytes > STRANGER_OUTPUT) ||
                (c->soft_since_ms > 0 &&
                 w->now_ms - c->soft_since_ms > setting_get(&limit->soft_seconds) * 1000);
    if (over)
        counter_add(&w->stats.output_limit_closed, 1);
    return over;
}

void connection_cron(struct connection *c)
{
    if (c->transport.handshaking && tls_is_late(c->client.worker->server, &c->client)) {
        connection_close(c);
        return;
    }
    struct worker *w = c->client.worker;
    const struct settings *s = &w->server->settings;
    int64_t idle = w->now_ms - atomic_load_explicit(&c->client.active_ms, memory_order_relaxed);
    int64_t most = setting_get(&s->timeout) * 1000;
    int64_t stalled = setting_get(&s->write_timeout) * 1000;
    bool waits = c->out.head != NULL;
    if (c->paused)
        return;
    if ((most > 0 && !waits && idle > most && !c->client.subscriber) ||
        (stalled > 0 && waits && idle > stalled)) {
        counter_add(&w->stats.idle_closed, 1);
        connection_close(c);
    } else if (waits && connection_over_output_limit(c)) {
        connection_close(c);
    }
}
