/* The INFO command. */
#include "info.h"

#include <string.h>

enum when {
    IN_DEFAULT, /* without arguments */
    IN_ALL,
    WHEN_NAMED,
};

static const struct section {
    const char *name, *title;
    enum when when;
    info_fn *write;
} sections[] = {
    {"server", "Server", IN_DEFAULT, info_server},
    {"clients", "Clients", IN_DEFAULT, info_clients},
    {"memory", "Memory", IN_DEFAULT, info_memory},
    {"compression", "Compression", IN_DEFAULT, info_compression},
    {"zspool", "Zspool", IN_DEFAULT, info_zspool},
    {"ladder", "Ladder", IN_DEFAULT, info_ladder},
    {"persistence", "Persistence", IN_DEFAULT, info_persistence},
    {"stats", "Stats", IN_DEFAULT, info_stats},
    {"replication", "Replication", IN_DEFAULT, info_replication},
    {"cpu", "CPU", IN_DEFAULT, info_cpu},
    {"modules", "Modules", IN_DEFAULT, NULL}, /* there are none */
    {"commandstats", "Commandstats", IN_ALL, info_commands},
    {"errorstats", "Errorstats", IN_DEFAULT, info_errors},
    {"latencystats", "Latencystats", IN_ALL, info_latencies},
    {"cluster", "Cluster", IN_DEFAULT, info_cluster},
    {"keyspace", "Keyspace", IN_DEFAULT, info_keyspace},
    {"zspool-classes", "Zspool-classes", WHEN_NAMED, info_classes},
};

#define SECTIONS (sizeof sections / sizeof sections[0])

static bool is_wanted(const struct request *rq, const struct section *s)
{
    if (rq->argc == 1)
        return s->when == IN_DEFAULT;
    for (size_t i = 1; i < rq->argc; i++) {
        if (request_is(rq, i, s->name) || (request_is(rq, i, "default") && s->when == IN_DEFAULT) ||
            ((request_is(rq, i, "all") || request_is(rq, i, "everything")) &&
             s->when != WHEN_NAMED))
            return true;
    }
    return false;
}

static void info_command(struct request *rq)
{
    struct info i = {.server = rq->server, .worker = rq->worker, .now_ms = rq->now_ms};
    cache_stats(rq->server->cache, &i.cache);
    for (size_t n = 0; n < SECTIONS; n++) {
        if (!is_wanted(rq, &sections[n]))
            continue;
        text_printf(&i.text, "%s# %s\r\n", i.text.len > 0 ? "\r\n" : "", sections[n].title);
        if (sections[n].write != NULL)
            sections[n].write(&i);
    }
    if (i.text.failed)
        reply_oom(rq);
    else
        resp_verbatim(rq->out, "txt", i.text.len > 0 ? i.text.bytes : "", i.text.len);
    text_free(&i.text);
}

const struct command commands_info[] = {
    {.name = "info",
     .fn = info_command,
     .arity = -1,
     .flags = CMD_LOADING | CMD_STALE | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "1.0.0",
     .complexity = "O(N) where N is the number of sections; zspool and zspool-classes look at each "
                   "size class",
     .summary = "Returns information and statistics about the server.",
     .args = "[section ...]",
     .differs = "Further sections: compression, zspool, ladder and, when asked for by name, "
                "zspool-classes."},
    {.name = NULL},
};
