/* Clients as users: who they are, and whether they may do what they ask for. */
#include <string.h>

#include "acl.h"
#include "acl_denied.h"
#include "server.h"
#include "transaction/transaction.h"

/* ---- being a user ---- */

/* Others read the name under the registry's lock. */
static void set_user(struct client *c, struct acl_user *u)
{
    struct server *s = c->worker->server;
    lock_acquire(&s->registry.lock);
    struct acl_user *old = c->user;
    c->user = u;
    lock_release(&s->registry.lock);
    acl_let_go(s, old);
}

void acl_client_begin(struct client *c)
{
    struct server *s = c->worker->server;
    uint64_t stamp = atomic_load_explicit(&s->acl.stamp, memory_order_acquire);
    set_user(c, acl_get(s, "default", 7));
    c->authenticated = c->user->enabled && c->user->nopass;
    c->acl_seen = stamp;
    c->acl_pass = 0;
}

void acl_client_end(struct client *c)
{
    set_user(c, NULL);
}

void acl_client_become(struct client *c, struct acl_user *u)
{
    set_user(c, u);
    c->authenticated = true;
    c->acl_pass = 0;
    c->acl_seen = 0; /* it may have changed since it was looked up */
}

static bool may_hear(const struct client *c, enum topic_kind kind)
{
    for (const struct subscription *s = c->subscriptions[kind]; s != NULL; s = s->next_own)
        if (!acl_check_channel(c->user, s->topic->name, s->topic->len, kind == TOPIC_PATTERN))
            return false;
    return true;
}

/* Looks the user up again. False when it is no more, or is another of the same name, or may not
 * hear what the client listens to. */
static bool refresh(struct client *c, uint64_t stamp)
{
    struct server *s = c->worker->server;
    if (c->acl_seen == stamp)
        return true;
    struct acl_user *u = acl_get(s, c->user->name, c->user->name_len);
    if (u == NULL || u->account != c->user->account) {
        acl_let_go(s, u);
        return false;
    }
    set_user(c, u);
    c->acl_seen = stamp;
    if (!c->authenticated)
        c->authenticated = acl_is_open(s);
    return !c->subscriber || c->user->allows_all ||
           (may_hear(c, TOPIC_CHANNEL) && may_hear(c, TOPIC_PATTERN) && may_hear(c, TOPIC_SHARD));
}

/* The present state, and whether that is one of a user at all. */
static bool is_up_to_date(struct client *c)
{
    const struct acl *a = &c->worker->server->acl;
    uint64_t stamp = atomic_load_explicit(&a->stamp, memory_order_acquire);
    if (acl_may_all(c, a))
        return true;
    if (!refresh(c, stamp))
        return false;
    c->acl_pass = c->authenticated && c->user->allows_all ? stamp : 0;
    return true;
}

bool acl_client_is_welcome(struct client *c)
{
    return is_up_to_date(c);
}

/* ---- asking ---- */

static enum acl_verdict judge(struct request *rq, size_t *at)
{
    struct acl_request asked = {.commands = rq->server->commands,
                                .command = rq->command,
                                .argc = rq->argc,
                                .argv = rq->argv};
    return acl_check(rq->client->user, &asked, at);
}

/* A client whose user is gone hears nothing more, though each command has its reply. */
static bool is_still_user(struct request *rq)
{
    struct client *c = rq->client;
    if (is_up_to_date(c))
        return true;
    if (c->connection != NULL)
        c->connection->end = CLOSE_NOW;
    resp_error(rq->out, "NOPERM the user is no more");
    return false;
}

static void deny(struct request *rq, enum acl_verdict v, size_t at, const char *context)
{
    char name[COMMAND_NAME_MAX];
    const char *where = strcmp(context, "lua") == 0 ? "ACL failure in script: " : "";
    command_full_name(rq->command, name, sizeof name);
    acl_denied(rq, v, name, at, context);
    if (v == ACL_DENIED_COMMAND)
        resp_errorf(rq->out, "NOPERM %sUser %s has no permissions to run the '%s' command", where,
                    rq->client->user->name, name);
    else
        resp_errorf(rq->out, "NOPERM %sNo permissions to access a %s", where,
                    v == ACL_DENIED_KEY ? "key" : "channel");
}

static bool may_run(struct request *rq, const char *context)
{
    struct client *c = rq->client;
    size_t at;
    if (!is_still_user(rq))
        return false;
    if (c->acl_pass != 0)
        return true;
    if (!c->authenticated) {
        if (rq->command->flags & CMD_NO_AUTH)
            return true;
        resp_error(rq->out, "NOAUTH Authentication required.");
        return false;
    }
    enum acl_verdict v = judge(rq, &at);
    if (v != ACL_ALLOWED)
        deny(rq, v, at, context);
    return v == ACL_ALLOWED;
}

bool acl_may_run(struct request *rq)
{
    return may_run(rq, transaction_is_open(rq->client) ? "multi" : "toplevel");
}

bool acl_may_run_in_script(struct request *rq)
{
    return may_run(rq, "lua");
}

bool acl_would_allow(struct request *rq)
{
    size_t at;
    return acl_may_all(rq->client, &rq->server->acl) || judge(rq, &at) == ACL_ALLOWED;
}

static void deny_late(struct request *rq, enum acl_verdict v, size_t at)
{
    char name[COMMAND_NAME_MAX];
    command_full_name(rq->command, name, sizeof name);
    acl_denied(rq, v, name, at, "multi");
    resp_errorf(rq->out,
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and "
                "the EXEC call. This command is no longer allowed for the following reason: %s",
                v == ACL_DENIED_COMMAND ? "no permission to execute the command or subcommand"
                : v == ACL_DENIED_KEY   ? "no permission to touch the specified keys"
                                        : "no permission to access one of the channels used as "
                                          "arguments to the command");
}

bool acl_may_run_at_exec(struct request *rq)
{
    size_t at = 0;
    if (!is_still_user(rq))
        return false;
    enum acl_verdict v = rq->client->acl_pass != 0 ? ACL_ALLOWED : judge(rq, &at);
    if (v != ACL_ALLOWED)
        deny_late(rq, v, at);
    return v == ACL_ALLOWED;
}
