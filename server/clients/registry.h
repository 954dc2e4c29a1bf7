/* All clients with a connection, in the order of their coming. Thread safe. */
#ifndef SERVER_REGISTRY_H
#define SERVER_REGISTRY_H

#include "base/lock.h"
#include "client.h"

#define REGISTRY_CHAINS 1024

struct registry {
    struct lock lock;
    struct client *first, *last;
    struct client *chains[REGISTRY_CHAINS]; /* by id */
    uint64_t next_id;
    _Atomic size_t count;
};

void registry_init(struct registry *r);
/* Gives the client its id. */
void registry_add(struct registry *r, struct client *c);
/* Takes it out and frees its names. */
void registry_remove(struct registry *r, struct client *c);
/* NULL when there is none. The lock keeps it from going away. */
struct client *registry_find_locked(struct registry *r, uint64_t id);
/* Has its worker close a client, which counts as gone from now on. False when it is so already, or
 * memory is short. */
bool registry_kill_locked(struct registry *r, struct client *c);
size_t registry_count(const struct registry *r);

/* Sets *field (one of the names of a client) to a copy. False when memory is short. */
bool registry_name(struct registry *r, char **field, const char *text, size_t len);

#endif
