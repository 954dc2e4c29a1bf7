/* Commands about copies of the data, on disk and on other servers. There are none, and who asks for
 * one should hear it. */
#include "server.h"

static void lastsave_command(struct request *rq)
{
    resp_integer(rq->out, rq->server->start_ms / 1000);
}

static void refuse_to_save(struct request *rq)
{
    resp_error(rq->out, "ERR Nothing can be saved: this server keeps no data on disk");
}

/* What it is already, a master, it may be told to become. */
static void replicaof_command(struct request *rq)
{
    if (request_is(rq, 1, "no") && request_is(rq, 2, "one"))
        resp_ok(rq->out);
    else
        resp_error(rq->out, "ERR Replication is not supported");
}

#define ADMIN .group = GROUP_SERVER, .complexity = "O(1)", .since = "1.0.0"
#define SAVE                                                                                       \
    ADMIN, .fn = refuse_to_save, .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_DANGEROUS,                \
           .differs = "Answers an error: nothing is ever saved."
#define REPLICAOF                                                                                  \
    ADMIN, .fn = replicaof_command, .arity = 3, .args = "host port",                               \
           .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE | CMD_DANGEROUS,                          \
           .differs = "NO ONE alone is taken, since the server is a master."

const struct command commands_save[] = {
    {.name = "save",
     SAVE,
     .arity = 1,
     .summary = "Synchronously saves the database(s) to disk.",
     .args = ""},
    {.name = "bgsave",
     SAVE,
     .arity = -1,
     .summary = "Asynchronously saves the database(s) to disk.",
     .args = "[SCHEDULE]"},
    {.name = "bgrewriteaof",
     SAVE,
     .arity = 1,
     .summary = "Asynchronously rewrites the append-only file to disk.",
     .args = ""},
    {.name = "lastsave",
     ADMIN,
     .fn = lastsave_command,
     .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ADMIN | CMD_DANGEROUS,
     .summary = "Returns the Unix timestamp of the last successful save to disk.",
     .args = "",
     .differs = "The time of the start, as from a Redis that has not saved yet."},
    {.name = "replicaof",
     REPLICAOF,
     .summary = "Configures a server as replica of another, or promotes it to a master."},
    {.name = "slaveof",
     REPLICAOF,
     .summary = "Sets a server as a replica of another, or promotes it to being a master."},
    {.name = NULL},
};
