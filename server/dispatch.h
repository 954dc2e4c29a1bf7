/* From a parsed request to its handler. */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "net/worker.h"

/* Finds the command, hashes its first key and has the memory of its bucket fetched. Inside
 * cache_enter(), like the rest. */
void dispatch_prepare(struct client *c, const struct resp_parser *p, struct batch_item *item);
/* Runs one; its reply goes to the worker's writer. item->command is then what ran, or NULL when its
 * time has been taken or nothing ran. */
void dispatch_run(struct client *c, struct resp_parser *p, struct batch_item *item);
/* False for a command that stores while the cap leaves room for nothing. */
bool dispatch_has_room(const struct request *rq);
/* Runs a command of a transaction or a script. */
void dispatch_call(struct request *rq);

#endif
