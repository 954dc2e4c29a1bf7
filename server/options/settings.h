/* What the options set, in the form in which it is used. Numbers may be read by any thread at any
 * time; texts do not change while the server runs, but for the password, which lock guards. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/lock.h"

typedef _Atomic int64_t setting;

/* Classes of clients that have output limits of their own. */
enum output_class { OUTPUT_NORMAL, OUTPUT_REPLICA, OUTPUT_PUBSUB, OUTPUT_CLASSES };

struct output_limit {
    setting hard, soft; /* bytes, 0 = none */
    setting soft_seconds;
};

struct settings {
    /* network */
    setting port, tcp_backlog, unixsocketperm, protected_mode, tcp_keepalive, timeout, maxclients;
    char *bind, *unixsocket, *port_file;
    /* limits */
    setting max_bulk, max_query, write_timeout;
    setting clients_memory; /* negative: percent of maxmemory */
    struct output_limit output[OUTPUT_CLASSES];
    /* events */
    setting notify, tracking_max;
    /* memory */
    setting maxmemory, policy, samples, compression, compression_cpu, psi, databases;
    setting hash_fields, hash_bytes; /* of what is called a listpack */
    /* times of commands */
    setting slowlog_us, slowlog_max, latency_ms, latency_tracking;
    /* scripts */
    setting script_memory, script_cache, script_busy_ms, script_most_ms;
    /* process */
    setting threads, in_order, debug_command;
    char *logfile, *pidfile;
    /* security */
    char *requirepass;     /* lock */
    char *users, *aclfile; /* users: a line each */
    setting acl_log_most, acl_all_channels;
    /* TLS; lock */
    char *tls_cert, *tls_key, *tls_key_pass, *tls_ca_file, *tls_ca_dir;
    char *tls_protocols, *tls_ciphers, *tls_ciphersuites;
    setting tls_port, tls_auth_clients, tls_prefer_server_ciphers, tls_session_caching;
    setting tls_session_timeout, tls_handshake_timeout, tls_handshakes;
    /* Values of ignored options that were set, by their row; NULL = none. lock */
    char **kept;
    struct lock lock;
};

static inline int64_t setting_get(const setting *s)
{
    return atomic_load_explicit(s, memory_order_relaxed);
}

static inline void setting_put(setting *s, int64_t value)
{
    atomic_store_explicit(s, value, memory_order_relaxed);
}

#endif
