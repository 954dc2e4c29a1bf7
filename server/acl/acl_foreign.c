/* Redis's commands that this server does not have. Rules that name them are valid and change
 * nothing: the aclfile of a Redis server can be used as it is. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acl_commands.h"

/* clang-format off */
static const char *const names[] = {
    "blmove", "blmpop", "blpop", "brpop", "brpoplpush", "bzmpop", "bzpopmax", "bzpopmin",
    "cluster", "debug", "failover", "function", "geoadd", "geodist", "geohash", "geopos",
    "georadius", "georadius_ro", "georadiusbymember", "georadiusbymember_ro", "geosearch",
    "geosearchstore", "lindex", "linsert", "llen", "lmove", "lmpop", "lpop", "lpos", "lpush",
    "lpushx", "lrange", "lrem", "lset", "ltrim", "migrate", "module", "pfadd", "pfcount",
    "pfdebug", "pfmerge", "pfselftest", "psync", "replconf", "restore-asking", "rpop",
    "rpoplpush", "rpush", "rpushx", "sadd", "scard", "sdiff", "sdiffstore", "sinter",
    "sintercard", "sinterstore", "sismember", "smembers", "smismember", "smove", "sort",
    "sort_ro", "spop", "srandmember", "srem", "sscan", "sunion", "sunionstore", "sync",
    "waitaof", "xack", "xadd", "xautoclaim", "xclaim", "xdel", "xgroup", "xinfo", "xlen",
    "xpending", "xrange", "xread", "xreadgroup", "xrevrange", "xsetid", "xtrim", "zadd",
    "zcard", "zcount", "zdiff", "zdiffstore", "zincrby", "zinter", "zintercard", "zinterstore",
    "zlexcount", "zmpop", "zmscore", "zpopmax", "zpopmin", "zrandmember", "zrange",
    "zrangebylex", "zrangebyscore", "zrangestore", "zrank", "zrem", "zremrangebylex",
    "zremrangebyrank", "zremrangebyscore", "zrevrange", "zrevrangebylex", "zrevrangebyscore",
    "zrevrank", "zscan", "zscore", "zunion", "zunionstore",
};
/* clang-format on */

#define NAME_MAX_LETTERS 32

static int by_name(const void *key, const void *element)
{
    return strcasecmp(key, *(const char *const *)element);
}

static bool is_listed(const char *name, size_t len)
{
    char text[NAME_MAX_LETTERS];
    if (len >= sizeof text || memchr(name, '\0', len) != NULL)
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    return bsearch(text, names, sizeof names / sizeof names[0], sizeof names[0], by_name) != NULL;
}

static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    return len > 0;
}

bool acl_command_is_foreign(const char *name, size_t len)
{
    const char *bar = memchr(name, '|', len);
    size_t head = bar == NULL ? len : (size_t)(bar - name);
    return is_listed(name, len) ||
           (bar != NULL && is_listed(name, head) && is_name(bar + 1, len - head - 1));
}
