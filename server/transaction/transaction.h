/* What MULTI collects and WATCH remembers for one client. */
#ifndef SERVER_TRANSACTION_H
#define SERVER_TRANSACTION_H

#include "clients/client.h"

struct watched;

/* A command that waits for EXEC, in one piece of memory:
 *
 *   | struct queued | argv[0] argv[1] ... | bytes of the arguments ... |
 */
struct queued {
    struct queued *next;
    const struct command *command; /* the row, or the row of the subcommand */
    size_t argc;
    struct resp_arg argv[];
};

struct transaction {
    bool open;   /* since MULTI */
    bool broken; /* a command was refused, so EXEC will be, too */
    struct queued *first, **last;
    struct watched *watched;
};

/* The client's, made when there is none. NULL: no memory. */
struct transaction *transaction_of(struct client *c);
/* Puts the command of the request at the end. False: no memory. How much
 * there may be is limited by what one client may send (connection_over_query_limit()). */
bool transaction_queue(struct request *rq);
/* Takes it from the client, whose watches end; the caller frees it. */
struct transaction *transaction_take(struct client *c);
void transaction_free(struct transaction *t);
/* Forgets commands and watches. */
void transaction_end(struct client *c);

/* ---- what the dispatcher asks; cmd_transaction.c ---- */

static inline bool transaction_is_open(const struct client *c)
{
    return c->transaction != NULL && c->transaction->open;
}
/* Queues a command that may run. Replies QUEUED, or the error. */
void transaction_add(struct request *rq);
/* A command was refused, and its error is what the writer holds from `before` on. */
void transaction_refused(struct request *rq, size_t before);

#endif
