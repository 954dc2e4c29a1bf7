/* Clients as users: who they are, and whether they may do what they ask for. */
#include <string.h>

#include "acl.h"
#include "acl_denied.h"
#include "server.h"

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

/* Looks the user up again. False when it is no more, or is another of the same name. */
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
    return true;
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

/* ---- asking ---- */

void acl_reason(const struct acl_user *u, enum acl_verdict v, const char *command, char *text,
                size_t cap)
{
    if (v == ACL_DENIED_COMMAND)
        snprintf(text, cap, "User %s has no permissions to run the '%s' command", u->name, command);
    else
        snprintf(text, cap, "No permissions to access a %s",
                 v == ACL_DENIED_KEY ? "key" : "channel");
}

static void deny(struct request *rq, const struct acl_command *c, enum acl_verdict v, size_t at)
{
    char name[ACL_COMMAND_NAME], reason[RESP_ERROR_MAX];
    acl_command_name(c->top, c->row, name);
    acl_reason(rq->client->user, v, name, reason, sizeof reason);
    acl_denied(rq, v, name, at);
    resp_errorf(rq->out, "NOPERM %s", reason);
}

bool acl_may_run(struct request *rq, const struct command *top)
{
    struct client *c = rq->client;
    const struct acl *a = &rq->server->acl;
    if (!is_up_to_date(c)) {
        if (c->connection != NULL)
            c->connection->end = CLOSE_NOW;
        return false;
    }
    if (c->acl_pass != 0)
        return true;
    if (!c->authenticated) {
        if (rq->command->flags & CMD_NO_AUTH)
            return true;
        resp_error(rq->out, "NOAUTH Authentication required.");
        return false;
    }
    struct acl_command command = {
        .top = top, .row = rq->command, .id = acl_command_id(a->commands, top, rq->command)};
    size_t at;
    enum acl_verdict v = acl_check(c->user, &command, rq->argc, rq->argv, &at);
    if (v != ACL_ALLOWED)
        deny(rq, &command, v, at);
    return v == ACL_ALLOWED;
}

bool acl_channel_allowed(struct client *c, const char *channel, size_t len, bool is_pattern)
{
    return is_up_to_date(c) &&
           (c->acl_pass != 0 || acl_check_channel(c->user, channel, len, is_pattern));
}
