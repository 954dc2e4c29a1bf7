#include "differential_known.h"

#include <string.h>
#include <strings.h>

/* A difference: a command, and how the replies begin. NULL = any. */
struct known {
    const char *command, *redis, *zscache;
    const char *why;
};

static const struct known list[] = {
    {"COMMAND", "*", "*", "the commands are others"},
    {"COMMAND", "-ERR wrong number of arguments for 'command|getkeys'",
     "-ERR The command has no key", "one argument suffices since 7.2"},
    {"COMMAND", "-ERR wrong number of arguments for 'command|getkeysandflags'",
     "-ERR Invalid number", "one argument suffices since 7.2"},
    {"COMMAND", "%", "%", "the commands are others"},
    {"HELLO", "-WRONGPASS", "-ERR Syntax error in HELLO", "looks at all options first since 7.2"},
    {"INFO", "$", "$", "the numbers"},
    {"INFO", "=", "=", "the numbers"},
    {"LATENCY", "*", "*", "the times"},
    {"LATENCY", "%", "%", "the times"},
    {"BITCOUNT", "-WRONGTYPE", "-ERR", "looks at the arguments first since 7.2"},
    {"BITCOUNT", ":0", "-ERR", "the same"},
    {"BITPOS", "-WRONGTYPE", "-ERR", "the same"},
    {"BITPOS", ":", "-ERR", "the same"},
    {"BITPOS", "-ERR syntax error", "-ERR value is not", "names the other of two errors"},
    {"CLUSTER", "-ERR wrong number of arguments for 'cluster|", "-ERR This instance has cluster",
     "CLUSTER has no subcommands here"},
    {"HELLO", "*14", "*14", "the version and the id of the connection"},
    {"HELLO", "%7", "%7", "the version and the id of the connection"},
    {NULL, NULL, NULL, NULL},
};

static bool begins(const char *reply, size_t len, const char *text)
{
    return text == NULL || (len >= strlen(text) && memcmp(reply, text, strlen(text)) == 0);
}

bool difference_is_known(const struct generated *g, const char *redis, size_t redis_len,
                         const char *zscache, size_t zscache_len)
{
    for (const struct known *k = list; k->why != NULL; k++) {
        size_t len = k->command == NULL ? 0 : strlen(k->command);
        bool named = k->command == NULL ||
                     (g->start[1] == len && strncasecmp(g->bytes, k->command, len) == 0);
        if (named && begins(redis, redis_len, k->redis) && begins(zscache, zscache_len, k->zscache))
            return true;
    }
    return false;
}
