/* MONITOR: clients that see all commands. */
#ifndef SERVER_MONITOR_H
#define SERVER_MONITOR_H

#include "clients/client.h"
#include "net/mailbox.h"

struct server;
struct worker;

/* Which hooks the clients want. */
unsigned monitor_hooks(const struct server *s);
/* Shows the command to them, unless it is one of those that are not shown. */
void monitor_show(struct request *rq);
/* Such a line has come by mail. */
void monitor_deliver(struct worker *w, const struct mail *m);
/* The client sees no more of them. */
void monitor_leave(struct client *c);

#endif
