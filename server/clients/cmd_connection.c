/* Commands about the connection itself. */
#include <string.h>

#include "acl/auth.h"
#include "client_names.h"
#include "pubsub/monitor.h"
#include "pubsub/pubsub.h"
#include "server.h"
#include "tracking/tracking.h"
#include "transaction/transaction.h"

static void reply_argument(struct request *rq, size_t i)
{
    char *to = resp_bulk_begin(rq->out, rq->argv[i].len);
    if (to == NULL)
        return;
    resp_arg_copy(&rq->argv[i], 0, rq->argv[i].len, to);
    resp_bulk_end(rq->out);
}

static void ping_command(struct request *rq)
{
    if (rq->argc > 2) {
        reply_arity_error(rq);
        return;
    }
    /* As a message, which is all that such a client understands. */
    if (rq->client->subscriber && rq->client->proto == 2) {
        resp_array(rq->out, 2);
        resp_bulk(rq->out, "pong", 4);
        if (rq->argc == 1)
            resp_bulk(rq->out, "", 0);
        else
            reply_argument(rq, 1);
        return;
    }
    if (rq->argc == 2)
        reply_argument(rq, 1);
    else
        resp_raw(rq->out, "+PONG\r\n", 7);
}

static void echo_command(struct request *rq)
{
    reply_argument(rq, 1);
}

static void quit_command(struct request *rq)
{
    resp_ok(rq->out);
    if (rq->client->connection != NULL)
        rq->client->connection->end = CLOSE_AFTER_REPLY;
}

static void select_command(struct request *rq)
{
    int64_t db;
    if (!request_integer(rq, 1, &db))
        return;
    if (db < INT32_MIN || db > INT32_MAX) {
        resp_error(rq->out, "ERR value is out of range, value must between -2147483648 and "
                            "2147483647");
        return;
    }
    if (db < 0 || db >= (int64_t)request_databases(rq)) {
        resp_error(rq->out, "ERR DB index is out of range");
        return;
    }
    atomic_store_explicit(&rq->client->db, (unsigned)db, memory_order_relaxed);
    resp_ok(rq->out);
}

static bool default_has_no_password(struct request *rq)
{
    struct acl_user *u = acl_get(rq->server, "default", 7);
    bool nopass = u->nopass;
    acl_let_go(rq->server, u);
    return nopass;
}

static void auth_command(struct request *rq)
{
    if (rq->argc > 3)
        reply_syntax_error(rq);
    else if (rq->argc == 2 && default_has_no_password(rq))
        resp_error(rq->out,
                   "ERR AUTH <password> called without any password configured for the default "
                   "user. Are you sure your configuration is correct?");
    else if (auth_try(rq, rq->argc == 3 ? 1 : 0, rq->argc - 1))
        resp_ok(rq->out);
}

static void set_proto(struct request *rq, uint8_t proto)
{
    rq->client->proto = proto;
    rq->out->proto = proto;
    atomic_store_explicit(&rq->client->proto_seen, proto, memory_order_relaxed);
}

static void put_text(struct request *rq, const char *name, const char *value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_bulk(rq->out, value, strlen(value));
}

static void put_number(struct request *rq, const char *name, int64_t value)
{
    resp_bulk(rq->out, name, strlen(name));
    resp_integer(rq->out, value);
}

static void reply_hello(struct request *rq)
{
    resp_map(rq->out, 7);
    /* Clients look at this name to know what they speak with. */
    put_text(rq, "server", "redis");
    put_text(rq, "version", REDIS_VERSION);
    put_number(rq, "proto", rq->client->proto);
    put_number(rq, "id", (int64_t)rq->client->id);
    put_text(rq, "mode", "standalone");
    put_text(rq, "role", "master");
    resp_bulk(rq->out, "modules", 7);
    resp_array(rq->out, 0);
}

struct hello {
    int64_t proto;
    size_t user, name; /* arguments; 0 = not given */
};

