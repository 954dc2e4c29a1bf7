/* What other threads ask of a worker: a queue and a descriptor that becomes readable. */
#ifndef SERVER_MAILBOX_H
#define SERVER_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "pubsub/fanout.h"
#include "transport.h"

enum mail_kind {
    MAIL_CONNECTION, /* fd is a new connection */
    MAIL_KILL,       /* close the client */
    MAIL_PUBLISH,    /* a message for subscribers */
    MAIL_USERS,      /* users have changed: who may still listen to channels? */
    MAIL_INVALIDATE, /* a key, and its readers that are with this worker */
    MAIL_BROADCAST,  /* keys: for those who track a prefix of them */
    MAIL_REDIRECTED, /* keys, for a client that hears of them in place of another */
    MAIL_MONITOR,    /* a line for monitors */
    MAIL_STOP,       /* answer what has come, then end */
};

struct mail {
    struct mail *next;
    enum mail_kind kind;
    int fd;
    enum transport_kind transport; /* by which fd came */
    bool all;                      /* not one key, but all */
    bool charged;                  /* to the cache, until it is done */
    uint64_t client;
    enum topic_kind topic; /* of a message: what is published to what; bytes begin with the name */
    size_t name_len;
    size_t len;
    char bytes[];
};

struct mailbox {
    struct lock lock;
    struct mail *first, **last;
    int fd;                 /* eventfd */
    _Atomic size_t waiting; /* bytes of mail that is not done yet */
};

/* Mail up to here is taken however short memory is: that a key was evicted must be told just then.
 */
#define MAIL_FEW ((size_t)16 << 10)
/* So much mail that whoever posts more has to wait. */
#define MAIL_MARK ((size_t)4 << 20)

/* False when the system has no descriptor. */
bool mailbox_init(struct mailbox *m);
/* Frees what nobody took. */
void mailbox_close(struct mailbox *m);
/* Frees mail that was taken and will not be read: the owner ends. */
void mailbox_drop(struct mail *all);
/* `len` bytes of room. NULL when memory is short. */
struct mail *mail_create(enum mail_kind kind, size_t len);
/* Takes the mail over. Any thread. */
void mailbox_post(struct mailbox *m, struct mail *mail);
/* All that has come, in order; mailbox_done() is due for each. The owner only. */
struct mail *mailbox_take(struct mailbox *m);
/* Frees a mail that was taken. */
void mailbox_done(struct mailbox *m, struct mail *mail);
/* Has the owner look at its mail once more. */
void mailbox_wake(struct mailbox *m);

static inline size_t mail_bytes(const struct mail *mail)
{
    return sizeof *mail + mail->len;
}

/* Bytes of mail that is not done. */
static inline size_t mailbox_waits(const struct mailbox *m)
{
    return atomic_load_explicit(&m->waiting, memory_order_relaxed);
}

static inline bool mailbox_is_full(const struct mailbox *m)
{
    return mailbox_waits(m) > MAIL_MARK;
}

#endif
