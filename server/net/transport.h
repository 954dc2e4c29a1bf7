/* Bytes from and to a peer: a plain socket, or what is laid over one. */
#ifndef SERVER_TRANSPORT_H
#define SERVER_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct transport;

/* How a connection came in. */
enum transport_kind { TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UNIX };

struct transport_type {
    /* As read() and writev() on a non-blocking descriptor: -1 with errno EAGAIN when it must be
     * waited for. */
    ssize_t (*read)(struct transport *t, void *buf, size_t len);
    ssize_t (*writev)(struct transport *t, const struct iovec *parts, int n);
    /* Frees what `state` holds; the descriptor is closed by the caller. */
    void (*close)(struct transport *t);
};

struct transport {
    const struct transport_type *type;
    int fd;
    void *state;
    /* Of a socket whose descriptor tells only what is new: what is left unread is `more`, too. */
    bool edges;
    bool ended; /* the peer sends no more: the end is behind what there is to read */
    /* Of those laid over a socket, for which its readiness does not tell all: */
    bool handshaking; /* nothing can be written yet */
    bool more;        /* there are bytes, or the end, of which the descriptor will tell nothing */
    bool wants_write; /* read() goes on once the descriptor can be written to */
};

extern const struct transport_type transport_socket;

#endif
