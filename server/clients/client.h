/* The session of a client: what its commands see. One with a connection is in the registry. */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "metrics/counter.h"
#include "pubsub/fanout.h"

struct acl_user;
struct connection;

enum client_reply { REPLY_ON, REPLY_OFF, REPLY_SKIP_NEXT, REPLY_SKIP };

#define CLIENT_ADDRESS 64

/*  Three kinds of fields:
 *   - the owner's: used by the worker of the client alone;
 *   - seen: written by the owner alone, read by all who hold the registry's lock;
 *   - named: read and written under the registry's lock. */
struct client {
    /* the owner's */
    struct worker *worker;
    struct connection *connection; /* NULL: a script's client */
    bool authenticated, no_touch;
    enum client_reply reply;
    uint8_t proto;
    bool subscriber; /* to channels */
    bool pushed;     /* the command's reply is a push: CLIENT REPLY does not silence it */
    struct subscription *subscriptions[TOPIC_KINDS];
    /* see acl.h: the state of all users at the last look at this one's rights, and the same when
     * these were all there are (else 0) */
    uint64_t acl_seen, acl_pass;
    struct transaction *transaction; /* NULL: neither in MULTI nor watching */

    /* seen */
    uint64_t id;        /* constant */
    int64_t created_ms; /* constant */
    _Atomic unsigned db;
    _Atomic unsigned proto_seen;
    _Atomic unsigned subscribed[TOPIC_KINDS];
    _Atomic unsigned tracking; /* flags of tracking.h */
    _Atomic uint64_t redirect; /* client that hears of changed keys in place of this one */
    _Atomic int queued;        /* commands of a transaction; -1 = none */
    _Atomic unsigned watching; /* keys */
    _Atomic size_t transaction_bytes;
    _Atomic bool no_evict;
    _Atomic bool outdated; /* a watched key has changed: set by whoever changed it */
    _Atomic int64_t active_ms;
    _Atomic(const struct command *) last;
    _Atomic size_t in_bytes, out_bytes, held_bytes; /* waiting; memory */
    counter commands, read_bytes, sent_bytes;
    char address[CLIENT_ADDRESS], local[CLIENT_ADDRESS]; /* constant */
    int fd;                                              /* constant */

    /* named */
    char *name, *lib_name, *lib_version;
    struct acl_user *user; /* held; written by the owner alone, who reads it without the lock */
    struct client *next, *prev, *chained;
    bool killed; /* will be closed: to others it is gone already */
};

static inline unsigned client_db(const struct client *c)
{
    return atomic_load_explicit(&c->db, memory_order_relaxed);
}

#endif
