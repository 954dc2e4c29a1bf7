/* ACL. */
#include <stdlib.h>
#include <string.h>

#include "acl.h"
#include "base/random.h"
#include "server.h"

#define GENPASS_BITS 4096

/* ---- changing users ---- */

static bool has_file(struct request *rq)
{
    if (rq->server->settings.aclfile[0] != '\0')
        return true;
    resp_error(rq->out,
               "ERR This Redis instance is not configured to use an ACL file. You may want to "
               "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
               "(assuming you have a Redis configuration file set) in order to store users in the "
               "Redis configuration.");
    return false;
}

static void reply_rule_error(struct request *rq, enum acl_error e, const struct acl_word *bad,
                             bool open)
{
    int len = (int)(bad->len < 256 ? bad->len : 256);
    if (open)
        resp_errorf(rq->out, "ERR Unmatched parenthesis in acl selector starting at '%.*s'.", len,
                    bad->text);
    else if (e == ACL_NO_MEMORY)
        reply_oom(rq);
    else
        resp_errorf(rq->out, "ERR Error in ACL SETUSER modifier '%.*s': %s", len, bad->text,
                    acl_error_text(e));
}

static void acl_setuser(struct request *rq)
{
    struct acl_word bad, *words = calloc(rq->argc, sizeof *words);
    struct acl_change c = {.words = words, .count = rq->argc - 3};
    bool ok = words != NULL, open;
    if (!ok)
        reply_oom(rq);
    for (size_t i = 3; ok && i < rq->argc; i++)
        ok = (words[i - 3].text = request_flat(rq, i, &words[i - 3].len)) != NULL;
    if (ok)
        ok = (c.name = request_flat(rq, 2, &c.name_len)) != NULL;
    if (ok && !acl_user_name_is_valid(c.name, c.name_len)) {
        resp_error(rq->out, "ERR Usernames can't contain spaces or null characters");
    } else if (ok) {
        enum acl_error e = acl_change(rq->server, &c, &bad, &open);
        if (e == ACL_OK)
            resp_ok(rq->out);
        else
            reply_rule_error(rq, e, &bad, open);
    }
    free(words);
}

static void acl_deluser(struct request *rq)
{
    int64_t deleted = 0;
    size_t len;
    for (size_t i = 2; i < rq->argc; i++) {
        const char *name = request_flat(rq, i, &len);
        if (name == NULL)
            return;
        if (len == 7 && memcmp(name, "default", 7) == 0) {
            resp_error(rq->out, "ERR The 'default' user cannot be removed");
            return;
        }
    }
    for (size_t i = 2; i < rq->argc; i++) {
        const char *name = request_flat(rq, i, &len);
        deleted += name != NULL && acl_delete(rq->server, name, len, rq->client);
    }
    resp_integer(rq->out, deleted);
}

static void acl_load(struct request *rq)
{
    char error[ACL_FILE_ERROR];
    if (!has_file(rq))
        return;
    if (acl_file_load(rq->server, rq->client, error))
        resp_ok(rq->out);
    else
        resp_errorf(rq->out,
                    "ERR %sWARNING: ACL errors detected, no change to the previously active ACL "
                    "rules was performed",
                    error);
}

static void acl_save(struct request *rq)
{
    if (!has_file(rq))
        return;
    if (acl_file_save(rq->server))
        resp_ok(rq->out);
    else
        resp_error(rq->out, "ERR There was an error trying to save the ACLs. Please check the "
                            "server logs for more information");
}

/* ---- showing users ---- */

static void put_text(struct request *rq, const char *text)
{
    resp_bulk(rq->out, text, strlen(text));
}

static void put_printed(struct request *rq, struct text *t)
{
    resp_bulk(rq->out, t->bytes == NULL ? "" : t->bytes, t->len);
    text_free(t);
}

static void put_selector(struct request *rq, const struct acl_selector *s)
{
    struct text t = {0};
    put_text(rq, "commands");
    acl_selector_print_commands(s, &t);
    put_printed(rq, &t);
    put_text(rq, "keys");
    acl_selector_print_keys(s, &t);
    put_printed(rq, &t);
    put_text(rq, "channels");
    acl_selector_print_channels(s, &t);
    put_printed(rq, &t);
}

static void put_passwords(struct request *rq, const struct acl_user *u)
{
    char hash[ACL_HASH_LETTERS + 1];
    size_t n = 0;
    for (const struct acl_secret *s = u->secrets; s != NULL; s = s->next)
        n++;
    resp_array(rq->out, n);
    for (const struct acl_secret *s = u->secrets; s != NULL; s = s->next) {
        acl_hash_print(s->hash, hash);
        put_text(rq, hash);
    }
}

