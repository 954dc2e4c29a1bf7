#include "secret.h"

#include <string.h>

#include "options/option.h"

static bool is_command(const struct command *c, const char *container, const char *name)
{
    const char *head = c->container == NULL ? "" : c->container->name;
    return strcmp(head, container) == 0 && strcmp(c->name, name) == 0;
}

/* Redis hides the whole of "AUTH username password". */
static bool is_secret_of_hello(const struct request *rq, size_t i)
{
    for (size_t at = 2; at + 2 < rq->argc && at < i; at++)
        if (request_is(rq, at, "auth"))
            return i <= at + 2;
    return false;
}

static bool is_secret_option(const struct request *rq, size_t i)
{
    const struct resp_arg *name = &rq->argv[i - 1];
    const struct option *o = name->ptr == NULL ? NULL : option_find(name->ptr, name->len);
    return o != NULL && (o->flags & OPTION_SECRET);
}

bool argument_is_secret(const struct request *rq, size_t i)
{
    const struct command *c = rq->command;
    if (c->group == GROUP_CONNECTION && is_command(c, "", "auth"))
        return i > 0;
    if (c->group == GROUP_CONNECTION && is_command(c, "", "hello"))
        return is_secret_of_hello(rq, i);
    if (c->group == GROUP_SERVER && is_command(c, "config", "set"))
        return i >= 3 && i % 2 == 1 && is_secret_option(rq, i);
    return c->group == GROUP_SERVER && is_command(c, "acl", "setuser") && i >= 3;
}
