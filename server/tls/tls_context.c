/* Options of TLS, and the context that is made from them. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "option.h"
#include "rank.h"
#include "server.h"

enum client_auth { AUTH_YES, AUTH_NO, AUTH_OPTIONAL };

static const char *auth_name(int64_t value)
{
    static const char *const names[] = {"yes", "no", "optional", NULL};
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

/* ---- the context ---- */

/* What the making of a context reads and writes. */
struct making {
    struct settings *settings; /* under their lock */
    SSL_CTX *context;
    char *error;
};

/* With the library's reason, if it has one. */
static bool fault(struct making *m, const char *what, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(m->error, TLS_ERROR, "%s%s%s%s%s", what, file[0] != '\0' ? " " : "", file,
             reason != NULL ? ": " : "", reason != NULL ? reason : "");
    return false;
}

static bool set_protocols(struct making *m)
{
    static const struct {
        const char *name;
        int version;
        uint64_t without;
    } versions[] = {
        {"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
        {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
        {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
        {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
    };
    char copy[128], *rest = NULL;
    uint64_t without = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3;
    const char *names = m->settings->tls_protocols;
    snprintf(copy, sizeof copy, "%s", names[0] != '\0' ? names : "TLSv1.2 TLSv1.3");
    int least = 0;
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest)) {
        size_t i = 0;
        while (i < 4 && strcasecmp(versions[i].name, w) != 0)
            i++;
        if (i == 4)
            return fault(m, "unknown protocol", w);
        without &= ~versions[i].without;
        if (least == 0 || versions[i].version < least)
            least = versions[i].version;
    }
    (void)SSL_CTX_set_options(m->context, without);
    return SSL_CTX_set_min_proto_version(m->context, least) == 1 || fault(m, "protocols", names);
}

static bool set_ciphers(struct making *m)
{
    const struct settings *s = m->settings;
    if (s->tls_ciphers[0] != '\0' && SSL_CTX_set_cipher_list(m->context, s->tls_ciphers) != 1)
        return fault(m, "ciphers", s->tls_ciphers);
    if (s->tls_ciphersuites[0] != '\0' &&
        SSL_CTX_set_ciphersuites(m->context, s->tls_ciphersuites) != 1)
        return fault(m, "ciphersuites", s->tls_ciphersuites);
    if (setting_get(&s->tls_prefer_server_ciphers))
        (void)SSL_CTX_set_options(m->context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_dh_auto(m->context, 1);
    return true;
}

static int key_password(char *buf, int size, int writing, void *arg)
{
    const char *password = arg;
    (void)writing;
    int len = size <= 0 ? -1 : snprintf(buf, (size_t)size, "%s", password);
    return len < size ? len : -1;
}

static bool set_certificate(struct making *m)
{
    const struct settings *s = m->settings;
    if (s->tls_cert[0] == '\0' || s->tls_key[0] == '\0')
        return fault(m, "tls-cert-file and tls-key-file must be given", "");
    SSL_CTX_set_default_passwd_cb(m->context, key_password);
    SSL_CTX_set_default_passwd_cb_userdata(m->context, s->tls_key_pass);
    if (SSL_CTX_use_certificate_chain_file(m->context, s->tls_cert) != 1)
        return fault(m, "cannot use the certificate", s->tls_cert);
    bool ok = SSL_CTX_use_PrivateKey_file(m->context, s->tls_key, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(m->context, NULL);
    if (!ok)
        return fault(m, "cannot use the private key", s->tls_key);
    return SSL_CTX_check_private_key(m->context) == 1 ||
           fault(m, "the private key is not the certificate's", s->tls_key);
}

static bool set_client_auth(struct making *m)
{
    static const unsigned char id[] = "zscache";
    const struct settings *s = m->settings;
    int64_t auth = setting_get(&s->tls_auth_clients);
    const char *file = s->tls_ca_file[0] != '\0' ? s->tls_ca_file : NULL;
    const char *dir = s->tls_ca_dir[0] != '\0' ? s->tls_ca_dir : NULL;
    if (SSL_CTX_set_session_id_context(m->context, id, sizeof id - 1) != 1)
        return fault(m, "out of memory", "");
    if (file == NULL && dir == NULL)
        return auth == AUTH_NO || fault(m,
                                        "tls-ca-cert-file or tls-ca-cert-dir must be given unless "
                                        "tls-auth-clients is no",
                                        "");
    if (SSL_CTX_load_verify_locations(m->context, file, dir) != 1)
        return fault(m, "cannot use the certificates of", file != NULL ? file : dir);
    if (file != NULL) { /* the names that clients are told */
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
        if (names == NULL)
            return fault(m, "cannot use the certificates of", file);
        SSL_CTX_set_client_CA_list(m->context, names);
    }
    SSL_CTX_set_verify(m->context,
                       auth == AUTH_NO    ? SSL_VERIFY_NONE
                       : auth == AUTH_YES ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                          : SSL_VERIFY_PEER,
                       NULL);
    return true;
}

/* Tickets need nothing here; a cache of sessions would be memory that strangers fill. */
static void set_sessions(struct making *m)
{
    (void)SSL_CTX_set_session_cache_mode(m->context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_timeout(m->context, (long)setting_get(&m->settings->tls_session_timeout));
    if (setting_get(&m->settings->tls_session_caching))
        return;
    (void)SSL_CTX_set_options(m->context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(m->context, 0);
}

/* NULL with the reason in `error`. */
static SSL_CTX *make_context(struct settings *s, char *error)
{
    struct making m = {.settings = s, .error = error};
    ERR_clear_error();
    m.context = SSL_CTX_new(TLS_server_method());
    if (m.context == NULL) {
        (void)fault(&m, "out of memory", "");
        return NULL;
    }
    (void)SSL_CTX_set_options(m.context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                             SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(m.context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                          SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(m.context, 1);
    set_sessions(&m);
    if (set_protocols(&m) && set_ciphers(&m) && set_certificate(&m) && set_client_auth(&m))
        return m.context;
    SSL_CTX_free(m.context);
    ERR_clear_error();
    return NULL;
}

/* ---- life ---- */

bool tls_reload(struct server *s, char *error)
{
    struct tls *tls = &s->tls;
    if (setting_get(&s->settings.tls_port) == 0)
        return true;
    lock_acquire(&s->settings.lock);
    SSL_CTX *fresh = make_context(&s->settings, error);
    lock_release(&s->settings.lock);
    if (fresh == NULL)
        return false;
    lock_acquire(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = fresh;
    lock_release(&tls->lock);
    SSL_CTX_free(old); /* connections that are there hold it */
    return true;
}

bool tls_start(struct server *s)
{
    char error[TLS_ERROR];
    lock_init(&s->tls.lock, RANK_TLS);
    if (tls_reload(s, error))
        return true;
    fprintf(stderr, "zscache-server: TLS: %s\n", error);
    return false;
}

void tls_end(struct server *s)
{
    SSL_CTX_free(s->tls.context);
    s->tls.context = NULL;
}
