/* What commands do with their keys, in the words of COMMAND INFO and COMMAND GETKEYSANDFLAGS. */
#include <string.h>

#include "internal.h"

static const char reads[] = "RO access";
static const char changes[] = "RW access update";

/* Those that do something else than their flags say; `others` NULL = as the first key. */
static const struct exception {
    const char *name, *first, *others;
} exceptions[] = {
    {"append", "RW insert", NULL},
    {"bitop", "OW update", reads},
    {"copy", reads, "OW update"},
    {"del", "RM delete", NULL},
    {"eval", changes, NULL},
    {"evalsha", changes, NULL},
    {"exists", "RO", NULL},
    {"expire", "RW update", NULL},
    {"expireat", "RW update", NULL},
    {"fcall", changes, NULL},
    {"getdel", "RW access delete", NULL},
    {"hdel", "RW delete", NULL},
    {"hexists", "RO", NULL},
    {"hlen", "RO", NULL},
    {"hmset", "RW update", NULL},
    {"hset", "RW update", NULL},
    {"hsetnx", "RW insert", NULL},
    {"hstrlen", "RO", NULL},
    {"mset", "OW update", NULL},
    {"msetex", "OW update", NULL},
    {"msetnx", "OW insert", NULL},
    {"persist", "RW update", NULL},
    {"pexpire", "RW update", NULL},
    {"pexpireat", "RW update", NULL},
    {"psetex", "OW update", NULL},
    {"rename", "RW access delete", "OW update"},
    {"renamenx", "RW access delete", "OW insert"},
    {"restore", "OW update", NULL},
    {"setex", "OW update", NULL},
    {"setnx", "OW insert", NULL},
    {"setrange", "RW update", NULL},
    {"strlen", "RO", NULL},
    {"touch", "RO", NULL},
    {"type", "RO", NULL},
    {"unlink", "RM delete", NULL},
    {"watch", "RO", NULL},
};

const char *command_key_flags(const struct command *c, bool first)
{
    /* OBJECT, MEMORY USAGE: about values, not the values. */
    if (c->container != NULL)
        return "RO";
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        const struct exception *e = &exceptions[i];
        if (strcmp(e->name, c->name) == 0)
            return first || e->others == NULL ? e->first : e->others;
    }
    return c->flags & CMD_WRITE ? changes : reads;
}
