/* The context, made from the rules. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tls_parts.h"

/* What the making of a context reads and writes. */
struct making {
    const struct tls_rules *rules;
    SSL_CTX *context;
    char *error;
};

/* With the reason of the library or the system, if there is one. */
static bool fault(struct making *m, const char *what, const char *file)
{
    unsigned long error = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
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
    const char *names = m->rules->protocols;
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
    const struct tls_rules *r = m->rules;
    if (r->ciphers[0] != '\0' && SSL_CTX_set_cipher_list(m->context, r->ciphers) != 1)
        return fault(m, "ciphers", r->ciphers);
    if (r->ciphersuites[0] != '\0' && SSL_CTX_set_ciphersuites(m->context, r->ciphersuites) != 1)
        return fault(m, "ciphersuites", r->ciphersuites);
    if (r->prefer_server_ciphers)
        (void)SSL_CTX_set_options(m->context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_dh_auto(m->context, 1);
    return true;
}

static int key_password(char *buf, int size, int writing, void *arg)
{
    const struct making *m = arg;
    (void)writing;
    int len = size <= 0 ? -1 : snprintf(buf, (size_t)size, "%s", m->rules->key_password);
    return len < size ? len : -1;
}

static bool set_certificate(struct making *m)
{
    const struct tls_rules *r = m->rules;
    if (r->cert_file[0] == '\0' || r->key_file[0] == '\0')
        return fault(m, "tls-cert-file and tls-key-file must be given", "");
    SSL_CTX_set_default_passwd_cb(m->context, key_password);
    SSL_CTX_set_default_passwd_cb_userdata(m->context, m);
    if (SSL_CTX_use_certificate_chain_file(m->context, r->cert_file) != 1)
        return fault(m, "cannot use the certificate", r->cert_file);
    bool ok = SSL_CTX_use_PrivateKey_file(m->context, r->key_file, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(m->context, NULL);
    if (!ok)
        return fault(m, "cannot use the private key", r->key_file);
    return SSL_CTX_check_private_key(m->context) == 1 ||
           fault(m, "the private key is not the certificate's", r->key_file);
}

static bool set_client_auth(struct making *m)
{
    static const unsigned char id[] = "zscache";
    const struct tls_rules *r = m->rules;
    enum tls_client_auth auth = r->client_auth;
    const char *file = r->ca_file[0] != '\0' ? r->ca_file : NULL;
    const char *dir = r->ca_dir[0] != '\0' ? r->ca_dir : NULL;
    if (SSL_CTX_set_session_id_context(m->context, id, sizeof id - 1) != 1)
        return fault(m, "out of memory", "");
    if (file == NULL && dir == NULL)
        return auth == TLS_AUTH_NO ||
               fault(m,
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
                       auth == TLS_AUTH_NO    ? SSL_VERIFY_NONE
                       : auth == TLS_AUTH_YES ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                              : SSL_VERIFY_PEER,
                       NULL);
    return true;
}

/* Tickets need nothing here; a cache of sessions would be memory that strangers fill. */
static void set_sessions(struct making *m)
{
    (void)SSL_CTX_set_session_cache_mode(m->context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_timeout(m->context, m->rules->session_timeout);
    if (m->rules->session_caching)
        return;
    (void)SSL_CTX_set_options(m->context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(m->context, 0);
}

SSL_CTX *tls_context_create(const struct tls_rules *rules, char *error)
{
    struct making m = {.rules = rules, .error = error};
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
