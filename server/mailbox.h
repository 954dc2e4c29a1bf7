/* What other threads ask of a worker: a queue and a descriptor that becomes readable. */
#ifndef SERVER_MAILBOX_H
#define SERVER_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

enum mail_kind {
    MAIL_CONNECTION, /* fd is a new connection */
    MAIL_KILL,       /* close the client */
    MAIL_PUSH,       /* bytes for the client's output */
    MAIL_STOP,       /* answer what has come, then end */
};

struct mail {
    struct mail *next;
    enum mail_kind kind;
    int fd;
    bool unix_socket; /* fd came over it */
    uint64_t client;
    size_t len;
    char bytes[];
};

struct mailbox {
    struct lock lock;
    struct mail *first, **last;
    int fd; /* eventfd */
};

/* False when the system has no descriptor. */
bool mailbox_init(struct mailbox *m);
/* Frees what nobody took. */
void mailbox_close(struct mailbox *m);
/* `len` bytes of room. NULL when memory is short. */
struct mail *mail_create(enum mail_kind kind, size_t len);
/* Takes the mail over. Any thread. */
void mailbox_post(struct mailbox *m, struct mail *mail);
/* All that has come, in order; the caller frees each. The owner only. */
struct mail *mailbox_take(struct mailbox *m);

#endif
