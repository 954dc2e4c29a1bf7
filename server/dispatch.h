/* From a parsed request to its handler. */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "worker.h"

/* Finds the command, hashes its first key and has the memory of its bucket fetched. Inside
 * cache_enter(), like the rest. */
void dispatch_prepare(struct client *c, const struct resp_parser *p, struct batch_item *item);
/* Around the runs of one batch, for the statistics; `n` = how many of the worker's batch ran. */
void dispatch_begin(struct worker *w);
void dispatch_end(struct worker *w, unsigned n);
/* Runs one; its reply goes to the worker's writer. */
void dispatch_run(struct client *c, struct resp_parser *p, struct batch_item *item);
/* Runs a command of a transaction or a script, whose row in the table is `row`. */
void dispatch_call(struct request *rq, const struct command *row);

#endif
