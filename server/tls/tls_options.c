/* Options of TLS. */
#include <stddef.h>

#include "options/option.h"
#include "options/settings.h"
#include "tls_module.h"

static const char *auth_name(int64_t value)
{
    static const char *const names[] = {
        [TLS_AUTH_YES] = "yes", [TLS_AUTH_NO] = "no", [TLS_AUTH_OPTIONAL] = "optional"};
    return value < 3 ? names[value] : NULL;
}

#define TEXT(option, field, says)                                                                  \
    {                                                                                              \
        .name = option, .kind = OPTION_TEXT, .at = offsetof(struct settings, field), .preset = "", \
        .summary = says                                                                            \
    }

const struct option options_tls[] = {
    {.name = "tls-port",
     .kind = OPTION_NUMBER,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, tls_port),
     .max = 65535,
     .preset = "0",
     .summary = "TCP port for TLS; 0 = none"},
    TEXT("tls-cert-file", tls_cert, "certificate of the server, PEM, with those that lead to it"),
    TEXT("tls-key-file", tls_key, "its private key, PEM"),
    {.name = "tls-key-file-pass",
     .kind = OPTION_TEXT,
     .flags = OPTION_SECRET,
     .at = offsetof(struct settings, tls_key_pass),
     .preset = "",
     .summary = "password of the private key"},
    TEXT("tls-ca-cert-file", tls_ca_file, "certificates that clients' certificates may lead to"),
    TEXT("tls-ca-cert-dir", tls_ca_dir, "the same as a folder, as c_rehash makes it"),
    {.name = "tls-auth-clients",
     .kind = OPTION_NAME,
     .at = offsetof(struct settings, tls_auth_clients),
     .preset = "yes",
     .name_of = auth_name,
     .summary = "whether clients must show a certificate"},
    TEXT("tls-protocols", tls_protocols, "versions, as \"TLSv1.2 TLSv1.3\"; these two when empty"),
    TEXT("tls-ciphers", tls_ciphers, "ciphers up to TLS 1.2; the library's when empty"),
    TEXT("tls-ciphersuites", tls_ciphersuites, "ciphers of TLS 1.3; the library's when empty"),
    {.name = "tls-prefer-server-ciphers",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, tls_prefer_server_ciphers),
     .preset = "no",
     .summary = "whether the server's order of ciphers goes before the client's"},
    {.name = "tls-session-caching",
     .kind = OPTION_BOOL,
     .at = offsetof(struct settings, tls_session_caching),
     .preset = "yes",
     .summary = "whether clients get tickets by which they can come back with less work; the "
                "server keeps nothing of them"},
    {.name = "tls-session-cache-timeout",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, tls_session_timeout),
     .min = 1,
     .max = 86400,
     .preset = "300",
     .summary = "seconds for which a ticket is good"},
    {.name = "tls-handshake-timeout",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, tls_handshake_timeout),
     .min = 1,
     .max = 3600,
     .preset = "10",
     .summary = "seconds after which a connection is closed whose handshake has not ended"},
    {.name = "tls-max-handshakes",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, tls_handshakes),
     .min = 1,
     .max = 1000000,
     .preset = "1000",
     .summary = "handshakes at one time; further connections are closed"},
    {.name = NULL},
};
