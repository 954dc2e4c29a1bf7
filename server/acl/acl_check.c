#include "acl_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "commands/glob.h"

/* Positions of keys that need no memory of their own. */
#define POSITIONS 64

/* What is being looked at. */
struct check {
    const struct acl_selector *selector;
    const struct acl_request *request;
    unsigned id;   /* of the command */
    size_t denied; /* the argument */
};

/* ---- commands ---- */

static bool is_first_arg(const struct acl_first_arg *a, const struct check *k)
{
    const struct resp_arg *given = &k->request->argv[1];
    return a->id == k->id && k->request->argc > 1 && given->ptr != NULL && given->len == a->len &&
           strncasecmp(given->ptr, a->text, a->len) == 0;
}

static bool may_command(const struct check *k)
{
    const struct acl_selector *s = k->selector;
    if (s->all_commands || (k->request->command->flags & CMD_NO_AUTH) || acl_selector_has(s, k->id))
        return true;
    for (const struct acl_first_arg *a = s->first_args; a != NULL; a = a->next)
        if (is_first_arg(a, k))
            return true;
    return false;
}

/* ---- keys ---- */

static bool may_text(const struct acl_pattern *p, unsigned access, const char *text, size_t len)
{
    for (; p != NULL; p = p->next)
        if ((p->access & access) == access && glob_match(p->text, p->len, text, len, false))
            return true;
    return false;
}

/* An argument that came in chunks is longer than most keys, but patterns go for it too. */
static bool may_key(struct check *k, size_t i, size_t nth)
{
    const struct acl_request *rq = k->request;
    const struct resp_arg *key = &rq->argv[i];
    unsigned access = acl_key_access(rq->command, rq->argc, rq->argv, nth);
    bool may;
    if (key->ptr != NULL || key->len == 0) {
        may = may_text(k->selector->keys, access, key->len > 0 ? key->ptr : "", key->len);
    } else {
        char *copy = key->len <= CACHE_MAX_KEY ? malloc(key->len) : NULL;
        if (copy != NULL)
            resp_arg_copy(key, 0, key->len, copy);
        may = copy != NULL && may_text(k->selector->keys, access, copy, key->len);
        free(copy);
    }
    if (!may)
        k->denied = i;
    return may;
}

/* Keys at positions that only the arguments tell. When these make no sense there are none: the
 * command will say so. */
static bool may_movable_keys(struct check *k)
{
    const struct acl_request *rq = k->request;
    int few[POSITIONS], *positions = few;
    int n = rq->command->keys(rq->argc, rq->argv, few, POSITIONS);
    if (n > POSITIONS) {
        positions = malloc((size_t)n * sizeof *positions);
        if (positions == NULL)
            return false;
        n = rq->command->keys(rq->argc, rq->argv, positions, n);
    }
    bool may = true;
    for (int i = 0; i < n && may; i++)
        may = may_key(k, (size_t)positions[i], (size_t)i);
    if (positions != few)
        free(positions);
    return may;
}

static bool may_keys(struct check *k)
{
    const struct command *row = k->request->command;
    if (k->selector->all_keys)
        return true;
    if (row->keys != NULL)
        return may_movable_keys(k);
    if (row->first_key <= 0)
        return true;
    int64_t last = row->last_key < 0 ? (int64_t)k->request->argc + row->last_key : row->last_key;
    size_t nth = 0;
    for (int64_t i = row->first_key; i <= last && (size_t)i < k->request->argc; i += row->key_step)
        if (!may_key(k, (size_t)i, nth++))
            return false;
    return true;
}

/* ---- channels ---- */

/* A pattern to subscribe to must be one of those allowed, letter by letter: whether it is within
 * another pattern cannot be told in general. */
static bool channel_in(const struct acl_selector *s, const char *channel, size_t len,
                       bool is_pattern)
{
    if (s->all_channels)
        return true;
    for (const struct acl_pattern *p = s->channels; p != NULL; p = p->next)
        if (is_pattern ? p->len == len && memcmp(p->text, channel, len) == 0
                       : glob_match(p->text, p->len, channel, len, false))
            return true;
    return false;
}

bool acl_check_channel(const struct acl_user *u, const char *channel, size_t len, bool is_pattern)
{
    for (const struct acl_selector *s = u->selectors; s != NULL; s = s->next)
        if (channel_in(s, channel, len, is_pattern))
            return true;
    return false;
}

static bool may_channel(void *arg, size_t i, bool is_pattern)
{
    struct check *k = arg;
    const struct resp_arg *channel = &k->request->argv[i];
    if (channel->ptr != NULL && channel_in(k->selector, channel->ptr, channel->len, is_pattern))
        return true;
    k->denied = i;
    return false;
}

static bool may_channels(struct check *k)
{
    return k->selector->all_channels ||
           acl_channels_each(k->request->command, k->request->argc, may_channel, k);
}

/* ---- all together ---- */

static enum acl_verdict check_selector(struct check *k)
{
    if (!may_command(k))
        return ACL_DENIED_COMMAND;
    if (!may_keys(k))
        return ACL_DENIED_KEY;
    return may_channels(k) ? ACL_ALLOWED : ACL_DENIED_CHANNEL;
}

enum acl_verdict acl_check(const struct acl_user *u, const struct acl_request *rq, size_t *at)
{
    enum acl_verdict told = ACL_ALLOWED;
    *at = 0;
    for (const struct acl_selector *s = u->selectors; s != NULL; s = s->next) {
        struct check k = {
            .selector = s,
            .request = rq,
            .id = (unsigned)command_index(rq->commands, rq->command),
        };
        enum acl_verdict v = check_selector(&k);
        if (v == ACL_ALLOWED)
            return v;
        if (v > told || (v == told && k.denied > *at)) {
            told = v;
            *at = k.denied;
        }
    }
    return told;
}
