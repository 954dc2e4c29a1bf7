/* Messages to channels: from the publisher to the workers of subscribers, and from a worker to its
 * clients. */
#ifndef SERVER_PUBSUB_H
#define SERVER_PUBSUB_H

#include "fanout.h"
#include "net/mailbox.h"
#include "protocol/resp_parser.h"

struct server;
struct worker;

/* Names of channels and patterns are at most this long. */
#define CHANNEL_MAX ((size_t)64 << 10)

/* One mail to each worker that has subscribers, which copies it for them. `from` is held back when
 * mail piles up; NULL = nobody. *reached = subscriptions met. False when memory is short: then not
 * all of them get it. Any thread. */
bool pubsub_publish(struct server *s, struct client *from, enum topic_kind kind, const char *name,
                    size_t len, const struct resp_arg *message, size_t *reached);
/* Such a mail has come. */
void pubsub_deliver(struct worker *w, const struct mail *m);

/* Channels and patterns together; those of SSUBSCRIBE count alone. Any thread. */
unsigned pubsub_subscribed(const struct client *c, enum topic_kind kind);
/* Whether it has subscribed to anything. Any thread. */
bool pubsub_is_subscriber(const struct client *c);
/* To be called after subscriptions of the client came or went. */
void pubsub_update(struct client *c);
/* Ends all subscriptions of the client. */
void pubsub_leave(struct client *c);

#endif
