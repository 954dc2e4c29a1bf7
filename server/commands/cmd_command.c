/* COMMAND: what the server can do, as clients and redis-cli read it. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "command_syntax.h"
#include "glob.h"
#include "internal.h"

#define KEYS_MAX 1024 /* key positions that GETKEYS looks for without asking how many there are */

static void put_text(struct request *rq, const char *text)
{
    resp_bulk(rq->out, text, strlen(text));
}

/* ---- finding commands by the names clients give: "get", "config|get" ---- */

static const struct command *find(struct request *rq, const char *name, size_t len)
{
    const char *bar = memchr(name, '|', len);
    size_t head = bar == NULL ? len : (size_t)(bar - name);
    const struct command *c = command_find(request_commands(rq), name, head);
    if (c == NULL || bar == NULL)
        return c;
    return command_find_sub(c, bar + 1, len - head - 1);
}

static const struct command *find_argument(struct request *rq, size_t i)
{
    size_t len;
    const char *name = rq->argv[i].len <= 64 ? request_flat(rq, i, &len) : NULL;
    return name == NULL ? NULL : find(rq, name, len);
}

/* "name" or "container|name". */
static void put_full_name(struct request *rq, const struct command *container,
                          const struct command *c)
{
    char name[96];
    size_t len = 0;
    if (container != NULL) {
        len = strlen(container->name);
        memcpy(name, container->name, len);
        name[len++] = '|';
    }
    size_t rest = strlen(c->name);
    memcpy(name + len, c->name, rest);
    resp_bulk(rq->out, name, len + rest);
}

static size_t subcommand_count(const struct command *c)
{
    size_t n = 0;
    if (c->subcommands != NULL)
        while (c->subcommands[n].name != NULL)
            n++;
    return n;
}

/* ---- COMMAND INFO ---- */

static void put_flags(struct request *rq, const struct command *c)
{
    size_t n = 0;
    for (unsigned bit = 0; command_flag_name(bit) != NULL; bit++)
        n += (c->flags >> bit) & 1;
    resp_set(rq->out, n);
    for (unsigned bit = 0; command_flag_name(bit) != NULL; bit++)
        if ((c->flags >> bit) & 1)
            resp_simple(rq->out, command_flag_name(bit));
}

static void count_category(void *arg, const char *name)
{
    (void)name;
    ++*(size_t *)arg;
}

static void put_category(void *arg, const char *name)
{
    char text[32] = "@";
    strncat(text, name, sizeof text - 2);
    resp_simple(arg, text);
}

static void put_categories(struct request *rq, const struct command *c)
{
    size_t n = 0;
    command_categories(c, count_category, &n);
    resp_set(rq->out, n);
    command_categories(c, put_category, rq->out);
}

static void put_named_number(struct request *rq, const char *name, int64_t n)
{
    put_text(rq, name);
    resp_integer(rq->out, n);
}

/* Words, a blank between two, as a set. */
static void put_words(struct request *rq, const char *words)
{
    char word[32];
    size_t n = 1;
    for (const char *w = words; *w != '\0'; w++)
        n += *w == ' ';
    resp_set(rq->out, n);
    for (size_t len; n > 0; n--, words += len + (words[len] == ' ')) {
        len = strcspn(words, " ");
        snprintf(word, sizeof word, "%.*s", (int)len, words);
        resp_simple(rq->out, word);
    }
}

/* Where the keys are, in the form that replaced first, last and step. */
static void put_key_specs(struct request *rq, const struct command *c)
{
    if (c->first_key == 0) {
        resp_set(rq->out, 0);
        return;
    }
    resp_set(rq->out, 1);
    resp_map(rq->out, 3);
    put_text(rq, "flags");
    put_words(rq, command_key_flags(c, true));
    put_text(rq, "begin_search");
    resp_map(rq->out, 2);
    put_text(rq, "type");
    put_text(rq, "index");
    put_text(rq, "spec");
    resp_map(rq->out, 1);
    put_named_number(rq, "index", c->first_key);
    put_text(rq, "find_keys");
    resp_map(rq->out, 2);
    put_text(rq, "type");
    put_text(rq, "range");
    put_text(rq, "spec");
    resp_map(rq->out, 3);
    put_named_number(rq, "lastkey", c->last_key < 0 ? c->last_key : c->last_key - c->first_key);
    put_named_number(rq, "keystep", c->key_step);
    put_named_number(rq, "limit", 0);
}

