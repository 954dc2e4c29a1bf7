/* LATENCY. */
#include <string.h>

#include "latency_graph.h"
#include "server.h"
#include "text.h"

/* ---- the events of the monitor ---- */

static void latency_latest(struct request *rq)
{
    struct latency_series s[LATENCY_EVENTS];
    size_t n = 0;
    for (unsigned e = 0; e < LATENCY_EVENTS; e++)
        n += latency_read(&rq->server->latency, e, &s[e]);
    resp_array(rq->out, n);
    for (unsigned e = 0; e < LATENCY_EVENTS; e++) {
        if (s[e].count == 0)
            continue;
        const struct latency_sample *last = &s[e].samples[s[e].count - 1];
        resp_array(rq->out, 4);
        resp_bulk(rq->out, latency_name(e), strlen(latency_name(e)));
        resp_integer(rq->out, last->at_s);
        resp_integer(rq->out, last->ms);
        resp_integer(rq->out, s[e].max_ms);
    }
}

static enum latency_event find_event(struct request *rq, size_t i)
{
    const struct resp_arg *a = &rq->argv[i];
    return a->ptr == NULL ? LATENCY_EVENTS : latency_find(a->ptr, a->len);
}

static void latency_history(struct request *rq)
{
    struct latency_series s = {0};
    enum latency_event e = find_event(rq, 2);
    if (e < LATENCY_EVENTS)
        (void)latency_read(&rq->server->latency, e, &s);
    resp_array(rq->out, s.count);
    for (unsigned i = 0; i < s.count; i++) {
        resp_array(rq->out, 2);
        resp_integer(rq->out, s.samples[i].at_s);
        resp_integer(rq->out, s.samples[i].ms);
    }
}

static void latency_reset_command(struct request *rq)
{
    int64_t reset = 0;
    for (unsigned e = 0; rq->argc == 2 && e < LATENCY_EVENTS; e++)
        reset += latency_reset(&rq->server->latency, e);
    for (size_t i = 2; i < rq->argc; i++) {
        enum latency_event e = find_event(rq, i);
        if (e < LATENCY_EVENTS)
            reset += latency_reset(&rq->server->latency, e);
    }
    resp_integer(rq->out, reset);
}

static void reply_text(struct request *rq, struct text *t)
{
    if (t->failed)
        reply_oom(rq);
    else
        resp_verbatim(rq->out, "txt", t->bytes, t->len);
    text_free(t);
}

static void latency_graph(struct request *rq)
{
    struct latency_series s;
    enum latency_event e = find_event(rq, 2);
    if (e == LATENCY_EVENTS || !latency_read(&rq->server->latency, e, &s)) {
        char name[129];
        size_t len = rq->argv[2].len < sizeof name - 1 ? rq->argv[2].len : sizeof name - 1;
        resp_arg_copy(&rq->argv[2], 0, len, name);
        resp_errorf(rq->out, "ERR No samples available for event '%.*s'", (int)len, name);
        return;
    }
    struct text t = {0};
    latency_draw(&t, latency_name(e), &s, rq->now_ms / 1000);
    reply_text(rq, &t);
}

static void latency_doctor(struct request *rq)
{
    struct text t = {0};
    long long threshold = (long long)setting_get(&rq->server->settings.latency_ms);
    if (threshold == 0)
        text_printf(&t, "The latency monitor is off. Turn it on with \"CONFIG SET "
                        "latency-monitor-threshold <milliseconds>\".\n");
    for (unsigned e = 0; e < LATENCY_EVENTS; e++) {
        struct latency_series s;
        if (!latency_read(&rq->server->latency, e, &s) || s.count == 0)
            continue;
        long long sum = 0;
        for (unsigned i = 0; i < s.count; i++)
            sum += s.samples[i].ms;
        text_printf(&t, "%s: %u spikes, %lld ms in the mean, %lld ms the longest of all time.\n",
                    latency_name(e), s.count, sum / s.count, (long long)s.max_ms);
    }
    if (t.len == 0)
        text_printf(&t, "No command took %lld ms or longer.\n", threshold);
    else if (threshold > 0)
        text_printf(&t,
                    "SLOWLOG GET shows which commands they were (slowlog-log-slower-than is "
                    "%lld us). Commands about many keys or long values are best split; "
                    "MEMORY DOCTOR tells whether memory is short.\n",
                    (long long)setting_get(&rq->server->settings.slowlog_us));
    reply_text(rq, &t);
}

/* ---- histograms ---- */

#define EDGES 24 /* 1 us to 8 s */

