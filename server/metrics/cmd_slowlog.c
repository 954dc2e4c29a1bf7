/* SLOWLOG. */
#include "server.h"

#define GET_DEFAULT 10

static void put_count(void *arg, size_t n)
{
    resp_array(arg, n);
}

static void put_text(struct resp_out *out, struct slow_text t)
{
    resp_bulk(out, t.bytes, t.len);
}

static void put_entry(void *arg, const struct slow_entry *e)
{
    struct resp_out *out = arg;
    resp_array(out, 6);
    resp_integer(out, e->id);
    resp_integer(out, e->at_s);
    resp_integer(out, e->us);
    resp_array(out, e->argc);
    for (size_t i = 0; i < e->argc; i++)
        put_text(out, e->args[i]);
    put_text(out, e->address);
    put_text(out, e->name);
}

static void slowlog_get(struct request *rq)
{
    int64_t most = GET_DEFAULT;
    if (rq->argc > 3) {
        reply_arity_error(rq);
        return;
    }
    if (rq->argc == 3 && (!request_parse_integer(rq, 2, &most) || most < -1)) {
        resp_error(rq->out, "ERR count should be greater than or equal to -1");
        return;
    }
    slowlog_each(&rq->server->slowlog, most < 0 ? SIZE_MAX : (size_t)most, put_count, put_entry,
                 rq->out);
}

static void slowlog_len_command(struct request *rq)
{
    resp_integer(rq->out, (int64_t)slowlog_len(&rq->server->slowlog));
}

static void slowlog_reset_command(struct request *rq)
{
    slowlog_reset(&rq->server->slowlog, rq->server->cache);
    resp_ok(rq->out);
}

static const char *const help_lines[] = {
    "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET [<count>]",
    "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
    "    Entries are made of:",
    "    id, timestamp, time in microseconds, arguments array, client IP and port,",
    "    client name",
    "LEN",
    "    Return the length of the slowlog.",
    "RESET",
    "    Reset the slowlog.",
    NULL,
};

static void slowlog_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define ADMIN .group = GROUP_SERVER, .flags = CMD_ADMIN | CMD_LOADING | CMD_STALE | CMD_DANGEROUS

static const struct command subcommands[] = {
    {.name = "get",
     .fn = slowlog_get,
     .arity = -2,
     ADMIN,
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries returned",
     .summary = "Returns the slow log's entries.",
     .args = "[count]",
     .differs = "Commands of constant time that came in one pipeline are timed together: such an "
                "entry has the command with the longest arguments and the time of all, unless "
                "slowlog-log-slower-than is under 1000. Arguments over 32 KiB show their length "
                "alone."},
    {.name = "help",
     .fn = slowlog_help,
     .arity = 2,
     .group = GROUP_SERVER,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "len",
     .fn = slowlog_len_command,
     .arity = 2,
     ADMIN,
     .since = "2.2.12",
     .complexity = "O(1)",
     .summary = "Returns the number of entries in the slow log.",
     .args = ""},
    {.name = "reset",
     .fn = slowlog_reset_command,
     .arity = 2,
     ADMIN,
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries in the slow log",
     .summary = "Clears all entries from the slow log.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_slowlog[] = {
    {.name = "slowlog",
     .arity = -2,
     .group = GROUP_SERVER,
     .subcommands = subcommands,
     .since = "2.2.12",
     .complexity = "Depends on subcommand.",
     .summary = "A container for slow log commands.",
     .args = ""},
    {.name = NULL},
};
