#include "acl_denied.h"

#include <stdlib.h>
#include <string.h>

#include "clients/client_list.h"
#include "server.h"

/* Copies as much as fits. */
static size_t copy(char *to, size_t cap, const char *from, size_t len)
{
    size_t n = len < cap ? len : cap;
    memcpy(to, from, n);
    return n;
}

static void note(struct request *rq, struct acl_log_entry *e)
{
    struct server *s = rq->server;
    struct text t = {0};
    lock_acquire(&s->registry.lock);
    client_print_locked(&t, rq->client, rq->now_ms);
    lock_release(&s->registry.lock);
    if (!t.failed && t.len > 0) /* without the line break */
        e->client[copy(e->client, sizeof e->client - 1, t.bytes, t.len - 1)] = '\0';
    text_free(&t);
    e->count = 1;
    e->created_ms = e->updated_ms = rq->now_ms;
    lock_acquire(&s->acl.lock);
    size_t before = s->acl.log.count;
    acl_log_add(&s->acl.log, e, (size_t)setting_get(&s->settings.acl_log_most));
    cache_charge(s->cache, ((int64_t)s->acl.log.count - (int64_t)before) * (int64_t)sizeof *e);
    lock_release(&s->acl.lock);
}

static void count(struct worker_stats *t, enum acl_verdict v)
{
    counter *const counters[] = {
        [ACL_DENIED_COMMAND] = &t->denied_commands,
        [ACL_DENIED_KEY] = &t->denied_keys,
        [ACL_DENIED_AUTH] = &t->auth_failures,
        [ACL_DENIED_CHANNEL] = &t->denied_channels,
    };
    counter_add(counters[v], 1);
}

void acl_denied(struct request *rq, enum acl_verdict v, const char *command, size_t at,
                const char *context)
{
    count(&rq->worker->stats, v);
    struct acl_log_entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        return;
    e->reason = v;
    e->context = context;
    if (v == ACL_DENIED_COMMAND) {
        e->object_len = copy(e->object, sizeof e->object, command, strlen(command));
    } else {
        const struct resp_arg *a = &rq->argv[at];
        e->object_len = a->len < sizeof e->object ? a->len : sizeof e->object;
        resp_arg_copy(a, 0, e->object_len, e->object);
    }
    const struct acl_user *u = rq->client->user;
    e->user_len = copy(e->user, sizeof e->user, u->name, u->name_len);
    note(rq, e);
}

void acl_denied_login(struct request *rq, const char *user, size_t len)
{
    count(&rq->worker->stats, ACL_DENIED_AUTH);
    struct acl_log_entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        return;
    e->reason = ACL_DENIED_AUTH;
    e->context = "toplevel";
    e->object_len = copy(e->object, sizeof e->object, rq->argv[0].ptr, rq->argv[0].len);
    e->user_len = copy(e->user, sizeof e->user, user, len);
    note(rq, e);
}
