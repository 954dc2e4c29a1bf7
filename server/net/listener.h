/* Listening sockets: TCP and unix. Accepts in the loop of worker 0 and hands the connections to the
 * workers in turn. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics/counter.h"
#include "transport.h"

struct server;

#define LISTENERS_MAX 33

struct listener {
    struct server *server;
    struct socket_in {
        int fd;
        enum transport_kind kind;
        struct event *on_accept;
    } sockets[LISTENERS_MAX];
    unsigned count;
    struct event *on_retry; /* after the system had no descriptor */
    bool bound_to_all;      /* on some address beside the loopback */
    char *unix_path;        /* to be unlinked */
    int port;               /* chosen by the system when 0 was asked for; 0 = no plain TCP */
    int tls_port;           /* 0 = none */
    counter rejected;
};

/* Binds and listens, and says on stderr why it cannot. */
bool listener_open(struct listener *l, struct server *s);
/* Begins to accept, in this loop. */
bool listener_start(struct listener *l, struct event_base *base);
/* Accepts no more; from the loop's thread, or after it. */
void listener_stop(struct listener *l);
void listener_close(struct listener *l);
/* The port to tell: that of plain TCP, or else of TLS. */
int listener_port(const struct listener *l);

#endif
