/* CONFIG, made from the option tables. */
#include <stdlib.h>
#include <string.h>

#include "commands/glob.h"
#include "net/client_eviction.h"
#include "option.h"
#include "server.h"

#define VALUE_MAX 4096

/* ---- GET ---- */

struct get {
    struct request *rq;
    size_t found; /* counted first, since the reply begins with it */
    bool counting;
};

static bool is_wanted(struct request *rq, const struct option *o)
{
    if (o->flags & OPTION_START)
        return false;
    for (size_t i = 2; i < rq->argc; i++) {
        size_t len;
        const char *pattern = request_flat(rq, i, &len);
        if (pattern != NULL && glob_match(pattern, len, o->name, strlen(o->name), true))
            return true;
    }
    return false;
}

static bool get_one(void *arg, const struct option *o)
{
    struct get *g = arg;
    char value[VALUE_MAX];
    if (!is_wanted(g->rq, o))
        return true;
    g->found++;
    if (g->counting)
        return true;
    struct settings *s = &g->rq->server->settings;
    lock_acquire(&s->lock);
    option_print(s, o, value, sizeof value);
    lock_release(&s->lock);
    resp_bulk(g->rq->out, o->name, strlen(o->name));
    resp_bulk(g->rq->out, value, strlen(value));
    return true;
}

static void config_get(struct request *rq)
{
    struct get g = {.rq = rq, .counting = true};
    options_each(get_one, &g);
    resp_map(rq->out, g.found);
    g.counting = false;
    options_each(get_one, &g);
}

/* ---- SET ---- */

struct change {
    const struct option *option;
    char before[VALUE_MAX];
};

static void refuse(struct request *rq, const struct option *o, const char *why)
{
    resp_errorf(rq->out, "ERR CONFIG SET failed (possibly related to argument '%s') - %s", o->name,
                why);
}

/* Copies argument i, which must be short and without NUL bytes. */
static bool copy_value(struct request *rq, size_t i, char *value)
{
    size_t len = rq->argv[i].len;
    if (len >= VALUE_MAX)
        return false;
    resp_arg_copy(&rq->argv[i], 0, len, value);
    value[len] = '\0';
    return strlen(value) == len;
}

static const struct option *find_changeable(struct request *rq, size_t i)
{
    size_t len;
    const char *name = request_flat(rq, i, &len);
    const struct option *o = name == NULL ? NULL : option_find(name, len);
    if (name != NULL && (o == NULL || (o->flags & OPTION_START))) {
        resp_errorf(rq->out, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                    (int)(len < 128 ? len : 128), name);
        return NULL;
    }
    return o;
}

/* Replies the error and returns false when the option of done[n] cannot be set to the value. What
 * it has already it may be given again, as by those who set all options alike. */
static bool may_change(struct request *rq, const struct change *done, size_t n, const char *value)
{
    const struct option *o = done[n].option;
    for (size_t i = 0; i < n; i++) {
        if (done[i].option == o) {
            refuse(rq, o, "duplicate parameter");
            return false;
        }
    }
    if (o->flags & OPTION_FIXED && strcmp(value, done[n].before) != 0)
        refuse(rq, o, "can't set immutable config");
    else if (o->kind == OPTION_IGNORED && !(o->flags & OPTION_KEPT) &&
             strcmp(value, o->preset) != 0)
        refuse(rq, o, "this server does not have what the parameter is about");
    else
        return true;
    return false;
}

/* Sets them one after the other. Returns how many are set; fewer than all: replied. */
static size_t apply(struct request *rq, struct change *changes, size_t n)
{
    char value[VALUE_MAX], error[OPTION_ERROR_MAX];
    struct settings *s = &rq->server->settings;
    for (size_t i = 0; i < n; i++) {
        const struct option *o = find_changeable(rq, 2 + 2 * i);
        if (o == NULL)
            return i;
        if (!copy_value(rq, 3 + 2 * i, value)) {
            refuse(rq, o, "argument is too long");
            return i;
        }
        changes[i].option = o;
        lock_acquire(&s->lock);
        option_print(s, o, changes[i].before, VALUE_MAX);
        lock_release(&s->lock);
        if (!may_change(rq, changes, i, value))
            return i;
        if (o->flags & OPTION_FIXED)
            continue;
        lock_acquire(&s->lock);
        bool ok = option_set(s, o, value, error);
        lock_release(&s->lock);
        if (!ok) {
            refuse(rq, o, error);
            return i;
        }
    }
    return n;
}

