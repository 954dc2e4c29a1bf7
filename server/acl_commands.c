#include "acl_commands.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct acl_commands {
    const struct command_table *table;
    size_t count;         /* of numbers given */
    uint16_t first_sub[]; /* by number of the command: that of its first subcommand */
};

static size_t count_subs(const struct command *top)
{
    size_t n = 0;
    while (top->subcommands != NULL && top->subcommands[n].name != NULL)
        n++;
    return n;
}

struct acl_commands *acl_commands_create(const struct command_table *t)
{
    size_t tops = command_count(t);
    struct acl_commands *cs = calloc(1, sizeof *cs + tops * sizeof cs->first_sub[0]);
    if (cs == NULL)
        return NULL;
    cs->table = t;
    cs->count = tops;
    for (size_t i = 0; i < tops; i++) {
        cs->first_sub[i] = (uint16_t)cs->count;
        cs->count += count_subs(command_at(t, i));
    }
    assert(cs->count <= ACL_COMMANDS_MAX);
    return cs;
}

void acl_commands_destroy(struct acl_commands *cs)
{
    free(cs);
}

unsigned acl_command_id(const struct acl_commands *cs, const struct command *top,
                        const struct command *row)
{
    size_t i = command_index(cs->table, top);
    return (unsigned)(row == top ? i : cs->first_sub[i] + (size_t)(row - top->subcommands));
}

bool acl_command_find(const struct acl_commands *cs, const char *name, size_t len,
                      struct acl_command *found)
{
    const char *bar = memchr(name, '|', len);
    size_t head = bar == NULL ? len : (size_t)(bar - name);
    found->top = command_find(cs->table, name, head);
    if (found->top == NULL)
        return false;
    found->row = bar == NULL ? found->top : command_find_sub(found->top, bar + 1, len - head - 1);
    if (found->row == NULL)
        return false;
    found->id = acl_command_id(cs, found->top, found->row);
    return true;
}

void acl_commands_each(const struct acl_commands *cs,
                       void (*fn)(void *arg, const struct acl_command *c), void *arg)
{
    for (size_t i = 0; i < command_count(cs->table); i++) {
        const struct command *top = command_at(cs->table, i);
        struct acl_command c = {.top = top, .row = top, .id = (unsigned)i};
        fn(arg, &c);
        for (size_t n = 0; n < count_subs(top); n++) {
            c.row = &top->subcommands[n];
            c.id = cs->first_sub[i] + (unsigned)n;
            fn(arg, &c);
        }
    }
}

void acl_command_name(const struct command *top, const struct command *row, char *name)
{
    if (row == top)
        snprintf(name, ACL_COMMAND_NAME, "%s", top->name);
    else
        snprintf(name, ACL_COMMAND_NAME, "%s|%s", top->name, row->name);
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

bool acl_command_is_in(const struct command *row, const char *category)
{
    struct membership m = {.category = category};
    command_categories(row, compare, &m);
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

unsigned acl_key_access(const struct acl_command *c, size_t argc, const struct resp_arg *argv,
                        size_t nth)
{
    const char *name = c->row->name;
    if (c->row != c->top) /* OBJECT, MEMORY USAGE: about values, not the values */
        return c->row->flags & CMD_WRITE ? ACL_WRITE : 0;
    if (strcmp(name, "set") == 0)
        return ACL_WRITE | (set_reads(argc, argv) ? ACL_READ : 0);
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(exceptions[i].name, name) == 0)
            return nth == 1 && exceptions[i].second != 0 ? exceptions[i].second
                                                         : exceptions[i].access;
    return c->row->flags & CMD_WRITE ? ACL_WRITE : ACL_READ;
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

static const struct channel_command *find_channel_command(const struct acl_command *c)
{
    if (c->top->group != GROUP_PUBSUB || c->row != c->top)
        return NULL;
    for (size_t i = 0; i < sizeof channel_commands / sizeof channel_commands[0]; i++)
        if (strcmp(channel_commands[i].name, c->top->name) == 0)
            return &channel_commands[i];
    return NULL;
}

bool acl_has_channels(const struct acl_command *c)
{
    return find_channel_command(c) != NULL;
}

bool acl_channels_each(const struct acl_command *c, size_t argc,
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
