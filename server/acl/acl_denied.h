/* Counting and noting what was denied. */
#ifndef SERVER_ACL_DENIED_H
#define SERVER_ACL_DENIED_H

#include "acl_check.h"

/* Of the client's user: the command of this name, or the key or channel that is argument `at`.
 * `context` is a constant. */
void acl_denied(struct request *rq, enum acl_verdict v, const char *command, size_t at,
                const char *context);
/* A login as this user failed. */
void acl_denied_login(struct request *rq, const char *user, size_t len);

#endif
