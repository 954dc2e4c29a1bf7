/* The texts of scripts by their SHA-1, shared by all workers. What was used longest ago goes when
 * all of them are over script-cache-limit; a script that is in use stays for those who hold it. */
#ifndef SERVER_SCRIPT_CACHE_H
#define SERVER_SCRIPT_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"

struct server;

#define SCRIPT_ID     40
#define SCRIPT_CHAINS 1024

/* What a script says of itself in its first line. */
enum script_flags {
    SCRIPT_SHEBANG = 1, /* it has such a line */
    SCRIPT_NO_WRITES = 2,
    SCRIPT_ALL_KEYS = 4, /* allow-cross-slot-keys: touches keys that KEYS does not name */
};

/* What must be locked while it runs. The first run stops the world and tells the rest. */
enum script_reach { SCRIPT_UNKNOWN, SCRIPT_KEYS, SCRIPT_WORLD };

struct script {
    char id[SCRIPT_ID + 1];
    unsigned flags;
    _Atomic unsigned reach;
    size_t body; /* of the text: behind the first line, if that is one of flags */
    size_t len;
    /* the cache's */
    unsigned holds;
    struct script *chained, *older, *newer;
    char text[];
};

struct script_cache {
    struct lock lock;
    struct script *chains[SCRIPT_CHAINS];
    struct script *oldest, *newest;
    size_t count, bytes;
    _Atomic uint64_t flushes; /* so that workers drop what they have compiled */
};

void script_cache_init(struct script_cache *c);
/* Frees all; nobody holds any. */
void script_cache_free(struct server *server);

/* The script of this id (in any case), held. NULL = there is none. */
struct script *script_find(struct server *server, const char *id, size_t len);
/* A copy of the text, held, and not yet in the cache. On a fault NULL, with a reply like "ERR ..."
 * in `error` (SCRIPT_ERROR bytes). */
#define SCRIPT_ERROR 256
struct script *script_create(struct server *server, const char *text, size_t len, char *error);
/* Puts it into the cache, if there is none of its text. */
void script_keep(struct server *server, struct script *s);
void script_let_go(struct server *server, struct script *s);
void script_flush(struct server *server);

/* ---- script_id.c ---- */

/* Writes the SHA-1 of a text, in hexadecimal. */
void script_id(const char *text, size_t len, char id[SCRIPT_ID + 1]);

#endif
