/* The one symbol of the module. */
#include <openssl/ssl.h>

#include "tls_parts.h"

extern const struct tls_module zscache_tls_module;

__attribute__((visibility("default"))) const struct tls_module zscache_tls_module = {
    .version = TLS_MODULE_VERSION,
    .context_create = tls_context_create,
    .context_free = SSL_CTX_free,
    .session_create = tls_session_create,
};