static void put_user(struct request *rq, const struct acl_user *u)
{
    size_t n = 0;
    resp_map(rq->out, 6);
    put_text(rq, "flags");
    resp_set(rq->out, 2 + (size_t)u->nopass);
    put_text(rq, u->enabled ? "on" : "off");
    if (u->nopass)
        put_text(rq, "nopass");
    put_text(rq, u->sanitize_skip ? "skip-sanitize-payload" : "sanitize-payload");
    put_text(rq, "passwords");
    put_passwords(rq, u);
    put_selector(rq, u->selectors);
    put_text(rq, "selectors");
    for (const struct acl_selector *s = u->selectors->next; s != NULL; s = s->next)
        n++;
    resp_array(rq->out, n);
    for (const struct acl_selector *s = u->selectors->next; s != NULL; s = s->next) {
        resp_map(rq->out, 3);
        put_selector(rq, s);
    }
}

static void acl_getuser(struct request *rq)
{
    size_t len;
    const char *name = request_flat(rq, 2, &len);
    if (name == NULL)
        return;
    struct acl_user *u = acl_get(rq->server, name, len);
    if (u == NULL)
        resp_null(rq->out);
    else
        put_user(rq, u);
    acl_let_go(rq->server, u);
}

static void put_name(void *arg, const struct acl_user *u)
{
    put_text(arg, u->name);
}

static void put_line(void *arg, const struct acl_user *u)
{
    struct text t = {0};
    acl_user_print(u, &t);
    put_printed(arg, &t);
}

static void count_one(void *arg, const struct acl_user *u)
{
    (void)u;
    ++*(size_t *)arg;
}

/* No user comes or goes between counting and writing. */
static void reply_users(struct request *rq, void (*put)(void *arg, const struct acl_user *u))
{
    struct server *s = rq->server;
    size_t n = 0;
    lock_acquire(&s->acl.change);
    acl_each(s, count_one, &n);
    resp_array(rq->out, n);
    acl_each(s, put, rq);
    lock_release(&s->acl.change);
}

static void acl_list(struct request *rq)
{
    reply_users(rq, put_line);
}

static void acl_users(struct request *rq)
{
    reply_users(rq, put_name);
}

static void acl_whoami(struct request *rq)
{
    resp_bulk(rq->out, rq->client->user->name, rq->client->user->name_len);
}

/* ---- categories ---- */

struct members {
    struct request *rq;
    const char *category;
    size_t count;
    bool counting;
};

static void put_member(void *arg, const struct command *c)
{
    struct members *m = arg;
    char name[COMMAND_NAME_MAX];
    if (!acl_command_is_in(c, m->category))
        return;
    m->count++;
    if (m->counting)
        return;
    command_full_name(c, name, sizeof name);
    put_text(m->rq, name);
}

static void acl_cat(struct request *rq)
{
    size_t len, n = 0;
    if (rq->argc == 2) {
        while (acl_category_name(n) != NULL)
            n++;
        resp_array(rq->out, n);
        for (size_t i = 0; i < n; i++)
            put_text(rq, acl_category_name(i));
        return;
    }
    const char *name = request_flat(rq, 2, &len);
    if (name == NULL)
        return;
    struct members m = {.rq = rq, .category = acl_category_find(name, len), .counting = true};
    if (rq->argc > 3 || m.category == NULL) {
        if (rq->argc > 3)
            reply_arity_error(rq);
        else
            resp_errorf(rq->out, "ERR Unknown category '%.*s'", (int)(len < 128 ? len : 128), name);
        return;
    }
    const struct command_table *t = rq->server->commands;
    acl_commands_each(t, put_member, &m);
    resp_array(rq->out, m.count);
    m.counting = false;
    acl_commands_each(t, put_member, &m);
}

/* ---- GENPASS ---- */

