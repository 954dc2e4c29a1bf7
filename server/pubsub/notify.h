/* Keyspace events: messages on __keyspace@<db>__:<key> and __keyevent@<db>__:<event>. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache_key;
struct client;
struct request;
struct server;

/* Keys that the command which runs did not find, by hash, in order: those that it changes are new.
 */
struct absent_keys {
    uint64_t *hashes;
    size_t count, cap;
};

/* The value of notify-keyspace-events from its letters. False when one of them is unknown. */
bool notify_parse(const char *letters, int64_t *classes);
/* And back, in the order in which Redis writes them. */
void notify_print(int64_t classes, char *text, size_t cap);

/* Which hooks the option wants. */
unsigned notify_hooks(const struct server *s);
/* HOOK_NEW: remembers which keys of the command are absent. */
void notify_before(struct request *rq);
/* HOOK_EVENTS: a command changed a key. */
void notify_touched(struct request *rq, const struct cache_key *key, const char *event);
/* HOOK_MISSED: a command that only reads did not find a key. */
void notify_missed(struct request *rq, const struct cache_key *key);
/* Publishes if this kind of event is asked for. `from` caused it; NULL = nobody. Any thread. */
void notify_event(struct server *s, struct client *from, const char *event, unsigned db,
                  const void *key, size_t len);

#endif
