/* Keys that the clients of a worker change and that clients in BCAST mode want to hear of:
 * gathered, so that those of one command, transaction or pipeline are one message. */
#ifndef SERVER_BROADCAST_H
#define SERVER_BROADCAST_H

#include <stddef.h>

#include "protocol/resp_writer.h"
#include "pubsub/fanout.h"

struct client;
struct mail;
struct worker;

struct broadcast {
    struct resp_out keys; /* a key_text */
    size_t count;
    worker_set to;
};

void broadcast_init(struct broadcast *b);
void broadcast_free(struct broadcast *b);
/* Adds a key that the client has changed; the thread of its worker only. */
void broadcast_add(struct client *from, const void *key, size_t len, worker_set to);
/* Posts what the client's worker has gathered. To be called before another client is served. */
void broadcast_send(struct client *from);
/* Posts one key at once, for nobody. Any thread. */
void broadcast_one(struct worker **workers, const void *key, size_t len, worker_set to);

#endif
