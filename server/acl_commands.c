#include "acl_commands.h"

#include <string.h>
#include <strings.h>

const struct command *acl_command_find(const struct command_table *t, const char *name, size_t len)
{
    const char *bar = memchr(name, '|', len);
    size_t head = bar == NULL ? len : (size_t)(bar - name);
    const struct command *c = command_find(t, name, head);
    return c == NULL || bar == NULL ? c : command_find_sub(c, bar + 1, len - head - 1);
}

void acl_commands_each(const struct command_table *t,
                       void (*fn)(void *arg, const struct command *c), void *arg)
{
    for (size_t i = 0; i < command_count(t); i++) {
        const struct command *c = command_at(t, i);
        fn(arg, c);
        for (c = c->subcommands; c != NULL && c->name != NULL; c++)
            fn(arg, c);
    }
}

/* ---- categories ---- */

/* Redis's, in its order. Some have no command here: rules that name them are valid all the same. */
static const char *const categories[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
};

const char *acl_category_name(size_t i)
{
    return i < sizeof categories / sizeof categories[0] ? categories[i] : NULL;
}

const char *acl_category_find(const char *name, size_t len)
{
    const char *c;
    for (size_t i = 0; (c = acl_category_name(i)) != NULL; i++)
        if (strlen(c) == len && strncasecmp(c, name, len) == 0)
            return c;
    return NULL;
}

struct membership {
    const char *category;
    bool found;
};

static void compare(void *arg, const char *name)
{
    struct membership *m = arg;
    m->found |= strcmp(name, m->category) == 0;
}

bool acl_command_is_in(const struct command *c, const char *category)
{
    struct membership m = {.category = category};
    command_categories(c, compare, &m);
    return m.found;
}

/* ---- keys ---- */

/* Commands that do something else than their flags say: write = writes, readonly = reads. */
static const struct exception {
    const char *name;
    unsigned access, second; /* of the first key, of the second */
} exceptions[] = {
    {"exists", 0, 0},
    {"strlen", 0, 0},
    {"touch", 0, 0},
    {"type", 0, 0},
    {"hlen", 0, 0},
    {"hexists", 0, 0},
    {"hstrlen", 0, 0},
    {"watch", 0, 0},
    {"incr", ACL_READ | ACL_WRITE, 0},
    {"decr", ACL_READ | ACL_WRITE, 0},
    {"incrby", ACL_READ | ACL_WRITE, 0},
    {"decrby", ACL_READ | ACL_WRITE, 0},
    {"incrbyfloat", ACL_READ | ACL_WRITE, 0},
    {"increx", ACL_READ | ACL_WRITE, 0},
    {"hincrby", ACL_READ | ACL_WRITE, 0},
    {"hincrbyfloat", ACL_READ | ACL_WRITE, 0},
    {"getset", ACL_READ | ACL_WRITE, 0},
    {"getdel", ACL_READ | ACL_WRITE, 0},
    {"getex", ACL_READ | ACL_WRITE, 0},
    {"delex", ACL_READ | ACL_WRITE, 0},
    {"delifeq", ACL_READ | ACL_WRITE, 0},
    {"rename", ACL_READ | ACL_WRITE, ACL_WRITE},
    {"renamenx", ACL_READ | ACL_WRITE, ACL_WRITE},
    {"copy", ACL_READ, ACL_WRITE},
};

/* SET with GET or a comparison tells something of the value that was there. */
static bool set_reads(size_t argc, const struct resp_arg *argv)
{
    static const char *const words[] = {"get", "ifeq", "ifne", "ifdeq", "ifdne"};
    for (size_t i = 3; i < argc; i++)
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
            if (argv[i].ptr != NULL && argv[i].len == strlen(words[w]) &&
                strncasecmp(argv[i].ptr, words[w], argv[i].len) == 0)
                return true;
    return false;
}

unsigned acl_key_access(const struct command *c, size_t argc, const struct resp_arg *argv,
                        size_t nth)
{
    const char *name = c->name;
    if (c->container != NULL) /* OBJECT, MEMORY USAGE: about values, not the values */
        return c->flags & CMD_WRITE ? ACL_WRITE : 0;
    if (strcmp(name, "set") == 0)
        return ACL_WRITE | (set_reads(argc, argv) ? ACL_READ : 0);
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(exceptions[i].name, name) == 0)
            return nth == 1 && exceptions[i].second != 0 ? exceptions[i].second
                                                         : exceptions[i].access;
    return c->flags & CMD_WRITE ? ACL_WRITE : ACL_READ;
}

/* ---- channels ---- */

static const struct channel_command {
    const char *name;
    size_t first;
    bool one, is_pattern;
} channel_commands[] = {
    {"publish", 1, true, false},     {"spublish", 1, true, false},   {"subscribe", 1, false, false},
    {"ssubscribe", 1, false, false}, {"psubscribe", 1, false, true},
};

static const struct channel_command *find_channel_command(const struct command *c)
{
    if (c->group != GROUP_PUBSUB || c->container != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof channel_commands / sizeof channel_commands[0]; i++)
        if (strcmp(channel_commands[i].name, c->name) == 0)
            return &channel_commands[i];
    return NULL;
}

bool acl_channels_each(const struct command *c, size_t argc,
                       bool (*fn)(void *arg, size_t i, bool is_pattern), void *arg)
{
    const struct channel_command *cc = find_channel_command(c);
    if (cc == NULL)
        return true;
    for (size_t i = cc->first; i < argc && (i == cc->first || !cc->one); i++)
        if (!fn(arg, i, cc->is_pattern))
            return false;
    return true;
}
