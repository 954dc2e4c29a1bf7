#include "acl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/option.h"
#include "rank.h"
#include "server.h"

static const char *pubsub_default_name(int64_t value)
{
    static const char *const names[] = {"resetchannels", "allchannels", NULL};
    return value < 2 ? names[value] : NULL;
}

const struct option options_acl[] = {
    {.name = "user",
     .kind = OPTION_LINES,
     .flags = OPTION_START | OPTION_SECRET,
     .at = offsetof(struct settings, users),
     .preset = "",
     .summary = "name and rules of a user, as for ACL SETUSER; may be given many times"},
    {.name = "aclfile",
     .kind = OPTION_TEXT,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, aclfile),
     .preset = "",
     .summary = "file with a line for each user, read at the start and by ACL LOAD"},
    {.name = "acllog-max-len",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, acl_log_most),
     .max = 10000,
     .preset = "128",
     .summary = "entries that ACL LOG keeps"},
    {.name = "acl-pubsub-default",
     .kind = OPTION_NAME,
     .at = offsetof(struct settings, acl_all_channels),
     .preset = "resetchannels",
     .name_of = pubsub_default_name,
     .summary = "channels that a new user may use"},
    {.name = NULL},
};

static const char default_name[] = "default";

/* ---- the sorted list ---- */

static int compare(const char *a, size_t a_len, const struct acl_user *b)
{
    int order = memcmp(a, b->name, a_len < b->name_len ? a_len : b->name_len);
    return order != 0 ? order : (a_len > b->name_len) - (a_len < b->name_len);
}

/* Where the user is, or would be. */
static bool find_locked(const struct acl *a, const char *name, size_t len, size_t *at)
{
    size_t low = 0, high = a->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(name, len, a->users[middle]);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return false;
}

static bool grow_locked(struct acl *a)
{
    if (a->count < a->cap)
        return true;
    size_t cap = a->cap == 0 ? 8 : a->cap * 2;
    struct acl_user **users = realloc(a->users, cap * sizeof(struct acl_user *));
    if (users == NULL)
        return false;
    a->users = users;
    a->cap = cap;
    return true;
}

static void changed_locked(struct acl *a)
{
    size_t at;
    if (find_locked(a, default_name, sizeof default_name - 1, &at))
        atomic_store_explicit(&a->default_open, a->users[at]->enabled && a->users[at]->nopass,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&a->stamp, 1, memory_order_acq_rel);
}

/* ---- users ---- */

struct acl_user *acl_get(struct server *s, const char *name, size_t len)
{
    struct acl *a = &s->acl;
    struct acl_user *u = NULL;
    size_t at;
    lock_acquire(&a->lock);
    if (find_locked(a, name, len, &at))
        u = acl_user_hold(a->users[at]);
    lock_release(&a->lock);
    return u;
}

void acl_let_go(struct server *s, struct acl_user *u)
{
    int64_t bytes = u == NULL ? 0 : (int64_t)u->bytes;
    if (acl_user_release(u))
        cache_charge(s->cache, -bytes);
}

/* Subscribers ask for nothing, so they must be looked at. */
static void tell_workers(struct server *s)
{
    if (server_sum(s, offsetof(struct worker_stats, subscribers)) == 0)
        return;
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct mail *m = mail_create(MAIL_USERS, 0);
        if (m != NULL)
            mailbox_post(&s->workers[i]->mailbox, m);
    }
}

bool acl_put(struct server *s, struct acl_user *u)
{
    struct acl *a = &s->acl;
    struct acl_user *old = NULL;
    size_t at;
    lock_acquire(&a->lock);
    bool found = find_locked(a, u->name, u->name_len, &at);
    bool ok = found || grow_locked(a);
    if (found) {
        old = a->users[at];
        u->account = old->account;
    } else if (ok) {
        u->account = ++a->accounts;
        memmove(a->users + at + 1, a->users + at, (a->count - at) * sizeof *a->users);
        a->count++;
    }
    cache_charge(s->cache, (int64_t)u->bytes);
    if (ok) {
        a->users[at] = u;
        changed_locked(a);
    } else {
        old = u;
    }
    lock_release(&a->lock);
    if (found)
        tell_workers(s);
    acl_let_go(s, old);
    return ok;
}

/* Has the clients closed that are users which are no more. A client that becomes one at this very
 * moment finds out by the stamp. */
static void close_clients(struct server *s, const struct client *self, const struct acl_user *u)
{
    struct registry *r = &s->registry;
    lock_acquire(&r->lock);
    for (struct client *c = r->first; c != NULL; c = c->next) {
        if (c->user == NULL || c->user->account != u->account)
            continue;
        if (c == self)
            c->connection->end = CLOSE_AFTER_REPLY;
        else
            (void)registry_kill_locked(r, c);
    }
    lock_release(&r->lock);
}

bool acl_delete(struct server *s, const char *name, size_t len, const struct client *self)
{
    struct acl *a = &s->acl;
    struct acl_user *old = NULL;
    size_t at;
    lock_acquire(&a->change);
    lock_acquire(&a->lock);
    if (find_locked(a, name, len, &at)) {
        old = a->users[at];
        a->count--;
        memmove(a->users + at, a->users + at + 1, (a->count - at) * sizeof *a->users);
        changed_locked(a);
    }
    lock_release(&a->lock);
    lock_release(&a->change);
    if (old == NULL)
        return false;
    close_clients(s, self, old);
    acl_let_go(s, old);
    return true;
}

