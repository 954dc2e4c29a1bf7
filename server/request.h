/* The parts of request handling that other files of the server need. What handlers use is in
 * command.h. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "command.h"

/* Frees what request_flat() made for the command that ran. */
void request_scratch_free(struct worker *w);

#endif
