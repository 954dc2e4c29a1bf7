/* Ranks of the server's locks; docs/locking.md has all ranks of the program. A command holds locks
 * of the cache when it takes these, never the other way round. */
#ifndef SERVER_RANK_H
#define SERVER_RANK_H

enum server_rank {
    RANK_SCRIPTS = 16,
    RANK_HOOKS = 17,
    RANK_TLS = 18,
    RANK_TRACKING = 18,
    RANK_ACL_CHANGE = 23,
    RANK_FANOUT = 24,
    RANK_ACL = 25,
    RANK_REGISTRY = 26,
    RANK_MAILBOX = 27,
    RANK_SETTINGS = 28,
    RANK_WATCH = 29,
    RANK_SLOWLOG = 30,
    RANK_LATENCY = 31,
};

#endif
