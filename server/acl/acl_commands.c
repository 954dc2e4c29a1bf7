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
    unsigned access = c->key_access[nth > 0];
    return strcmp(c->name, "set") == 0 && set_reads(argc, argv) ? access | KEY_READ : access;
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
