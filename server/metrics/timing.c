#include "timing.h"

#include "base/clock.h"
#include "options/option.h"
#include "server.h"

const struct option options_timing[] = {
    {.name = "slowlog-log-slower-than",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, slowlog_us),
     .min = -1,
     .max = INT64_MAX,
     .preset = "10000",
     .summary = "microseconds that a command must take to be kept in the slow log; -1 = none is "
                "kept. Under 1000 each command is timed alone, which costs; else those of constant "
                "time that come together are timed together"},
    {.name = "slowlog-max-len",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, slowlog_max),
     .max = INT64_MAX,
     .preset = "128",
     .summary = "commands that the slow log keeps"},
    {.name = "latency-monitor-threshold",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, latency_ms),
     .max = INT32_MAX,
     .preset = "0",
     .summary = "milliseconds that a command must take to be kept by LATENCY; 0 = off"},
    {.name = "latency-tracking",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, latency_tracking),
     .max = 1,
     .preset = "yes",
     .summary = "whether the times of each command are counted for INFO latencystats and LATENCY "
                "HISTOGRAM"},
    {.name = NULL},
};

static uint64_t ticks_of(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns * TICKS_PER_US / 1000 : 0;
}

/* Whether the slow log or the latency monitor wants to know of a command; it is rare that they do.
 * Divided, and not multiplied, since an option may be any number. */
static bool is_slow(const struct settings *s, int64_t ns)
{
    int64_t slow_us = setting_get(&s->slowlog_us);
    return slow_us >= 0 && ns / 1000 >= slow_us;
}

static bool is_late(const struct settings *s, int64_t ns)
{
    int64_t latency_ms = setting_get(&s->latency_ms);
    return latency_ms > 0 && ns / 1000000 >= latency_ms;
}

static bool is_notable(const struct settings *s, int64_t ns)
{
    return is_slow(s, ns) || is_late(s, ns);
}

static void note(const struct request *rq, int64_t ns)
{
    struct server *server = rq->server;
    const struct settings *s = &server->settings;
    if (is_slow(s, ns) && !(rq->command->flags & CMD_SKIP_SLOWLOG))
        slowlog_add(&server->slowlog, rq, ns / 1000, (size_t)setting_get(&s->slowlog_max));
    if (is_late(s, ns))
        latency_add(&server->latency,
                    rq->command->flags & CMD_FAST ? LATENCY_FAST_COMMAND : LATENCY_COMMAND,
                    rq->now_ms / 1000, ns / 1000000);
}

void timing_begin(struct worker *w)
{
    int64_t slow_us = setting_get(&w->server->settings.slowlog_us);
    w->time_each = slow_us >= 0 && slow_us < TIMING_EACH_US;
    w->batch_ns = clock_mono_ns();
    w->alone_ns = 0;
}

int64_t timing_call(struct request *rq, struct command_count *count)
{
    const struct settings *s = &rq->server->settings;
    int64_t start = clock_mono_ns();
    rq->command->fn(rq);
    int64_t spent = clock_mono_ns() - start;
    command_stats_time(count, ticks_of(spent), 1, setting_get(&s->latency_tracking));
    if (is_notable(s, spent))
        note(rq, spent);
    return spent;
}

void timing_run(struct request *rq, struct command_count *count)
{
    rq->worker->alone_ns += timing_call(rq, count);
}

/* ---- batches ---- */

static size_t argument_bytes(const struct resp_parser *p)
{
    size_t bytes = 0;
    for (size_t i = 0; i < p->argc; i++)
        bytes += p->argv[i].len;
    return bytes;
}

static void note_batch(struct worker *w, struct client *c, unsigned n, int64_t ns)
{
    unsigned longest = n;
    size_t most = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t bytes = argument_bytes(&w->parsers[i]);
        if (w->batch[i].command == NULL || (longest < n && bytes <= most))
            continue;
        longest = i;
        most = bytes;
    }
    const struct request rq = {
        .server = w->server,
        .worker = w,
        .client = c,
        .cache = w->cache,
        .command = w->batch[longest].command,
        .argc = w->parsers[longest].argc,
        .argv = w->parsers[longest].argv,
        .now_ms = w->now_ms,
    };
    note(&rq, ns);
}

void timing_end(struct worker *w, struct client *c, unsigned n)
{
    const struct settings *s = &w->server->settings;
    unsigned timed = 0;
    for (unsigned i = 0; i < n; i++)
        timed += w->batch[i].command != NULL;
    counter_add(&w->stats.commands, n);
    if (timed == 0)
        return;
    int64_t spent = clock_mono_ns() - w->batch_ns - w->alone_ns;
    uint64_t share = ticks_of(spent) / timed;
    bool classes = setting_get(&s->latency_tracking);
    /* A pipeline is mostly the same command over and over. */
    for (unsigned i = 0, same; i < n; i += same) {
        const struct command *command = w->batch[i].command;
        for (same = 1; i + same < n && w->batch[i + same].command == command;)
            same++;
        if (command != NULL)
            command_stats_time(&w->commands.counts[command_index(w->server->commands, command)],
                               share, same, classes);
    }
    if (is_notable(s, spent))
        note_batch(w, c, n, spent);
}
