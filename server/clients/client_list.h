/* Clients as lines of text, and choosing among them. */
#ifndef SERVER_CLIENT_LIST_H
#define SERVER_CLIENT_LIST_H

#include "client.h"
#include "text.h"

/* One line as CLIENT LIST has it. Under the registry's lock. */
void client_print_locked(struct text *t, const struct client *c, int64_t now_ms);

#endif
