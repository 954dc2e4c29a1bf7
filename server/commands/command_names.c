/* Names that COMMAND and ACL show: of flags, groups and categories. */
#include "internal.h"

const char *command_flag_name(unsigned bit)
{
    static const char *const names[] = {
        "write",       "readonly",     "denyoom",      "admin",      "pubsub",        "noscript",
        "blocking",    "loading",      "stale",        "fast",       "no_auth",       "no_multi",
        "movablekeys", "skip_monitor", "skip_slowlog", "allow_busy", "may_replicate",
    };
    return bit < sizeof names / sizeof names[0] ? names[bit] : NULL;
}

const char *command_group_name(enum command_group g)
{
    static const char *const names[] = {
        [GROUP_GENERIC] = "generic",
        [GROUP_STRING] = "string",
        [GROUP_HASH] = "hash",
        [GROUP_BITMAP] = "bitmap",
        [GROUP_CONNECTION] = "connection",
        [GROUP_SERVER] = "server",
        [GROUP_PUBSUB] = "pubsub",
        [GROUP_TRANSACTIONS] = "transactions",
        [GROUP_SCRIPTING] = "scripting",
        [GROUP_ZSCACHE] = "zscache",
    };
    return names[g];
}

static const char *group_category(const struct command *c)
{
    if (c->flags & CMD_KEYSPACE)
        return "keyspace";
    if (c->flags & CMD_CONNECTION)
        return "connection";
    switch (c->group) {
    case GROUP_GENERIC:
        return "keyspace";
    case GROUP_STRING:
        return "string";
    case GROUP_HASH:
        return "hash";
    case GROUP_BITMAP:
        return "bitmap";
    case GROUP_CONNECTION:
        return "connection";
    case GROUP_TRANSACTIONS:
        return "transaction";
    case GROUP_SCRIPTING:
        return "scripting";
    case GROUP_SERVER:
        return c->flags & CMD_WRITE ? "keyspace" : NULL;
    case GROUP_PUBSUB:
    case GROUP_ZSCACHE:
        return NULL;
    }
    return NULL;
}

void command_categories(const struct command *c, void (*fn)(void *arg, const char *name), void *arg)
{
    const char *group = group_category(c);
    if (c->flags & CMD_WRITE)
        fn(arg, "write");
    if ((c->flags & CMD_READONLY) && c->group != GROUP_SCRIPTING)
        fn(arg, "read");
    if (c->flags & CMD_ADMIN)
        fn(arg, "admin");
    if (c->flags & (CMD_ADMIN | CMD_DANGEROUS))
        fn(arg, "dangerous");
    if (c->flags & CMD_PUBSUB)
        fn(arg, "pubsub");
    if (c->flags & CMD_BLOCKING)
        fn(arg, "blocking");
    fn(arg, c->flags & CMD_FAST ? "fast" : "slow");
    if (group != NULL)
        fn(arg, group);
}
