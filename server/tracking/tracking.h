/* Client-side caching: clients that keep what they read are told when it changes.
 *
 * A client is put down for a key before it reads it, and a change is told after it was made: so
 * whoever got the old value is told, by a mail to its worker. Mail is read between the requests of
 * clients, so that the message comes after the reply. A message that cannot be sent for lack of
 * memory becomes the advice to forget everything. */
#ifndef SERVER_TRACKING_H
#define SERVER_TRACKING_H

#include "clients/client.h"
#include "net/mailbox.h"
#include "track_table.h"

struct server;
struct worker;

enum tracking_flags {
    TRACKING_ON = 1,
    TRACKING_BCAST = 2,
    TRACKING_OPTIN = 4,
    TRACKING_OPTOUT = 8,
    TRACKING_NOLOOP = 16,
    TRACKING_CACHING = 32, /* CLIENT CACHING came */
    TRACKING_SPENT = 64,   /* and the command that it was meant for */
    TRACKING_BROKEN = 128, /* the client that got the messages in its place is gone */
};
#define TRACKING_MODES (TRACKING_BCAST | TRACKING_OPTIN | TRACKING_OPTOUT | TRACKING_NOLOOP)

/* Which hooks the clients want. */
unsigned tracking_hooks(const struct server *s);
/* `modes` of TRACKING_MODES; `redirect` = client that gets the messages, 0 = the same. */
void tracking_on(struct client *c, unsigned modes, uint64_t redirect);
void tracking_off(struct client *c);

/* Before a command of a client that tracks. `inner`: one of a transaction or script. */
void tracking_before(struct request *rq, bool inner);
/* A key has changed or gone. `from` did it; NULL = nobody. Any thread. */
void tracking_changed(struct server *s, struct client *from, unsigned db, const void *key,
                      size_t len);
/* All keys have gone. Any thread. */
void tracking_flushed(struct server *s);

/* Mail about invalidated keys. */
void tracking_deliver(struct worker *w, const struct mail *m);
/* Has all clients of the worker told to forget everything: a message to one of them was lost. Any
 * thread. */
void tracking_lost(struct worker *w);
/* Does so. */
void tracking_tell_all(struct worker *w);

#endif
