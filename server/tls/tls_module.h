/* What stands between the server and zscache-tls.so, which has all that calls OpenSSL. The module
 * is loaded only when there is a tls-port: a server without one does not pay for the library. It
 * calls nothing of the server but what is handed to it here, and sees no other layout of it than
 * that of a transport. */
#ifndef SERVER_TLS_MODULE_H
#define SERVER_TLS_MODULE_H

#include <stdbool.h>

#include "net/transport.h"

struct server;
struct ssl_ctx_st;

/* Raised with each change of this header or of struct transport. */
#define TLS_MODULE_VERSION 1u
/* The one symbol of the module, a struct tls_module. */
#define TLS_MODULE_SYMBOL "zscache_tls_module"

/* Bytes of an error with its zero. */
#define TLS_ERROR 256

enum tls_client_auth { TLS_AUTH_YES, TLS_AUTH_NO, TLS_AUTH_OPTIONAL };

/* What a context is made from; texts are "" when not given. */
struct tls_rules {
    const char *cert_file, *key_file, *key_password, *ca_file, *ca_dir;
    const char *protocols, *ciphers, *ciphersuites;
    enum tls_client_auth client_auth;
    bool prefer_server_ciphers, session_caching;
    long session_timeout;
};

/* What sessions tell the server. Any worker may call. */
struct tls_host {
    struct server *server;
    /* Once for each session: its handshake is over, or it was closed before. */
    void (*handshake_ended)(struct server *s);
    /* Reason is NULL when the peer has merely gone away. */
    void (*handshake_failed)(struct server *s, const char *reason);
    void (*closed)(struct server *s);
};

struct tls_module {
    unsigned version;
    /* NULL with the reason in `error` (TLS_ERROR bytes). */
    struct ssl_ctx_st *(*context_create)(const struct tls_rules *rules, char *error);
    /* Sessions that are there hold it. NULL is no context. */
    void (*context_free)(struct ssl_ctx_st *context);
    /* Lays TLS over the socket of t, which then has the type of the module. False when memory is
     * short: nothing has changed. The host must outlive the session. */
    bool (*session_create)(struct ssl_ctx_st *context, const struct tls_host *host,
                           struct transport *t);
};

#endif
