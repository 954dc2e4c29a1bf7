#include "tls.h"

#include <stdio.h>

#include "base/clock.h"
#include "rank.h"
#include "server.h"

/* Memory of a connection that the library holds while it is idle, measured. */
#define HELD_BYTES 15360
/* Failures are told at most this often: each peer can cause them. */
#define TELL_MS 1000

/* ---- what sessions tell ---- */

static void handshake_ended(struct server *s)
{
    atomic_fetch_sub_explicit(&s->tls.handshakes, 1, memory_order_relaxed);
}

static void handshake_failed(struct server *s, const char *reason)
{
    struct tls *tls = &s->tls;
    int64_t now = clock_mono_us() / 1000;
    int64_t before = atomic_load_explicit(&tls->told_ms, memory_order_relaxed);
    atomic_fetch_add_explicit(&tls->failed, 1, memory_order_relaxed);
    if (reason == NULL || (before != 0 && now - before < TELL_MS) ||
        !atomic_compare_exchange_strong(&tls->told_ms, &before, now))
        return;
    fprintf(stderr, "zscache-server: a TLS handshake failed: %s\n", reason);
}

static void session_closed(struct server *s)
{
    cache_charge(s->cache, -HELD_BYTES);
}

/* ---- connections ---- */

bool tls_is_late(const struct server *s, const struct client *c)
{
    int64_t most = setting_get(&s->settings.tls_handshake_timeout) * 1000;
    return c->worker->now_ms - c->created_ms > most;
}

bool tls_accept(struct server *s, struct transport *t)
{
    struct tls *tls = &s->tls;
    unsigned most = (unsigned)setting_get(&s->settings.tls_handshakes);
    if (atomic_load_explicit(&tls->handshakes, memory_order_relaxed) >= most ||
        !cache_may_charge(s->cache, HELD_BYTES))
        return false;
    lock_acquire(&tls->lock);
    bool ok = tls->module->session_create(tls->context, &tls->host, t);
    lock_release(&tls->lock);
    if (!ok)
        return false;
    cache_charge(s->cache, HELD_BYTES);
    atomic_fetch_add_explicit(&tls->handshakes, 1, memory_order_relaxed);
    return true;
}

/* ---- life ---- */

/* With the texts of the settings, which are used under their lock. */
static struct tls_rules rules_locked(const struct settings *set)
{
    return (struct tls_rules){
        .cert_file = set->tls_cert,
        .key_file = set->tls_key,
        .key_password = set->tls_key_pass,
        .ca_file = set->tls_ca_file,
        .ca_dir = set->tls_ca_dir,
        .protocols = set->tls_protocols,
        .ciphers = set->tls_ciphers,
        .ciphersuites = set->tls_ciphersuites,
        .client_auth = (enum tls_client_auth)setting_get(&set->tls_auth_clients),
        .prefer_server_ciphers = setting_get(&set->tls_prefer_server_ciphers) != 0,
        .session_caching = setting_get(&set->tls_session_caching) != 0,
        .session_timeout = (long)setting_get(&set->tls_session_timeout),
    };
}

bool tls_reload(struct server *s, char *error)
{
    struct tls *tls = &s->tls;
    if (tls->module == NULL)
        return true;
    lock_acquire(&s->settings.lock);
    struct tls_rules rules = rules_locked(&s->settings);
    struct ssl_ctx_st *fresh = tls->module->context_create(&rules, error);
    lock_release(&s->settings.lock);
    if (fresh == NULL)
        return false;
    lock_acquire(&tls->lock);
    struct ssl_ctx_st *old = tls->context;
    tls->context = fresh;
    lock_release(&tls->lock);
    tls->module->context_free(old);
    return true;
}

bool tls_start(struct server *s)
{
    char error[TLS_ERROR];
    struct tls *tls = &s->tls;
    lock_init(&tls->lock, RANK_TLS);
    tls->host = (struct tls_host){.server = s,
                                  .handshake_ended = handshake_ended,
                                  .handshake_failed = handshake_failed,
                                  .closed = session_closed};
    if (setting_get(&s->settings.tls_port) == 0)
        return true;
    if (!tls_load(tls))
        return false;
    if (tls_reload(s, error))
        return true;
    fprintf(stderr, "zscache-server: TLS: %s\n", error);
    return false;
}

void tls_end(struct server *s)
{
    struct tls *tls = &s->tls;
    if (tls->module != NULL)
        tls->module->context_free(tls->context);
    tls->context = NULL;
}
