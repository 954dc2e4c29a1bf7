/* Commands that clients send to any Redis, and that have one answer here: replication and cluster.
 */
#include <string.h>

#include "internal.h"

/* Nobody replicates this server, so nobody ever acknowledges. */
static void wait_command(struct request *rq)
{
    int64_t replicas, timeout;
    if (!request_integer(rq, 1, &replicas))
        return;
    if (!request_parse_integer(rq, 2, &timeout))
        resp_error(rq->out, "ERR timeout is not an integer or out of range");
    else if (timeout < 0)
        resp_error(rq->out, "ERR timeout is negative");
    else
        resp_integer(rq->out, 0);
}

static void role_command(struct request *rq)
{
    resp_array(rq->out, 3);
    resp_bulk(rq->out, "master", 6);
    resp_integer(rq->out, 0);
    resp_array(rq->out, 0);
}

static void cluster_disabled(struct request *rq)
{
    resp_error(rq->out, "ERR This instance has cluster support disabled");
}

/* Harmless where no slot is ever elsewhere, and some clients send them to any server. */
static void accept_command(struct request *rq)
{
    resp_ok(rq->out);
}

static const char lolwut[] = "        .--------.\n"
                             "   .----|  zip!  |----.\n"
                             "   |####'--------'####|\n"
                             "   '------------------'\n"
                             "\n"
                             "Redis ver. 7.2.0 (zscache)\n";

static void lolwut_command(struct request *rq)
{
    resp_verbatim(rq->out, "txt", lolwut, sizeof lolwut - 1);
}

#define ACCEPTED                                                                                   \
    .group = GROUP_CONNECTION, .complexity = "O(1)", .flags = CMD_FAST | CMD_LOADING | CMD_STALE,  \
    .since = "3.0.0", .args = "", .differs = "Answers OK though there is no cluster mode."

const struct command commands_compat[] = {
    {.name = "wait",
     .fn = wait_command,
     .arity = 3,
     .flags = CMD_BLOCKING | CMD_CONNECTION,
     .group = GROUP_GENERIC,
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary = "Blocks until the asynchronous replication of all preceding write commands sent by "
                "the connection is completed.",
     .args = "numreplicas timeout",
     .differs = "There are no replicas: answers 0 at once."},
    {.name = "role",
     .fn = role_command,
     .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ADMIN | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "2.8.12",
     .complexity = "O(1)",
     .summary = "Returns the replication role.",
     .args = "",
     .differs = "Always a master without replicas."},
    {.name = "lolwut",
     .fn = lolwut_command,
     .arity = -1,
     .flags = CMD_READONLY | CMD_FAST,
     .group = GROUP_SERVER,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Displays computer art and the version.",
     .args = "[VERSION version]"},
    {.name = "readonly",
     .fn = accept_command,
     .arity = 1,
     ACCEPTED,
     .summary = "Enables read-only queries for a connection to a cluster replica node."},
    {.name = "readwrite",
     .fn = accept_command,
     .arity = 1,
     ACCEPTED,
     .summary = "Enables read-write queries for a connection to a cluster replica node."},
    {.name = "asking",
     .fn = accept_command,
     .arity = 1,
     ACCEPTED,
     .summary = "Signals that a cluster client is following an -ASK redirect."},
    {.name = "cluster",
     .fn = cluster_disabled,
     .arity = -2,
     .flags = CMD_STALE,
     .group = GROUP_SERVER,
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary = "A container for cluster commands.",
     .args = "",
     .differs = "There is no cluster mode: always answers the error of a Redis without it."},
    {.name = NULL},
};