static bool read_hello(struct request *rq, struct hello *h)
{
    if (rq->argc == 1)
        return true;
    const struct resp_arg *v = &rq->argv[1];
    if (v->ptr == NULL || v->len != 1 || v->ptr[0] < '0' || v->ptr[0] > '9') {
        size_t digits = 0;
        while (v->ptr != NULL && digits < v->len && v->ptr[digits] >= '0' && v->ptr[digits] <= '9')
            digits++;
        resp_error(rq->out, digits > 0 && digits == v->len && digits < 19
                                ? "NOPROTO unsupported protocol version"
                                : "ERR Protocol version is not an integer or out of range");
        return false;
    }
    h->proto = v->ptr[0] - '0';
    if (h->proto != 2 && h->proto != 3) {
        resp_error(rq->out, "NOPROTO unsupported protocol version");
        return false;
    }
    for (size_t i = 2; i < rq->argc; i++) {
        if (request_is(rq, i, "auth") && i + 2 < rq->argc) {
            h->user = i + 1;
            i += 2;
        } else if (request_is(rq, i, "setname") && i + 1 < rq->argc) {
            h->name = ++i;
        } else {
            char text[129];
            size_t len = rq->argv[i].len < sizeof text - 1 ? rq->argv[i].len : sizeof text - 1;
            resp_arg_copy(&rq->argv[i], 0, len, text);
            text[len] = '\0';
            resp_errorf(rq->out, "ERR Syntax error in HELLO option '%s'", text);
            return false;
        }
    }
    return true;
}

static void hello_command(struct request *rq)
{
    struct hello h = {.proto = 0};
    if (!read_hello(rq, &h))
        return;
    if (h.user != 0 && !auth_try(rq, h.user, h.user + 1))
        return;
    if (!rq->client->authenticated) {
        resp_error(rq->out,
                   "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                   "the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the "
                   "client and select the RESP protocol version at the same time");
        return;
    }
    if (h.name != 0 && !client_set_name(rq, h.name))
        return;
    if (h.proto != 0)
        set_proto(rq, (uint8_t)h.proto);
    reply_hello(rq);
}

static void reset_command(struct request *rq)
{
    struct client *c = rq->client;
    pubsub_leave(c);
    tracking_off(c);
    monitor_leave(c);
    transaction_end(c);
    atomic_store_explicit(&c->db, 0, memory_order_relaxed);
    c->no_touch = false;
    atomic_store_explicit(&c->no_evict, false, memory_order_relaxed);
    c->reply = REPLY_ON;
    acl_client_begin(c);
    if (c->connection != NULL)
        (void)registry_name(&rq->server->registry, &c->name, "", 0);
    set_proto(rq, 2);
    resp_simple(rq->out, "RESET");
}

#define CONNECTION .group = GROUP_CONNECTION, .complexity = "O(1)"
#define ALWAYS     (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST)

const struct command commands_connection[] = {
    {.name = "ping",
     .fn = ping_command,
     .arity = -1,
     CONNECTION,
     .flags = CMD_FAST | CMD_SUBSCRIBED,
     .since = "1.0.0",
     .summary = "Returns the server's liveliness response.",
     .args = "[message]"},
    {.name = "echo",
     .fn = echo_command,
     .arity = 2,
     CONNECTION,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .since = "1.0.0",
     .summary = "Returns the given string.",
     .args = "message"},
    {.name = "quit",
     .fn = quit_command,
     .arity = -1,
     CONNECTION,
     .flags = ALWAYS | CMD_ALLOW_BUSY | CMD_NO_AUTH | CMD_SUBSCRIBED | CMD_AT_ONCE,
     .since = "1.0.0",
     .summary = "Closes the connection.",
     .args = ""},
    {.name = "select",
     .fn = select_command,
     .arity = 2,
     CONNECTION,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST | CMD_OTHER_DB,
     .since = "1.0.0",
     .summary = "Changes the selected database.",
     .args = "index"},
    {.name = "auth",
     .fn = auth_command,
     .arity = -2,
     CONNECTION,
     .flags = ALWAYS | CMD_ALLOW_BUSY | CMD_NO_AUTH,
     .since = "1.0.0",
     .summary = "Authenticates the connection.",
     .args = "[username] password"},
    {.name = "hello",
     .fn = hello_command,
     .arity = -1,
     CONNECTION,
     .flags = ALWAYS | CMD_ALLOW_BUSY | CMD_NO_AUTH,
     .since = "6.0.0",
     .summary = "Handshakes with the server.",
     .args = "[protover [AUTH username password] [SETNAME clientname]]"},
    {.name = "reset",
     .fn = reset_command,
     .arity = 1,
     CONNECTION,
     .flags = ALWAYS | CMD_ALLOW_BUSY | CMD_NO_AUTH | CMD_SUBSCRIBED | CMD_AT_ONCE,
     .since = "6.2.0",
     .summary = "Resets the connection.",
     .args = ""},
    {.name = NULL},
};
