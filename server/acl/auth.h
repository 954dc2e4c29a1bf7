/* Logging in. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "command.h"

/* AUTH and HELLO AUTH: true when user and password (arguments) are right; the client is then that
 * user. Replies WRONGPASS otherwise. `user` 0 = the default user. */
bool auth_try(struct request *rq, size_t user, size_t password);

#endif