void acl_put_all(struct server *s, struct acl_user **users, size_t n, const struct client *self)
{
    struct acl *a = &s->acl;
    struct acl fresh = {.count = n};
    fresh.users = users;
    for (size_t i = 0; i < n; i++)
        cache_charge(s->cache, (int64_t)users[i]->bytes);
    lock_acquire(&a->lock);
    struct acl_user **old = a->users;
    size_t old_count = a->count, at;
    for (size_t i = 0; i < n; i++)
        users[i]->account = find_locked(a, users[i]->name, users[i]->name_len, &at)
                                ? a->users[at]->account
                                : ++a->accounts;
    a->users = users;
    a->count = a->cap = n;
    changed_locked(a);
    lock_release(&a->lock);
    for (size_t i = 0; i < old_count; i++) {
        if (!find_locked(&fresh, old[i]->name, old[i]->name_len, &at))
            close_clients(s, self, old[i]);
        acl_let_go(s, old[i]);
    }
    tell_workers(s);
    free(old);
}

void acl_each(struct server *s, void (*fn)(void *arg, const struct acl_user *u), void *arg)
{
    struct acl *a = &s->acl;
    lock_acquire(&a->lock);
    for (size_t i = 0; i < a->count; i++)
        fn(arg, a->users[i]);
    lock_release(&a->lock);
}

struct acl_rules acl_rules(struct server *s)
{
    return (struct acl_rules){.commands = s->commands,
                              .all_channels = setting_get(&s->settings.acl_all_channels) != 0};
}

bool acl_is_open(const struct server *s)
{
    return atomic_load_explicit(&s->acl.default_open, memory_order_relaxed);
}

/* ---- changes ---- */

static struct acl_user *copy_or_create(struct server *s, const char *name, size_t len)
{
    struct acl_user *old = acl_get(s, name, len);
    if (old == NULL)
        return acl_user_create(name, len, acl_rules(s).all_channels);
    struct acl_user *u = acl_user_copy(old);
    acl_let_go(s, old);
    return u;
}

enum acl_error acl_change(struct server *s, const struct acl_change *c, struct acl_word *bad,
                          bool *open)
{
    struct acl_rules r = acl_rules(s);
    *open = false;
    *bad = (struct acl_word){"", 0};
    lock_acquire(&s->acl.change);
    struct acl_user *u = copy_or_create(s, c->name, c->name_len);
    enum acl_error e =
        u == NULL ? ACL_NO_MEMORY : acl_user_apply(u, &r, c->words, c->count, bad, open);
    if (e == ACL_OK) {
        acl_user_finish(u);
        e = acl_put(s, u) ? ACL_OK : ACL_NO_MEMORY;
    } else {
        (void)acl_user_release(u);
    }
    lock_release(&s->acl.change);
    return e;
}

/* What the option requirepass says now, as a rule in memory of its own: ">password" or "nopass".
 * NULL when memory is short. */
static char *password_rule(struct server *s)
{
    lock_acquire(&s->settings.lock);
    const char *password = s->settings.requirepass;
    size_t cap = sizeof "nopass" + strlen(password);
    char *rule = malloc(cap);
    if (rule != NULL && password[0] != '\0')
        snprintf(rule, cap, ">%s", password);
    else if (rule != NULL)
        snprintf(rule, cap, "nopass");
    lock_release(&s->settings.lock);
    return rule;
}

bool acl_require_password(struct server *s)
{
    char *rule = password_rule(s);
    if (rule == NULL)
        return false;
    struct acl_word words[2] = {{"resetpass", 9}, {rule, strlen(rule)}}, bad;
    struct acl_change c = {
        .name = default_name, .name_len = sizeof default_name - 1, .words = words, .count = 2};
    bool open;
    bool ok = acl_change(s, &c, &bad, &open) == ACL_OK;
    free(rule);
    return ok;
}

struct acl_user *acl_default_user(struct server *s)
{
    struct acl_rules r = acl_rules(s);
    bool open;
    char *rule = password_rule(s);
    if (rule == NULL)
        return NULL;
    struct acl_word bad,
        words[] = {{"on", 2}, {"~*", 2}, {"&*", 2}, {"+@all", 5}, {rule, strlen(rule)}};
    struct acl_user *u = acl_user_create(default_name, sizeof default_name - 1, false);
    if (u != NULL &&
        acl_user_apply(u, &r, words, sizeof words / sizeof words[0], &bad, &open) != ACL_OK) {
        (void)acl_user_release(u);
        u = NULL;
    }
    if (u != NULL)
        acl_user_finish(u);
    free(rule);
    return u;
}

/* ---- life ---- */

static bool fault(const char *what)
{
    fprintf(stderr, "zscache-server: %s\n", what);
    return false;
}

bool acl_start(struct server *s)
{
    char error[ACL_FILE_ERROR];
    struct acl *a = &s->acl;
    bool has_file = s->settings.aclfile[0] != '\0', has_lines = s->settings.users[0] != '\0';
    lock_init(&a->change, RANK_ACL_CHANGE);
    lock_init(&a->lock, RANK_ACL);
    atomic_store(&a->stamp, 1);
    assert(command_row_count(s->commands) <= ACL_COMMANDS_MAX);
    struct acl_user *u = acl_default_user(s);
    if (u == NULL || !acl_put(s, u))
        return fault("not enough memory for users");
    if (has_file && has_lines)
        return fault("users may stand in the options or in an aclfile, not in both");
    if (has_lines && !acl_lines_load(s, s->settings.users, error))
        return fault(error);
    return !has_file || acl_file_load(s, NULL, error) || fault(error);
}

void acl_end(struct server *s)
{
    struct acl *a = &s->acl;
    for (size_t i = 0; i < a->count; i++)
        acl_let_go(s, a->users[i]);
    free(a->users);
    acl_log_reset(&a->log);
    *a = (struct acl){.users = NULL};
}
