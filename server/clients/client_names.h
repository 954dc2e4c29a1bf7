/* Names that clients give themselves. */
#ifndef SERVER_CLIENT_NAMES_H
#define SERVER_CLIENT_NAMES_H

#include "command.h"

/* Sets the name of the client to argument i; replies the error and returns false. */
bool client_set_name(struct request *rq, size_t i);

#endif