static void put_info(struct request *rq, const struct command *container, const struct command *c)
{
    resp_array(rq->out, 10);
    put_full_name(rq, container, c);
    resp_integer(rq->out, c->arity);
    put_flags(rq, c);
    resp_integer(rq->out, c->first_key);
    resp_integer(rq->out, c->last_key);
    resp_integer(rq->out, c->key_step);
    put_categories(rq, c);
    resp_set(rq->out, 0);
    put_key_specs(rq, c);
    if (subcommand_count(c) == 0)
        resp_set(rq->out, 0);
    else
        resp_array(rq->out, subcommand_count(c));
    for (size_t i = 0; i < subcommand_count(c); i++)
        put_info(rq, c, &c->subcommands[i]);
}

/* Container of a name "a|b", for showing its full name. */
static const struct command *container_of_argument(struct request *rq, size_t i)
{
    size_t len;
    const char *name = request_flat(rq, i, &len);
    const char *bar = name == NULL ? NULL : memchr(name, '|', len);
    return bar == NULL ? NULL : command_find(request_commands(rq), name, (size_t)(bar - name));
}

static void put_all_infos(struct request *rq)
{
    const struct command_table *t = request_commands(rq);
    resp_array(rq->out, command_count(t));
    for (size_t i = 0; i < command_count(t); i++)
        put_info(rq, NULL, command_at(t, i));
}

static void command_command(struct request *rq)
{
    put_all_infos(rq);
}

static void command_info(struct request *rq)
{
    if (rq->argc == 2) {
        put_all_infos(rq);
        return;
    }
    resp_array(rq->out, rq->argc - 2);
    for (size_t i = 2; i < rq->argc; i++) {
        const struct command *c = find_argument(rq, i);
        if (c == NULL)
            resp_null(rq->out);
        else
            put_info(rq, container_of_argument(rq, i), c);
    }
}

static void command_count_command(struct request *rq)
{
    resp_integer(rq->out, (int64_t)command_count(request_commands(rq)));
}

/* ---- COMMAND DOCS ---- */

static void put_named_text(struct request *rq, const char *name, const char *text)
{
    put_text(rq, name);
    put_text(rq, text);
}

static void put_argument(struct request *rq, const struct syntax *s, const struct syntax_node *n);

static void put_argument_list(struct request *rq, const struct syntax *s, int first)
{
    resp_array(rq->out, syntax_length(s, first));
    for (int n = first; n >= 0; n = s->nodes[n].next)
        put_argument(rq, s, &s->nodes[n]);
}

static void put_argument(struct request *rq, const struct syntax *s, const struct syntax_node *n)
{
    bool key = n->kind == SYNTAX_VALUE && strcmp(syntax_type(n), "key") == 0;
    bool leaf = n->child < 0;
    bool flags = n->optional || n->multiple;
    resp_map(rq->out,
             2u + (leaf && n->kind == SYNTAX_VALUE) + (n->token[0] != '\0') + key + flags + !leaf);
    put_named_text(rq, "name", n->name);
    put_named_text(rq, "type", syntax_type(n));
    if (leaf && n->kind == SYNTAX_VALUE)
        put_named_text(rq, "display_text", n->name);
    if (key)
        put_named_number(rq, "key_spec_index", 0);
    if (n->token[0] != '\0')
        put_named_text(rq, "token", n->token);
    if (flags) {
        put_text(rq, "flags");
        resp_set(rq->out, (size_t)n->optional + n->multiple);
        if (n->optional)
            resp_simple(rq->out, "optional");
        if (n->multiple)
            resp_simple(rq->out, "multiple");
    }
    if (!leaf) {
        put_text(rq, "arguments");
        put_argument_list(rq, s, n->child);
    }
}

static void put_docs(struct request *rq, const struct command *container, const struct command *c)
{
    struct syntax s;
    bool arguments = syntax_parse(&s, c->args) && s.first >= 0;
    size_t subs = subcommand_count(c);
    put_full_name(rq, container, c);
    resp_map(rq->out, 4u + arguments + (subs > 0));
    put_named_text(rq, "summary", c->summary);
    put_named_text(rq, "since", c->since);
    put_named_text(rq, "group", command_group_name(c->group));
    put_named_text(rq, "complexity", c->complexity);
    if (arguments) {
        put_text(rq, "arguments");
        put_argument_list(rq, &s, s.first);
    }
    if (subs > 0) {
        put_text(rq, "subcommands");
        resp_map(rq->out, subs);
        for (size_t i = 0; i < subs; i++)
            put_docs(rq, c, &c->subcommands[i]);
    }
}