/* Those buckets that hold anything, each with how many took at most so long. */
static void put_histogram(struct request *rq, const struct histogram_sum *sum)
{
    uint64_t up_to[EDGES], before = 0;
    size_t n = 0;
    for (unsigned i = 0; i < EDGES; i++) {
        up_to[i] = i + 1 < EDGES ? histogram_up_to(sum, 1ull << i) : sum->total;
        n += up_to[i] > before;
        before = up_to[i];
    }
    resp_map(rq->out, 2);
    resp_bulk(rq->out, "calls", 5);
    resp_integer(rq->out, (int64_t)sum->total);
    resp_bulk(rq->out, "histogram_usec", 14);
    resp_map(rq->out, n);
    before = 0;
    for (unsigned i = 0; i < EDGES; i++) {
        if (up_to[i] > before) {
            resp_integer(rq->out, (int64_t)1 << i);
            resp_integer(rq->out, (int64_t)up_to[i]);
        }
        before = up_to[i];
    }
}

/* Whether the row is one of those asked for: by its name, or by that of its container. */
static bool is_asked_for(const struct request *rq, const struct command *c, const char *name)
{
    for (size_t i = 2; i < rq->argc; i++)
        if (request_is(rq, i, name) ||
            (c->container != NULL && request_is(rq, i, c->container->name)))
            return true;
    return rq->argc == 2;
}

/* Looks at all rows; replies when `put` says so. Returns how many have been called. */
static size_t each_histogram(struct request *rq, bool put, size_t most)
{
    const struct command_table *t = rq->server->commands;
    size_t n = 0;
    for (size_t row = 0; row < command_row_count(t) && n < most; row++) {
        struct histogram_sum sum;
        char name[COMMAND_NAME_MAX];
        const struct command *c = command_at(t, row);
        if (c->name == NULL)
            continue;
        command_full_name(c, name, sizeof name);
        if (!is_asked_for(rq, c, name))
            continue;
        server_command_times(rq->server, row, &sum);
        if (sum.total == 0)
            continue;
        n++;
        if (!put)
            continue;
        resp_bulk(rq->out, name, strlen(name));
        put_histogram(rq, &sum);
    }
    return n;
}

/* Other workers may count a first call meanwhile: what was announced is what comes. */
static void latency_histogram(struct request *rq)
{
    size_t n = each_histogram(rq, false, SIZE_MAX);
    resp_map(rq->out, n);
    for (size_t put = each_histogram(rq, true, n); put < n; put++) {
        resp_bulk(rq->out, "", 0);
        resp_map(rq->out, 0);
    }
}

static const char *const help_lines[] = {
    "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Return a human readable latency analysis report.",
    "GRAPH <event>",
    "    Return an ASCII latency graph for the <event> class.",
    "HISTORY <event>",
    "    Return time-latency samples for the <event> class.",
    "LATEST",
    "    Return the latest latency samples for all events.",
    "RESET [<event> ...]",
    "    Reset latency data of one or more <event> classes.",
    "    (default: reset all data for all event classes)",
    "HISTOGRAM [COMMAND ...]",
    ("    Return a cumulative distribution of latencies in the format of a histogram for the "
     "specified command names."),
    "    If no commands are specified then all histograms are replied.",
    NULL,
};

static void latency_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define ADMIN                                                                                      \
    .group = GROUP_SERVER,                                                                         \
    .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_DANGEROUS

static const struct command subcommands[] = {
    {.name = "doctor",
     .fn = latency_doctor,
     .arity = 2,
     ADMIN,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns a human-readable latency analysis report.",
     .args = ""},
    {.name = "graph",
     .fn = latency_graph,
     .arity = 3,
     ADMIN,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns a latency graph for an event.",
     .args = "event"},
    {.name = "help",
     .fn = latency_help,
     .arity = 2,
     .group = GROUP_SERVER,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "histogram",
     .fn = latency_histogram,
     .arity = -2,
     ADMIN,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands with latency information being "
                   "retrieved",
     .summary = "Returns the cumulative distribution of latencies of a subset or all commands.",
     .args = "[command ...]",
     .differs = "Commands of constant time that came in one pipeline each count with an even share "
                "of its time."},
    {.name = "history",
     .fn = latency_history,
     .arity = 3,
     ADMIN,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns timestamp-latency samples for an event.",
     .args = "event"},
    {.name = "latest",
     .fn = latency_latest,
     .arity = 2,
     ADMIN,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns the latest latency samples for all events.",
     .args = "",
     .differs = "The events are command and fast-command: nothing else makes clients wait here."},
    {.name = "reset",
     .fn = latency_reset_command,
     .arity = -2,
     ADMIN,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Resets the latency data for one or more events.",
     .args = "[event ...]"},
    {.name = NULL},
};

const struct command commands_latency[] = {
    {.name = "latency",
     .arity = -2,
     .group = GROUP_SERVER,
     .subcommands = subcommands,
     .since = "2.8.13",
     .complexity = "Depends on subcommand.",
     .summary = "A container for latency diagnostics commands.",
     .args = ""},
    {.name = NULL},
};
