/* What must not be seen where commands are shown: passwords among their arguments. */
#ifndef SERVER_SECRET_H
#define SERVER_SECRET_H

#include "command.h"

/* Whether argument i of the request is shown as "(redacted)". rq->command is its row. */
bool argument_is_secret(const struct request *rq, size_t i);

#endif
