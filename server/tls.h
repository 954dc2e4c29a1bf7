/* TLS, by OpenSSL: a transport over a socket, and the context with certificate and rules that all
 * of them share. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/lock.h"
#include "counter.h"
#include "transport.h"

struct server;
struct client;
struct ssl_ctx_st;

struct tls {
    struct lock lock;            /* context */
    struct ssl_ctx_st *context;  /* for new connections; NULL = there is no tls-port */
    _Atomic unsigned handshakes; /* that have begun and not ended */
    _Atomic uint64_t failed;     /* handshakes */
    _Atomic int64_t told_ms;     /* when the last failure was told */
};

/* ---- tls_context.c ---- */

#define TLS_ERROR 256
/* Makes the context if there is a tls-port; says on stderr why it cannot. */
bool tls_start(struct server *s);
void tls_end(struct server *s);
/* Makes it anew from the present settings, reading all files, for connections to come. False with
 * the reason in `error` (TLS_ERROR bytes): the old one stays. Any thread. */
bool tls_reload(struct server *s, char *error);

/* ---- tls.c ---- */

/* Lays TLS over the socket of t. False when memory is short or too many handshakes are under way.
 */
bool tls_accept(struct server *s, struct transport *t);
/* Whether a client has had more time for its handshake than it may have. */
bool tls_is_late(const struct server *s, const struct client *c);

#endif
