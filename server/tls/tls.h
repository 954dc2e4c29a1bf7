/* TLS: a transport over a socket, and the context with certificate and rules that all of them
 * share. What calls OpenSSL is in a module (tls_module.h). */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "tls_module.h"

struct client;

struct tls {
    const struct tls_module *module; /* NULL = there is no tls-port */
    void *library; /* stays to the end of the process: OpenSSL has registered what it does then */
    struct tls_host host;
    struct lock lock;            /* context */
    struct ssl_ctx_st *context;  /* for new connections */
    _Atomic unsigned handshakes; /* that have begun and not ended */
    _Atomic uint64_t failed;     /* handshakes */
    _Atomic int64_t told_ms;     /* when the last failure was told */
};

/* ---- tls.c ---- */

/* Loads the module and makes the context if there is a tls-port; says on stderr why it cannot. */
bool tls_start(struct server *s);
void tls_end(struct server *s);
/* Makes the context anew from the present settings, reading all files, for connections to come.
 * False with the reason in `error` (TLS_ERROR bytes): the old one stays. Any thread. */
bool tls_reload(struct server *s, char *error);
/* Lays TLS over the socket of t. False when memory is short or too many handshakes are under way.
 */
bool tls_accept(struct server *s, struct transport *t);
/* Whether a client has had more time for its handshake than it may have. */
bool tls_is_late(const struct server *s, const struct client *c);

/* ---- tls_load.c ---- */

/* Sets library and module. False: the reason is on stderr. */
bool tls_load(struct tls *tls);

#endif
