/* All users, and which of them a client is.
 *
 *   struct acl: users, by name --> acl_user (never changes) <-- client, client, ...
 *
 * A change makes a new acl_user, puts it in the place of the old one and counts the stamp up. A
 * client whose stamp is not the present one looks its user up again before its next command; so
 * what is in use goes away with its last holder, and commands take no lock. */
#ifndef SERVER_ACL_H
#define SERVER_ACL_H

#include "acl_check.h"
#include "acl_log.h"
#include "base/lock.h"
#include "clients/client.h"

struct acl {
    struct lock change; /* held from looking at a user to putting what it becomes in its place */
    struct lock lock;   /* users, their number and room, accounts, log */
    struct acl_user **users;
    size_t count, cap;
    uint64_t accounts; /* given so far */
    struct acl_log log;
    _Atomic uint64_t stamp;    /* never 0 */
    _Atomic bool default_open; /* whoever connects is the default user at once */
};

/* The default user, with its password, and the users of the options and the aclfile; says on stderr
 * what is wrong. */
bool acl_start(struct server *s);
/* No client is left. */
void acl_end(struct server *s);

/* ---- users; any thread ---- */

/* The caller releases it by acl_let_go(). NULL = there is none. */
struct acl_user *acl_get(struct server *s, const char *name, size_t len);
/* Also charges its memory; the caller gives its hold up. */
void acl_let_go(struct server *s, struct acl_user *u);
/* Takes over a finished user in the place of the one of this name. False when memory is short: it
 * is gone. */
bool acl_put(struct server *s, struct acl_user *u);
/* Deletes it and has its clients closed, but for `self`, which is told to close after its reply.
 * False when there is none. */
bool acl_delete(struct server *s, const char *name, size_t len, const struct client *self);
/* Takes over a whole set (sorted by name), and the array, in the place of all. */
void acl_put_all(struct server *s, struct acl_user **users, size_t n, const struct client *self);
/* Each user in the order of names, held while fn runs. */
void acl_each(struct server *s, void (*fn)(void *arg, const struct acl_user *u), void *arg);
/* What rules begin with. */
struct acl_rules acl_rules(struct server *s);

struct acl_change {
    const char *name;
    size_t name_len;
    const struct acl_word *words;
    size_t count;
};
/* Applies rules to a user, who is made if there is none of this name: all of them, or none. See
 * acl_user_apply(). */
enum acl_error acl_change(struct server *s, const struct acl_change *c, struct acl_word *bad,
                          bool *open);
/* The default user as it begins: may do everything, with the password of the options. Not yet
 * published. NULL when memory is short. */
struct acl_user *acl_default_user(struct server *s);
/* The option requirepass has changed: gives the default user that password, or none. False when
 * memory is short. */
bool acl_require_password(struct server *s);
/* Anybody who connects is the default user, without a password. */
bool acl_is_open(const struct server *s);

/* ---- clients; by the thread of the client ---- */

/* The default user, who need not say a password if it has none. */
void acl_client_begin(struct client *c);
void acl_client_end(struct client *c);
/* The client is this user from now on; takes the hold over. */
void acl_client_become(struct client *c, struct acl_user *u);

/* True when the client's last look at its rights found that it may do everything and nothing has
 * changed since: all that a command costs when nobody is restricted. */
static inline bool acl_may_all(const struct client *c, const struct acl *a)
{
    return c->acl_pass == atomic_load_explicit(&a->stamp, memory_order_acquire);
}
/* Whether the client may do what the request asks for; rq->command is the row that will run.
 * Replies NOAUTH or NOPERM, and notes it, when it may not. */
bool acl_may_run(struct request *rq);
/* The same at EXEC, for a command that might run when it was queued. */
bool acl_may_run_at_exec(struct request *rq);
/* The same for a command of a script. */
bool acl_may_run_in_script(struct request *rq);
/* Whether it would be allowed; nothing is replied or noted. */
bool acl_would_allow(struct request *rq);
/* False when the client's user is no more, or may not hear what the client listens to. */
bool acl_client_is_welcome(struct client *c);

/* ---- acl_file.c ---- */

/* Replaces all users by those of the aclfile. False with the reason in `error` (ACL_FILE_ERROR
 * bytes): nothing has changed. */
#define ACL_FILE_ERROR 1024
bool acl_file_load(struct server *s, const struct client *self, char *error);
/* Writes all users to the aclfile, by way of another file that takes its place. False: it is as it
 * was. */
bool acl_file_save(struct server *s);
/* The users of the option "user", one a line. */
bool acl_lines_load(struct server *s, const char *lines, char *error);

#endif
