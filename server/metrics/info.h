/* INFO: sections, each a function that writes its fields. */
#ifndef SERVER_INFO_H
#define SERVER_INFO_H

#include "cache/cache.h"
#include "server.h"
#include "text.h"

/* What a section is written from. */
struct info {
    struct text text;
    struct server *server;
    struct worker *worker; /* who asks */
    struct cache_stats cache;
    int64_t now_ms;
};

typedef void info_fn(struct info *i);

/* info_server.c */
info_fn info_server, info_clients, info_persistence, info_replication, info_cpu, info_cluster;
/* info_memory.c */
info_fn info_memory, info_compression, info_zspool, info_classes, info_ladder, info_keyspace;
/* info_stats.c */
info_fn info_stats, info_commands, info_errors, info_latencies;

/* Resident memory of the process in bytes. */
uint64_t info_resident_bytes(void);
/* What clients take, and scripts with the states that carry them out. */
uint64_t info_client_bytes(struct server *s);
uint64_t info_script_bytes(struct server *s);

#endif
