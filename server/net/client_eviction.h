/* maxmemory-clients: what the requests and replies of all clients may take together. Who takes most
 * is closed first. Any thread. */
#ifndef SERVER_CLIENT_EVICTION_H
#define SERVER_CLIENT_EVICTION_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct worker;

/* Notes that the memory of a client has grown, or shrunk, by so many bytes. False when all are over
 * the limit and this is who must go. `by` is the worker that runs. */
bool client_memory_changed(struct worker *by, struct client *c, int64_t bytes);
/* Closes clients until the limit holds, as when it was lowered. False when `self` (NULL: nobody) is
 * one of them: the caller closes it. */
bool client_evict(struct worker *by, const struct client *self);

#endif