static void command_docs(struct request *rq)
{
    const struct command_table *t = request_commands(rq);
    size_t known = 0;
    if (rq->argc == 2) {
        resp_map(rq->out, command_count(t));
        for (size_t i = 0; i < command_count(t); i++)
            put_docs(rq, NULL, command_at(t, i));
        return;
    }
    for (size_t i = 2; i < rq->argc; i++)
        known += find_argument(rq, i) != NULL;
    resp_map(rq->out, known);
    for (size_t i = 2; i < rq->argc; i++) {
        const struct command *c = find_argument(rq, i);
        if (c != NULL)
            put_docs(rq, container_of_argument(rq, i), c);
    }
}

/* ---- COMMAND LIST ---- */

struct list_filter {
    const char *category; /* without the @ */
    const char *pattern;
    size_t len;
    bool nothing;
    bool hit;
};

static void match_category(void *arg, const char *name)
{
    struct list_filter *f = arg;
    if (strlen(name) == f->len && strncasecmp(name, f->category, f->len) == 0)
        f->hit = true;
}

static bool listed(struct list_filter *f, const char *name, const struct command *c)
{
    if (f->nothing)
        return false;
    if (f->pattern != NULL)
        return glob_match(f->pattern, f->len, name, strlen(name), true);
    if (f->category == NULL)
        return true;
    f->hit = false;
    command_categories(c, match_category, f);
    return f->hit;
}

/* Subcommands are listed as "container|name". */
static size_t list_row(struct request *rq, struct list_filter *f, const struct command *c,
                       bool write)
{
    size_t n = 0;
    if (listed(f, c->name, c)) {
        n++;
        if (write)
            put_full_name(rq, NULL, c);
    }
    for (size_t i = 0; i < subcommand_count(c); i++) {
        char name[96];
        const struct command *sub = &c->subcommands[i];
        snprintf(name, sizeof name, "%s|%s", c->name, sub->name);
        if (!listed(f, name, sub))
            continue;
        n++;
        if (write)
            put_text(rq, name);
    }
    return n;
}

static bool list_filter_parse(struct request *rq, struct list_filter *f)
{
    *f = (struct list_filter){0};
    if (rq->argc == 2)
        return true;
    if (rq->argc != 5 || !request_is(rq, 2, "filterby")) {
        reply_syntax_error(rq);
        return false;
    }
    const char *value = request_flat(rq, 4, &f->len);
    if (value == NULL)
        return false;
    if (request_is(rq, 3, "aclcat")) {
        f->category = value;
    } else if (request_is(rq, 3, "pattern")) {
        f->pattern = value;
    } else if (request_is(rq, 3, "module")) {
        f->nothing = true;
    } else {
        reply_syntax_error(rq);
        return false;
    }
    return true;
}

static void command_list(struct request *rq)
{
    struct list_filter f;
    const struct command_table *t = request_commands(rq);
    size_t n = 0;
    if (!list_filter_parse(rq, &f))
        return;
    for (size_t i = 0; i < command_count(t); i++)
        n += list_row(rq, &f, command_at(t, i), false);
    resp_array(rq->out, n);
    for (size_t i = 0; i < command_count(t); i++)
        list_row(rq, &f, command_at(t, i), true);
}

/* ---- COMMAND GETKEYS ---- */

static bool arity_fits(const struct command *c, size_t argc)
{
    return c->arity >= 0 ? argc == (size_t)c->arity : argc >= (size_t)-c->arity;
}

/* The command that arguments 2 and on spell, and how many they are. Replies the error and returns
 * NULL. */
static const struct command *spelled_command(struct request *rq)
{
    const struct command *c = find_argument(rq, 2);
    if (c != NULL && c->subcommands != NULL && rq->argc > 3) {
        size_t len;
        const char *name = request_flat(rq, 3, &len);
        c = name == NULL ? NULL : command_find_sub(c, name, len);
    }
    if (c == NULL)
        resp_error(rq->out, "ERR Invalid command specified");
    else if (c->first_key == 0 && c->keys == NULL)
        resp_error(rq->out, "ERR The command has no key arguments");
    else if (!arity_fits(c, rq->argc - 2))
        resp_error(rq->out, "ERR Invalid number of arguments specified for command");
    else
        return c;
    return NULL;
}