static void undo(struct request *rq, const struct change *changes, size_t n)
{
    char error[OPTION_ERROR_MAX];
    struct settings *s = &rq->server->settings;
    lock_acquire(&s->lock);
    while (n-- > 0)
        if (!(changes[n].option->flags & OPTION_FIXED))
            (void)option_set(s, changes[n].option, changes[n].before, error);
    lock_release(&s->lock);
}

/* Has what the options set taken up by those who keep it in a form of their own. Replies the error
 * and returns false when that fails. */
static bool pass_on(struct request *rq, const struct change *changes, size_t n)
{
    char error[TLS_ERROR];
    const struct option *tls = NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(changes[i].option->name, "tls-", 4) == 0)
            tls = changes[i].option;
    if (tls != NULL && !tls_reload(rq->server, error)) {
        refuse(rq, tls, error);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(changes[i].option->name, "requirepass") == 0 &&
            !acl_require_password(rq->server)) {
            reply_oom(rq);
            return false;
        }
    }
    return true;
}

static void config_set(struct request *rq)
{
    size_t n = (rq->argc - 2) / 2;
    if (rq->argc % 2 != 0) {
        reply_syntax_error(rq);
        return;
    }
    struct change *changes = n <= 128 ? calloc(n, sizeof *changes) : NULL;
    if (changes == NULL) {
        reply_oom(rq);
        return;
    }
    size_t done = apply(rq, changes, n);
    if (done < n || !pass_on(rq, changes, n)) {
        undo(rq, changes, done);
    } else {
        server_configure_cache(rq->server);
        hooks_update(rq->server);
        (void)client_evict(rq->worker, NULL);
        resp_ok(rq->out);
    }
    free(changes);
}

/* ---- RESETSTAT, REWRITE ---- */

static void config_resetstat(struct request *rq)
{
    struct server *s = rq->server;
    server_reset_stats(s);
    cache_stats_reset(s->cache);
    resp_ok(rq->out);
}

static void config_rewrite(struct request *rq)
{
    if (rq->server->config_file == NULL)
        resp_error(rq->out, "ERR The server is running without a config file");
    else
        resp_error(rq->out, "ERR zscache does not change its config file");
}

static const char *const help_lines[] = {
    "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file: answers an error.",
    NULL,
};

static void config_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define ADMIN                                                                                      \
    .group = GROUP_SERVER,                                                                         \
    .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ADMIN | CMD_DANGEROUS

static const struct command subcommands[] = {
    {.name = "get",
     .fn = config_get,
     .arity = -3,
     ADMIN,
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Returns the effective values of configuration parameters.",
     .args = "parameter ..."},
    {.name = "help",
     .fn = config_help,
     .arity = 2,
     .group = GROUP_SERVER,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "resetstat",
     .fn = config_resetstat,
     .arity = 2,
     ADMIN,
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Resets the server's statistics.",
     .args = ""},
    {.name = "rewrite",
     .fn = config_rewrite,
     .arity = 2,
     ADMIN,
     .since = "2.8.0",
     .complexity = "O(1)",
     .summary = "Persists the effective configuration to file.",
     .args = "",
     .differs = "Always an error: the file is never written."},
    {.name = "set",
     .fn = config_set,
     .arity = -4,
     ADMIN,
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Sets configuration parameters in-flight.",
     .args = "[parameter value ...]"},
    {.name = NULL},
};

const struct command commands_config[] = {
    {.name = "config",
     .arity = -2,
     .group = GROUP_SERVER,
     .subcommands = subcommands,
     .since = "2.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for server configuration commands.",
     .args = ""},
    {.name = NULL},
};