static void acl_genpass(struct request *rq)
{
    uint8_t bytes[GENPASS_BITS / 8];
    char text[GENPASS_BITS / 4 + 1];
    int64_t bits = 256;
    if (rq->argc == 3 && !request_integer(rq, 2, &bits))
        return;
    if (bits <= 0 || bits > GENPASS_BITS) {
        resp_error(rq->out, "ERR ACL GENPASS argument must be the number of bits for the output "
                            "password, a positive number up to 4096");
        return;
    }
    size_t letters = (size_t)(bits + 3) / 4;
    if (!random_secret(bytes, (letters + 1) / 2)) {
        resp_error(rq->out, "ERR the system has no random numbers");
        return;
    }
    for (size_t i = 0; i < (letters + 1) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    resp_bulk(rq->out, text, letters);
}

/* ---- LOG ---- */

static const char *reason_name(enum acl_verdict v)
{
    return v == ACL_DENIED_COMMAND ? "command"
           : v == ACL_DENIED_KEY   ? "key"
           : v == ACL_DENIED_AUTH  ? "auth"
                                   : "channel";
}

static void put_entry(struct request *rq, const struct acl_log_entry *e)
{
    resp_map(rq->out, 10);
    put_text(rq, "count");
    resp_integer(rq->out, (int64_t)e->count);
    put_text(rq, "reason");
    put_text(rq, reason_name(e->reason));
    put_text(rq, "context");
    put_text(rq, e->context);
    put_text(rq, "object");
    resp_bulk(rq->out, e->object, e->object_len);
    put_text(rq, "username");
    resp_bulk(rq->out, e->user, e->user_len);
    put_text(rq, "age-seconds");
    resp_double(rq->out, (double)(rq->now_ms - e->updated_ms) / 1000);
    put_text(rq, "client-info");
    put_text(rq, e->client);
    put_text(rq, "entry-id");
    resp_integer(rq->out, (int64_t)e->id);
    put_text(rq, "timestamp-created");
    resp_integer(rq->out, e->created_ms);
    put_text(rq, "timestamp-last-updated");
    resp_integer(rq->out, e->updated_ms);
}

static void acl_log(struct request *rq)
{
    struct acl *a = &rq->server->acl;
    int64_t most = 10;
    bool reset = rq->argc == 3 && request_is(rq, 2, "reset");
    if (rq->argc == 3 && !reset && !request_integer(rq, 2, &most))
        return;
    lock_acquire(&a->lock);
    if (reset) {
        cache_charge(rq->server->cache, -(int64_t)(a->log.count * sizeof(struct acl_log_entry)));
        acl_log_reset(&a->log);
        resp_ok(rq->out);
    } else {
        size_t n = most < 0 ? 0 : (uint64_t)most < a->log.count ? (size_t)most : a->log.count;
        resp_array(rq->out, n);
        for (const struct acl_log_entry *e = a->log.first; n > 0; e = e->next, n--)
            put_entry(rq, e);
    }
    lock_release(&a->lock);
}

/* ---- DRYRUN ---- */

static void try_command(struct request *rq, const struct acl_user *u, const struct command *c)
{
    size_t at, argc = rq->argc - 3;
    char name[COMMAND_NAME_MAX];
    command_full_name(c, name, sizeof name);
    if (c->arity > 0 ? argc != (size_t)c->arity : argc < (size_t)-c->arity) {
        resp_errorf(rq->out, "ERR wrong number of arguments for '%s' command", name);
        return;
    }
    struct acl_request asked = {
        .commands = rq->server->commands, .command = c, .argc = argc, .argv = rq->argv + 3};
    enum acl_verdict v = acl_check(u, &asked, &at);
    if (v == ACL_ALLOWED) {
        resp_ok(rq->out);
        return;
    }
    struct text t = {0};
    size_t len = 0;
    const char *object = v == ACL_DENIED_COMMAND ? name : request_flat(rq, 3 + at, &len);
    if (object == NULL)
        return;
    if (v == ACL_DENIED_COMMAND)
        text_printf(&t, "User %s has no permissions to run the '%s' command", u->name, name);
    else
        text_printf(&t, "User %s has no permissions to access the '%.*s' %s", u->name, (int)len,
                    object, v == ACL_DENIED_KEY ? "key" : "channel");
    put_printed(rq, &t);
}

/* Replies the error and returns NULL when there is none. */
static const struct command *find_command(struct request *rq)
{
    size_t len, sub_len = 0;
    const char *name = request_flat(rq, 3, &len), *sub = NULL;
    if (name == NULL || (rq->argc > 4 && (sub = request_flat(rq, 4, &sub_len)) == NULL))
        return NULL;
    const struct command *c = acl_command_find(rq->server->commands, name, len);
    if (c != NULL && c->subcommands != NULL && sub != NULL)
        c = command_find_sub(c, sub, sub_len);
    if (c == NULL)
        resp_errorf(rq->out, "ERR Command '%.*s' not found", (int)(len < 128 ? len : 128), name);
    return c;
}

static void acl_dryrun(struct request *rq)
{
    const struct command *c;
    size_t len;
    const char *name = request_flat(rq, 2, &len);
    if (name == NULL)
        return;
    struct acl_user *u = acl_get(rq->server, name, len);
    if (u == NULL)
        resp_errorf(rq->out, "ERR User '%.*s' not found", (int)(len < 128 ? len : 128), name);
    else if ((c = find_command(rq)) != NULL)
        try_command(rq, u, c);
    acl_let_go(rq->server, u);
}

static const char *const help_lines[] = {
    "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CAT [<category>]",
    "    List all commands that belong to <category>, or all command categories",
    "    when no category is specified.",
    "DELUSER <username> [<username> ...]",
    "    Delete a list of users.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Returns whether the user can execute the given command without executing the command.",
    "GETUSER <username>",
    "    Get the user's details.",
    "GENPASS [<bits>]",
    "    Generate a secure 256-bit user password. The optional `bits` argument can",
    "    be used to specify a different size.",
    "LIST",
    "    Show users details in config file format.",
    "LOAD",
    "    Reload users from the ACL file.",
    "LOG [<count> | RESET]",
    "    Show the ACL log entries.",
    "SAVE",
    "    Save the current config to the ACL file.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Create or modify a user with the specified attributes.",
    "USERS",
    "    List all the registered usernames.",
    "WHOAMI",
    "    Return the current connection username.",
    NULL,
};

static void acl_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define PLAIN .group = GROUP_SERVER, .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
#define ADMIN                                                                                      \
    .group = GROUP_SERVER,                                                                         \
    .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ADMIN | CMD_DANGEROUS

static const struct command subcommands[] = {
    {.name = "cat",
     .fn = acl_cat,
     .arity = -2,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Lists the ACL categories, or the commands inside a category.",
     .args = "[category]"},
    {.name = "deluser",
     .fn = acl_deluser,
     .arity = -3,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N) where N is the number of client connections",
     .summary = "Deletes ACL users, and terminates their connections.",
     .args = "username [username ...]"},
    {.name = "dryrun",
     .fn = acl_dryrun,
     .arity = -4,
     ADMIN,
     .since = "7.0.0",
     .complexity = "O(1).",
     .summary = "Simulates the execution of a command by a user, without executing the command.",
     .args = "username command [arg ...]"},
    {.name = "genpass",
     .fn = acl_genpass,
     .arity = -2,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Generates a pseudorandom, secure password that can be used to identify ACL users.",
     .args = "[bits]"},
    {.name = "getuser",
     .fn = acl_getuser,
     .arity = 3,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of password, command and pattern rules that the "
                   "user has.",
     .summary = "Lists the ACL rules of a user.",
     .args = "username"},
    {.name = "help",
     .fn = acl_help,
     .arity = 2,
     .group = GROUP_SERVER,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "list",
     .fn = acl_list,
     .arity = 2,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of configured users.",
     .summary = "Dumps the effective rules in ACL file format.",
     .args = ""},
    {.name = "load",
     .fn = acl_load,
     .arity = 2,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of configured users.",
     .summary = "Reloads the rules from the configured ACL file.",
     .args = ""},
    {.name = "log",
     .fn = acl_log,
     .arity = -2,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N) with N being the number of entries shown.",
     .summary = "Lists recent security events generated due to ACL rules.",
     .args = "[count | RESET]",
     .differs = "Names of keys, commands and users are cut at 128 bytes."},
    {.name = "save",
     .fn = acl_save,
     .arity = 2,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of configured users.",
     .summary = "Saves the effective ACL rules in the configured ACL file.",
     .args = ""},
    {.name = "setuser",
     .fn = acl_setuser,
     .arity = -3,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of rules provided.",
     .summary = "Creates and modifies an ACL user and its rules.",
     .args = "username [rule [rule ...]]"},
    {.name = "users",
     .fn = acl_users,
     .arity = 2,
     ADMIN,
     .since = "6.0.0",
     .complexity = "O(N). Where N is the number of configured users.",
     .summary = "Lists all ACL users.",
     .args = ""},
    {.name = "whoami",
     .fn = acl_whoami,
     .arity = 2,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Returns the authenticated username of the current connection.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_acl[] = {
    {.name = "acl",
     .arity = -2,
     .group = GROUP_SERVER,
     .subcommands = subcommands,
     .since = "6.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for Access List Control commands.",
     .args = ""},
    {.name = NULL},
};
