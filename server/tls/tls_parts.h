/* What the files of the module share. */
#ifndef SERVER_TLS_PARTS_H
#define SERVER_TLS_PARTS_H

#include "tls_module.h"

/* See struct tls_module. */
struct ssl_ctx_st *tls_context_create(const struct tls_rules *rules, char *error);
bool tls_session_create(struct ssl_ctx_st *context, const struct tls_host *host,
                        struct transport *t);

#endif