/* SET reads only when it is asked to. */
static const char *flags_of_key(const struct request *rq, const struct command *c, int nth)
{
    bool reads = strcmp(c->name, "set") != 0;
    for (size_t i = 5; i < rq->argc; i++)
        reads |= request_is(rq, i, "get");
    return reads ? command_key_flags(c, nth == 0) : "OW update";
}

/* Argument `at` of the command; with flags when there are any. */
static void put_key(struct request *rq, int at, const char *flags)
{
    size_t len;
    const char *key = request_flat(rq, 2 + (size_t)at, &len);
    if (flags != NULL)
        resp_array(rq->out, 2);
    resp_bulk(rq->out, key == NULL ? "" : key, key == NULL ? 0 : len);
    if (flags != NULL)
        put_words(rq, flags);
}

static void get_keys(struct request *rq, bool flags)
{
    int pos[KEYS_MAX];
    const struct command *c = spelled_command(rq);
    if (c == NULL)
        return;
    int n = command_key_positions(c, rq->argc - 2, rq->argv + 2, pos, KEYS_MAX);
    if (n < 0 || n > KEYS_MAX) {
        resp_error(rq->out, "ERR Invalid arguments specified for command");
        return;
    }
    resp_array(rq->out, (size_t)n);
    for (int i = 0; i < n; i++)
        put_key(rq, pos[i], flags ? flags_of_key(rq, c, i) : NULL);
}

static void command_getkeys(struct request *rq)
{
    get_keys(rq, false);
}

static void command_getkeysandflags(struct request *rq)
{
    get_keys(rq, true);
}

static const char *const help_lines[] = {
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Return details about all commands.",
    "COUNT",
    "    Return the total number of commands in this server.",
    "LIST [FILTERBY (MODULE <module-name>|ACLCAT <cat>|PATTERN <pattern>)]",
    "    Return a list of all commands in this server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full command.",
    NULL,
};

static void command_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define SUB .flags = CMD_LOADING | CMD_STALE | CMD_CONNECTION, .group = GROUP_SERVER

static const struct command command_subcommands[] = {
    {.name = "count",
     .fn = command_count_command,
     .arity = 2,
     SUB,
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Returns a count of commands.",
     .args = ""},
    {.name = "docs",
     .fn = command_docs,
     .arity = -2,
     SUB,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands to look up.",
     .summary = "Returns documentary information about one, multiple or all commands.",
     .args = "[command-name ...]"},
    {.name = "info",
     .fn = command_info,
     .arity = -2,
     SUB,
     .since = "2.8.13",
     .complexity = "O(N) where N is the number of commands to look up.",
     .summary = "Returns information about one, multiple or all commands.",
     .args = "[command-name ...]"},
    {.name = "list",
     .fn = command_list,
     .arity = -2,
     SUB,
     .since = "7.0.0",
     .complexity = "O(N) where N is the total number of commands.",
     .summary = "Returns a list of command names.",
     .args = "[FILTERBY [MODULE module-name | ACLCAT category | PATTERN pattern]]"},
    {.name = "getkeys",
     .fn = command_getkeys,
     .arity = -3,
     SUB,
     .since = "2.8.13",
     .complexity = "O(N) where N is the number of arguments to the command.",
     .summary = "Extracts the key names from an arbitrary command.",
     .args = "command [arg ...]"},
    {.name = "getkeysandflags",
     .fn = command_getkeysandflags,
     .arity = -3,
     SUB,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of arguments to the command.",
     .summary = "Extracts the key names and access flags for an arbitrary command.",
     .args = "command [arg ...]"},
    {.name = "help",
     .fn = command_help,
     .arity = 2,
     SUB,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful information about the different subcommands.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_command[] = {
    {.name = "command",
     .fn = command_command,
     .arity = -1,
     SUB,
     .since = "2.8.13",
     .subcommands = command_subcommands,
     .complexity = "O(N) where N is the total number of commands.",
     .summary = "Returns detailed information about all commands.",
     .args = ""},
    {.name = NULL},
};
