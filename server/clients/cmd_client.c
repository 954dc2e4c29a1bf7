/* CLIENT. */
#include <stdlib.h>
#include <string.h>

#include "client_list.h"
#include "client_names.h"
#include "cmd_pause.h"
#include "pubsub/pubsub.h"
#include "server.h"
#include "tracking/cmd_tracking.h"

/* ---- names ---- */

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return true;
}

bool client_set_name(struct request *rq, size_t i)
{
    size_t len;
    const char *name = request_flat(rq, i, &len);
    if (name == NULL)
        return false;
    if (!is_printable(name, len)) {
        resp_error(rq->out,
                   "ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    if (!registry_name(&rq->server->registry, &rq->client->name, name, len)) {
        reply_oom(rq);
        return false;
    }
    return true;
}

static void client_setname(struct request *rq)
{
    if (client_set_name(rq, 2))
        resp_ok(rq->out);
}

static void client_getname(struct request *rq)
{
    /* Only this thread changes it. */
    const char *name = rq->client->name;
    if (name == NULL)
        resp_null(rq->out);
    else
        resp_bulk(rq->out, name, strlen(name));
}

static void client_setinfo(struct request *rq)
{
    bool lib = request_is(rq, 2, "lib-name");
    size_t len, option_len;
    const char *value = request_flat(rq, 3, &len);
    const char *option = request_flat(rq, 2, &option_len);
    if (value == NULL || option == NULL)
        return;
    if (!lib && !request_is(rq, 2, "lib-ver")) {
        resp_errorf(rq->out, "ERR Unrecognized option '%.*s'",
                    (int)(option_len < 128 ? option_len : 128), option);
        return;
    }
    if (!is_printable(value, len))
        resp_errorf(rq->out, "ERR %s cannot contain spaces, newlines or special characters.",
                    lib ? "lib-name" : "lib-ver");
    else if (!registry_name(&rq->server->registry,
                            lib ? &rq->client->lib_name : &rq->client->lib_version, value, len))
        reply_oom(rq);
    else
        resp_ok(rq->out);
}

/* ---- LIST and INFO ---- */

static void client_id(struct request *rq)
{
    resp_integer(rq->out, (int64_t)rq->client->id);
}

static void reply_text(struct request *rq, struct text *t)
{
    if (t->failed)
        reply_oom(rq);
    else
        resp_verbatim(rq->out, "txt", t->bytes == NULL ? "" : t->bytes, t->len);
    text_free(t);
}

/* What the client itself has waiting is known only now, while it is being served. */
static void tell_unread(struct request *rq)
{
    atomic_store_explicit(&rq->client->in_bytes, connection_unread(rq), memory_order_relaxed);
}

static void client_info(struct request *rq)
{
    struct text t = {0};
    tell_unread(rq);
    lock_acquire(&rq->server->registry.lock);
    client_print_locked(&t, rq->client, rq->now_ms);
    lock_release(&rq->server->registry.lock);
    reply_text(rq, &t);
}

enum client_type { TYPE_ANY, TYPE_NORMAL, TYPE_PUBSUB, TYPE_NONE };

static bool has_type(const struct client *c, enum client_type type)
{
    return type == TYPE_ANY || type == (pubsub_is_subscriber(c) ? TYPE_PUBSUB : TYPE_NORMAL);
}

static bool read_type(struct request *rq, size_t i, enum client_type *out)
{
    size_t len;
    *out = request_is(rq, i, "normal")   ? TYPE_NORMAL
           : request_is(rq, i, "pubsub") ? TYPE_PUBSUB
                                         : TYPE_NONE;
    if (*out != TYPE_NONE || request_is(rq, i, "master") || request_is(rq, i, "replica") ||
        request_is(rq, i, "slave"))
        return true;
    const char *type = request_flat(rq, i, &len);
    if (type != NULL)
        resp_errorf(rq->out, "ERR Unknown client type '%.*s'", (int)(len < 128 ? len : 128), type);
    return false;
}

static void list_ids(struct request *rq)
{
    struct text t = {0};
    int64_t id;
    for (size_t i = 3; i < rq->argc; i++) {
        if (!request_parse_integer(rq, i, &id)) {
            resp_error(rq->out, "ERR Invalid client ID");
            text_free(&t);
            return;
        }
        lock_acquire(&rq->server->registry.lock);
        const struct client *c = registry_find_locked(&rq->server->registry, (uint64_t)id);
        if (c != NULL && !c->killed)
            client_print_locked(&t, c, rq->now_ms);
        lock_release(&rq->server->registry.lock);
    }
    reply_text(rq, &t);
}

static void client_list(struct request *rq)
{
    enum client_type type = TYPE_ANY;
    if (rq->argc > 3 && request_is(rq, 2, "id")) {
        list_ids(rq);
        return;
    }
    if (rq->argc != 2 && !(rq->argc == 4 && request_is(rq, 2, "type"))) {
        reply_syntax_error(rq);
        return;
    }
    if (rq->argc == 4 && !read_type(rq, 3, &type))
        return;
    struct text t = {0};
    struct registry *r = &rq->server->registry;
    tell_unread(rq);
    lock_acquire(&r->lock);
    for (const struct client *c = r->first; c != NULL; c = c->next)
        if (has_type(c, type) && !c->killed)
            client_print_locked(&t, c, rq->now_ms);
    lock_release(&r->lock);
    reply_text(rq, &t);
}

/* ---- KILL ---- */

struct kill_filter {
    uint64_t id;
    int64_t max_age; /* seconds; 0 = any */
    const struct resp_arg *addr, *laddr;
    uint64_t account; /* of the user; 0 = any */
    enum client_type type;
    bool skip_me;
};

static bool is_address(const struct resp_arg *a, const char *text)
{
    return a == NULL ||
           (a->ptr != NULL && strlen(text) == a->len && memcmp(a->ptr, text, a->len) == 0);
}

static bool matches(const struct kill_filter *f, const struct client *c, const struct request *rq)
{
    return (f->id == 0 || c->id == f->id) && is_address(f->addr, c->address) &&
           is_address(f->laddr, c->local) && has_type(c, f->type) &&
           (f->account == 0 || c->user->account == f->account) &&
           (f->max_age == 0 || (rq->now_ms - c->created_ms) / 1000 >= f->max_age) &&
           !(f->skip_me && c == rq->client);
}

/* Posts to the owners; the own connection goes once the reply is out. */
static int64_t kill_matching(struct request *rq, const struct kill_filter *f)
{
    struct registry *r = &rq->server->registry;
    int64_t killed = 0;
    lock_acquire(&r->lock);
    for (struct client *c = r->first; c != NULL; c = c->next) {
        if (!matches(f, c, rq))
            continue;
        if (c == rq->client)
            c->connection->end = CLOSE_AFTER_REPLY;
        killed += c == rq->client || registry_kill_locked(r, c);
    }
    lock_release(&r->lock);
    return killed;
}

static bool read_yes_no(struct request *rq, size_t i, bool *value)
{
    *value = request_is(rq, i, "yes");
    if (*value || request_is(rq, i, "no"))
        return true;
    reply_syntax_error(rq);
    return false;
}

static bool read_max_age(struct request *rq, size_t i, int64_t *age)
{
    if (!request_integer(rq, i, age))
        return false;
    if (*age > 0)
        return true;
    resp_error(rq->out, "ERR maxage is not an integer or out of range");
    return false;
}

static bool read_user(struct request *rq, size_t i, uint64_t *account)
{
    size_t len;
    const char *name = request_flat(rq, i, &len);
    if (name == NULL)
        return false;
    struct acl_user *u = acl_get(rq->server, name, len);
    if (u == NULL) {
        resp_errorf(rq->out, "ERR No such user '%.*s'", (int)(len < 128 ? len : 128), name);
        return false;
    }
    *account = u->account;
    acl_let_go(rq->server, u);
    return true;
}

static bool read_id(struct request *rq, size_t i, uint64_t *id)
{
    int64_t n;
    if (!request_parse_integer(rq, i, &n) || n <= 0) {
        resp_error(rq->out, "ERR client-id should be greater than 0");
        return false;
    }
    *id = (uint64_t)n;
    return true;
}

static bool read_filter(struct request *rq, size_t i, struct kill_filter *f)
{
    if (request_is(rq, i, "id")) {
        return read_id(rq, i + 1, &f->id);
    }
    if (request_is(rq, i, "type"))
        return read_type(rq, i + 1, &f->type);
    if (request_is(rq, i, "skipme"))
        return read_yes_no(rq, i + 1, &f->skip_me);
    if (request_is(rq, i, "maxage"))
        return read_max_age(rq, i + 1, &f->max_age);
    if (request_is(rq, i, "addr")) {
        f->addr = &rq->argv[i + 1];
    } else if (request_is(rq, i, "laddr")) {
        f->laddr = &rq->argv[i + 1];
    } else if (request_is(rq, i, "user")) {
        return read_user(rq, i + 1, &f->account);
    } else {
        reply_syntax_error(rq);
        return false;
    }
    return true;
}

static void client_kill(struct request *rq)
{
    struct kill_filter f = {.type = TYPE_ANY};
    if (rq->argc == 3) {
        f.addr = &rq->argv[2];
        if (kill_matching(rq, &f) > 0)
            resp_ok(rq->out);
        else
            resp_error(rq->out, "ERR No such client");
        return;
    }
    f.skip_me = true;
    for (size_t i = 2; i < rq->argc; i += 2) {
        if (i + 1 == rq->argc) {
            reply_syntax_error(rq);
            return;
        }
        if (!read_filter(rq, i, &f))
            return;
    }
    resp_integer(rq->out, kill_matching(rq, &f));
}

/* ---- modes ---- */

static bool read_on_off(struct request *rq, bool *value)
{
    *value = request_is(rq, 2, "on");
    if (*value || request_is(rq, 2, "off")) {
        resp_ok(rq->out);
        return true;
    }
    reply_syntax_error(rq);
    return false;
}

static void client_no_evict(struct request *rq)
{
    bool on;
    if (read_on_off(rq, &on))
        atomic_store_explicit(&rq->client->no_evict, on, memory_order_relaxed);
}

static void client_no_touch(struct request *rq)
{
    bool on;
    if (read_on_off(rq, &on))
        rq->client->no_touch = on;
}

static void client_reply(struct request *rq)
{
    struct client *c = rq->client;
    if (request_is(rq, 2, "on")) {
        c->reply = REPLY_ON;
        resp_ok(rq->out);
    } else if (request_is(rq, 2, "off")) {
        c->reply = REPLY_OFF;
    } else if (request_is(rq, 2, "skip")) {
        if (c->reply != REPLY_OFF)
            c->reply = REPLY_SKIP_NEXT;
    } else {
        reply_syntax_error(rq);
    }
}

static const char *const help_lines[] = {
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "    * USER <username>",
    "    * SKIPME (YES|NO)",
    "    * ID <client-id>",
    "    * MAXAGE <seconds>",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "    * ID <client-id> [<client-id> ...]",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are: LIB-NAME, LIB-VER.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    NULL,
};

static void client_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define PLAIN .group = GROUP_CONNECTION, .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE
#define ADMIN                                                                                      \
    .group = GROUP_CONNECTION,                                                                     \
    .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ADMIN | CMD_DANGEROUS

static const struct command subcommands[] = {
    {.name = "caching",
     .fn = client_caching,
     .arity = 3,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Instructs the server whether to track the keys in the next request.",
     .args = "YES | NO"},
    {.name = "getredir",
     .fn = client_getredir,
     .arity = 2,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Returns the client ID to which the connection's tracking notifications are "
                "redirected.",
     .args = ""},
    {.name = "getname",
     .fn = client_getname,
     .arity = 2,
     PLAIN,
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Returns the name of the connection.",
     .args = ""},
    {.name = "help",
     .fn = client_help,
     .arity = 2,
     .group = GROUP_CONNECTION,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "id",
     .fn = client_id,
     .arity = 2,
     PLAIN,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Returns the unique client ID of the connection.",
     .args = ""},
    {.name = "info",
     .fn = client_info,
     .arity = 2,
     PLAIN,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns information about the connection.",
     .args = ""},
    {.name = "kill",
     .fn = client_kill,
     .arity = -3,
     ADMIN,
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .summary = "Terminates open connections.",
     .args = "ip:port | [ID client-id] [TYPE type] [USER username] [ADDR addr] [LADDR laddr] "
             "[SKIPME yes-no] [MAXAGE maxage]"},
    {.name = "list",
     .fn = client_list,
     .arity = -2,
     ADMIN,
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of client connections",
     .summary = "Lists open connections.",
     .args = "[TYPE client-type] [ID client-id ...]"},
    {.name = "no-evict",
     .fn = client_no_evict,
     .arity = 3,
     ADMIN,
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Sets the client eviction mode of the connection.",
     .args = "ON | OFF"},
    {.name = "no-touch",
     .fn = client_no_touch,
     .arity = 3,
     PLAIN,
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
     .args = "ON | OFF"},
    {.name = "pause",
     .fn = client_pause,
     .arity = -3,
     ADMIN,
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary = "Suspends commands processing.",
     .args = "timeout [WRITE | ALL]",
     .differs =
         "Expiry and eviction go on. A command of which more than its name had come before is "
         "carried out."},
    {.name = "reply",
     .fn = client_reply,
     .arity = 3,
     PLAIN,
     .since = "3.2.0",
     .complexity = "O(1)",
     .summary = "Instructs the server whether to reply to commands.",
     .args = "ON | OFF | SKIP"},
    {.name = "setinfo",
     .fn = client_setinfo,
     .arity = 4,
     PLAIN,
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Sets information specific to the client or connection.",
     .args = "LIB-NAME libname | LIB-VER libver"},
    {.name = "setname",
     .fn = client_setname,
     .arity = 3,
     PLAIN,
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Sets the connection name.",
     .args = "connection-name"},
    {.name = "tracking",
     .fn = client_tracking,
     .arity = -3,
     PLAIN,
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Controls server-assisted client-side caching for the connection.",
     .args = "ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] "
             "[OPTOUT] [NOLOOP]"},
    {.name = "trackinginfo",
     .fn = client_trackinginfo,
     .arity = 2,
     PLAIN,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns information about server-assisted client-side caching for the connection.",
     .args = ""},
    {.name = "unblock",
     .fn = client_unblock,
     .arity = -3,
     .flags = CMD_NOSCRIPT | CMD_CONNECTION | CMD_ADMIN | CMD_DANGEROUS,
     .group = GROUP_CONNECTION,
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Unblocks a client blocked by a blocking command from a different connection.",
     .args = "client-id [TIMEOUT | ERROR]",
     .differs = "No command blocks: always answers 0."},
    {.name = "unpause",
     .fn = client_unpause,
     .arity = 2,
     ADMIN,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Resumes processing commands from paused clients.",
     .args = ""},
    {.name = NULL},
};

const struct command commands_client[] = {
    {.name = "client",
     .arity = -2,
     .group = GROUP_CONNECTION,
     .subcommands = subcommands,
     .since = "2.4.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for client connection commands.",
     .args = ""},
    {.name = NULL},
};
