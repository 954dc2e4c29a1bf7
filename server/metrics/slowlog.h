/* The commands that took long, newest first. Bounded by slowlog-max-len, and its memory counts in
 * the cap. Any thread. */
#ifndef SERVER_SLOWLOG_H
#define SERVER_SLOWLOG_H

#include "base/lock.h"
#include "command.h"

/* What of a command is kept, as Redis does. */
#define SLOWLOG_ARGS  32
#define SLOWLOG_BYTES 128

struct slow_text {
    const char *bytes;
    size_t len;
};

/*  One allocation:  | struct slow_entry | args[argc] | bytes of arguments, address and name | */
struct slow_entry {
    struct slow_entry *next;
    size_t size;
    int64_t id, at_s, us;
    struct slow_text address, name;
    size_t argc;
    struct slow_text args[];
};

struct slowlog {
    struct lock lock;
    struct slow_entry *first; /* lock, like the rest */
    size_t len;
    int64_t next_id;
};

void slowlog_init(struct slowlog *l);
/* Keeps what the request was and drops the oldest over `most`. A request whose long arguments have
 * been taken already is kept with their lengths. Nothing is kept when memory is short. */
void slowlog_add(struct slowlog *l, const struct request *rq, int64_t us, size_t most);
size_t slowlog_len(struct slowlog *l);
void slowlog_reset(struct slowlog *l, struct cache *cache);
/* Calls fn with up to `most` entries, newest first, after `begin` with how many there will be.
 * Under the lock: neither may take another. */
void slowlog_each(struct slowlog *l, size_t most, void (*begin)(void *arg, size_t n),
                  void (*fn)(void *arg, const struct slow_entry *e), void *arg);

#endif
