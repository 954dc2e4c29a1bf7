/* CLIENT PAUSE, UNPAUSE and UNBLOCK. */
#include "cmd_pause.h"

#include "server.h"

/* A pause ends within what a word of struct pause holds. */
#define PAUSE_MOST_MS ((int64_t)1 << 60)

static bool read_timeout(struct request *rq, size_t i, int64_t *end_ms)
{
    int64_t ms;
    const char *fault = NULL;
    if (!request_parse_integer(rq, i, &ms))
        fault = "ERR timeout is not an integer or out of range";
    else if (ms < 0)
        fault = "ERR timeout is negative";
    else if (ms > PAUSE_MOST_MS)
        fault = "ERR timeout is out of range";
    if (fault != NULL)
        resp_error(rq->out, fault);
    else
        *end_ms = ms == 0 ? 0 : rq->now_ms + ms;
    return fault == NULL;
}

void client_pause(struct request *rq)
{
    int64_t end_ms;
    bool writes = rq->argc == 4 && request_is(rq, 3, "write");
    if (rq->argc > 4)
        reply_subcommand_error(rq, "CLIENT");
    else if (rq->argc == 4 && !writes && !request_is(rq, 3, "all"))
        resp_error(rq->out, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    else if (read_timeout(rq, 2, &end_ms)) {
        pause_begin(&rq->server->pause, rq->now_ms, end_ms, !writes);
        resp_ok(rq->out);
    }
}

void client_unpause(struct request *rq)
{
    pause_end(&rq->server->pause);
    resp_ok(rq->out);
}

/* No command blocks, so that nobody is ever woken. */
void client_unblock(struct request *rq)
{
    int64_t id;
    if (rq->argc > 4)
        reply_subcommand_error(rq, "CLIENT");
    else if (rq->argc == 4 && !request_is(rq, 3, "timeout") && !request_is(rq, 3, "error"))
        resp_error(rq->out, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    else if (request_integer(rq, 2, &id))
        resp_integer(rq->out, 0);
}
