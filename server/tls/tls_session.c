/* A session: the transport that is laid over a socket. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls_parts.h"

/* The most that one record carries. */
#define RECORD_BYTES ((size_t)16384)

struct peer_state {
    const struct tls_host *host;
    SSL *ssl;
    bool broken; /* nothing more may be said, not even goodbye */
};

/* ---- handshakes ---- */

static void end_handshake(struct transport *t)
{
    const struct peer_state *p = t->state;
    if (!t->handshaking)
        return;
    t->handshaking = false;
    p->host->handshake_ended(p->host->server);
}

static void tell_failure(const struct tls_host *host)
{
    char reason[128];
    unsigned long e = ERR_peek_error();
    if (e != 0)
        ERR_error_string_n(e, reason, sizeof reason);
    host->handshake_failed(host->server, e != 0 ? reason : NULL);
}

/* ---- reading and writing ---- */

/* What became of a call that moved nothing: 0 = the peer has said goodbye, else -1 with errno. */
static ssize_t outcome(struct transport *t, bool reading)
{
    struct peer_state *p = t->state;
    switch (SSL_get_error(p->ssl, 0)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
        errno = reading || t->handshaking ? EAGAIN : EPROTO;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        t->wants_write = reading;
        errno = EAGAIN;
        return -1;
    default:
        if (t->handshaking)
            tell_failure(p->host);
        p->broken = true;
        errno = ECONNRESET;
        return -1;
    }
}

/* Goes on while the library holds bytes, since for them the descriptor does not become readable. */
static ssize_t tls_read(struct transport *t, void *buf, size_t len)
{
    struct peer_state *p = t->state;
    size_t got = 0, n;
    ssize_t end = -1;
    t->more = t->wants_write = false;
    bool go_on = true;
    while (go_on && got < len) {
        ERR_clear_error();
        if (SSL_read_ex(p->ssl, (char *)buf + got, len - got, &n) != 1) {
            end = outcome(t, true);
            /* An end is told once what came before it has been taken. */
            t->more = got > 0 && (end == 0 || errno != EAGAIN);
            break;
        }
        got += n;
        go_on = n == RECORD_BYTES || SSL_has_pending(p->ssl);
        t->more = got == len && SSL_has_pending(p->ssl);
    }
    if (t->handshaking && SSL_is_init_finished(p->ssl))
        end_handshake(t);
    return got > 0 ? (ssize_t)got : end;
}

/* The next bytes of the parts from `at` on, in one piece: short parts are put together, so that
 * they become one record. */
static const char *next_piece(const struct iovec *parts, int count, size_t at, char *together,
                              size_t *len)
{
    int i = 0;
    while (i < count && at >= parts[i].iov_len)
        at -= parts[i++].iov_len;
    *len = 0;
    if (i == count)
        return NULL;
    const char *first = (const char *)parts[i].iov_base + at;
    if (i == count - 1 || parts[i].iov_len - at >= RECORD_BYTES) {
        *len = parts[i].iov_len - at;
        return first;
    }
    for (; i < count && *len < RECORD_BYTES; i++, at = 0) {
        size_t n = parts[i].iov_len - at;
        if (n > RECORD_BYTES - *len)
            n = RECORD_BYTES - *len;
        memcpy(together + *len, (const char *)parts[i].iov_base + at, n);
        *len += n;
    }
    return together;
}

/* What was not taken is offered again by the caller from its first byte on, as the library asks
 * for. */
static ssize_t tls_writev(struct transport *t, const struct iovec *parts, int count)
{
    struct peer_state *p = t->state;
    char together[RECORD_BYTES];
    size_t sent = 0, len, n;
    const char *piece;
    ssize_t end = 0;
    while ((piece = next_piece(parts, count, sent, together, &len)) != NULL) {
        ERR_clear_error();
        if (SSL_write_ex(p->ssl, piece, len, &n) != 1) {
            end = outcome(t, false);
            break;
        }
        sent += n;
    }
    if (end == 0 && piece != NULL) {
        errno = EPIPE;
        end = -1;
    }
    return sent > 0 ? (ssize_t)sent : end;
}

/* Says goodbye, without waiting for the peer's. */
static void tls_close(struct transport *t)
{
    struct peer_state *p = t->state;
    if (!t->handshaking && !p->broken) {
        ERR_clear_error();
        (void)SSL_shutdown(p->ssl);
    }
    end_handshake(t);
    ERR_clear_error();
    SSL_free(p->ssl);
    p->host->closed(p->host->server);
    free(p);
    t->state = NULL;
}

static const struct transport_type transport_tls = {
    .read = tls_read,
    .writev = tls_writev,
    .close = tls_close,
};

/* ---- beginning ---- */

static SSL *new_session(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

bool tls_session_create(SSL_CTX *context, const struct tls_host *host, struct transport *t)
{
    struct peer_state *p = calloc(1, sizeof *p);
    if (p == NULL)
        return false;
    p->host = host;
    p->ssl = new_session(context, t->fd);
    if (p->ssl == NULL) {
        free(p);
        return false;
    }
    t->type = &transport_tls;
    t->state = p;
    t->handshaking = true;
    return true;
}
