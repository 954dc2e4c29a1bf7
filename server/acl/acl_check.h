/* Whether a user may do what a request asks for. Pure. */
#ifndef SERVER_ACL_CHECK_H
#define SERVER_ACL_CHECK_H

#include "acl_user.h"

/* In the order in which one tells more than another. */
enum acl_verdict {
    ACL_ALLOWED,
    ACL_DENIED_COMMAND,
    ACL_DENIED_KEY,
    ACL_DENIED_AUTH,
    ACL_DENIED_CHANNEL,
};

struct acl_request {
    const struct command_table *commands;
    const struct command *command; /* the row that would run */
    size_t argc;
    const struct resp_arg *argv;
};
/* The verdict on a command with its arguments; `at` becomes the number of the key or channel that
 * is denied. */
enum acl_verdict acl_check(const struct acl_user *u, const struct acl_request *rq, size_t *at);
/* Whether the user may use a channel, or subscribe to a pattern of channels. */
bool acl_check_channel(const struct acl_user *u, const char *channel, size_t len, bool is_pattern);

#endif
