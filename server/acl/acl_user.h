/* A user: name, passwords, permissions. While it is made or changed it belongs to one thread; once
 * it is published (acl.h) it never changes, is shared, and goes away with its last holder. */
#ifndef SERVER_ACL_USER_H
#define SERVER_ACL_USER_H

#include <stdatomic.h>

#include "acl_password.h"
#include "acl_selector.h"

struct acl_secret {
    struct acl_secret *next;
    uint8_t hash[ACL_HASH_BYTES];
};

struct acl_user {
    _Atomic unsigned holders;
    uint64_t account; /* the same for all that this user becomes by changes */
    bool enabled, nopass, sanitize_skip;
    struct acl_secret *secrets;
    struct acl_selector *selectors; /* the first is the user's own, the rest in parentheses */
    bool allows_all;                /* set by acl_user_finish() */
    size_t bytes;                   /* of memory; set by acl_user_finish() */
    size_t name_len;
    char name[];
};

/* Off, without password and permissions; one holder. NULL when memory is short. */
struct acl_user *acl_user_create(const char *name, size_t len, bool all_channels);
/* To be changed: one holder, the same account. */
struct acl_user *acl_user_copy(const struct acl_user *u);
/* The last change is made. */
void acl_user_finish(struct acl_user *u);
struct acl_user *acl_user_hold(struct acl_user *u);
/* True when the holder was the last, and the user is gone. */
bool acl_user_release(struct acl_user *u);
/* No blanks, no zero bytes. */
bool acl_user_name_is_valid(const char *name, size_t len);

struct acl_word {
    const char *text;
    size_t len;
};
struct acl_rules {
    const struct command_table *commands;
    bool all_channels; /* what a user or a selector begins with */
};
/* Applies rules one after the other; "(+get" "~x)" is one. At a fault some are applied, and *bad is
 * the one that is wrong. A parenthesis that is not closed is told by *open, and nothing is. */
enum acl_error acl_user_apply(struct acl_user *u, const struct acl_rules *r,
                              const struct acl_word *words, size_t n, struct acl_word *bad,
                              bool *open);
/* Whether the password with this hash is one of the user's: looks at all of them. */
bool acl_user_has_secret(const struct acl_user *u, const uint8_t hash[ACL_HASH_BYTES]);
/* "user name on #... ~* &* +@all", as in an aclfile. */
void acl_user_print(const struct acl_user *u, struct text *t);

#endif
