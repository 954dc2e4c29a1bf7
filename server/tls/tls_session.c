#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server.h"

/* Memory of a connection that the library holds while it is idle, measured. */
#define HELD_BYTES 15360
/* The most that one record carries. */
#define RECORD_BYTES ((size_t)16384)
/* Failures are told at most this often: each peer can cause them. */
#define TELL_MS 1000

struct peer_state {
    struct server *server;
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
    atomic_fetch_sub_explicit(&p->server->tls.handshakes, 1, memory_order_relaxed);
}

static void tell_failure(struct tls *tls)
{
    char reason[128];
    unsigned long e = ERR_peek_error();
    int64_t now = clock_mono_us() / 1000;
    int64_t before = atomic_load_explicit(&tls->told_ms, memory_order_relaxed);
    atomic_fetch_add_explicit(&tls->failed, 1, memory_order_relaxed);
    if (e == 0 || (before != 0 && now - before < TELL_MS) ||
        !atomic_compare_exchange_strong(&tls->told_ms, &before, now))
        return;
    ERR_error_string_n(e, reason, sizeof reason);
    fprintf(stderr, "zscache-server: a TLS handshake failed: %s\n", reason);
}

bool tls_is_late(const struct server *s, const struct client *c)
{
    int64_t most = setting_get(&s->settings.tls_handshake_timeout) * 1000;
    return c->worker->now_ms - c->created_ms > most;
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
            tell_failure(&p->server->tls);
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
    cache_charge(p->server->cache, -HELD_BYTES);
    free(p);
    t->state = NULL;
}

static const struct transport_type transport_tls = {
    .read = tls_read,
    .writev = tls_writev,
    .close = tls_close,
};

/* ---- beginning ---- */

static SSL *new_session(struct tls *tls, int fd)
{
    lock_acquire(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    lock_release(&tls->lock);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

bool tls_accept(struct server *s, struct transport *t)
{
    struct tls *tls = &s->tls;
    unsigned most = (unsigned)setting_get(&s->settings.tls_handshakes);
    if (atomic_load_explicit(&tls->handshakes, memory_order_relaxed) >= most ||
        !cache_may_charge(s->cache, HELD_BYTES))
        return false;
    struct peer_state *p = calloc(1, sizeof *p);
    if (p == NULL)
        return false;
    p->server = s;
    p->ssl = new_session(tls, t->fd);
    if (p->ssl == NULL) {
        free(p);
        return false;
    }
    cache_charge(s->cache, HELD_BYTES);
    atomic_fetch_add_explicit(&tls->handshakes, 1, memory_order_relaxed);
    t->type = &transport_tls;
    t->state = p;
    t->handshaking = true;
    return true;
}
