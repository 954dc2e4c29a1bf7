/* A worker: a thread with an event loop of its own, and the connections it serves. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <event2/event.h>
#include <pthread.h>

#include "connection.h"
#include "mailbox.h"
#include "metrics/command_stats.h"
#include "metrics/counter.h"
#include "pubsub/notify.h"
#include "tracking/broadcast.h"

/* Commands parsed ahead, so that the memory of their items is under way when they are run. */
#define BATCH 32
/* Bytes of the read buffer that all connections of a worker share. */
#define READ_BUFFER ((size_t)64 << 10)
/* The most of one event; then others are served. */
#define EVENT_COMMANDS 1000
#define EVENT_BYTES    ((size_t)256 << 10)
#define EVENT_PUSHES   1000

struct batch_item {
    const struct command *command; /* NULL: unknown */
    size_t start;                  /* in the buffer */
    struct cache_key key;          /* hashed ahead; ptr NULL: not */
};

struct worker_stats {
    counter connections, commands, reads, writes, in_bytes, out_bytes, changes, rejected;
    counter query_limit_closed, output_limit_closed, auth_failures, idle_closed;
    counter evicted_clients;
    counter denied_commands, denied_keys, denied_channels;
    counter largest_in, largest_out;
    counter subscribers, trackers, paused; /* now */
};

/* The script that a worker carries out. Any thread reads it, and asks it to end. */
struct script_activity {
    _Atomic int64_t since_us; /* by the monotonic clock; 0 = there is none */
    _Atomic int64_t kill_us;  /* which one is to end: the same of that one */
    _Atomic bool wrote;
    _Atomic size_t bytes; /* memory of the worker's Lua */
};

struct worker {
    struct server *server;
    unsigned index;
    pthread_t thread;
    bool started;
    struct event_base *base;
    struct event *on_mail, *on_cron, *on_hungry;
    struct mailbox mailbox;
    _Atomic bool tracking_lost; /* see tracking_lost() */
    struct mail *mail;          /* taken, but not yet done */
    struct cache_thread *cache;
    int64_t now_ms;             /* read once an event */
    int64_t batch_ns, alone_ns; /* start of the batch; time of those in it that are timed alone */
    bool time_each;             /* all are */

    char *in; /* READ_BUFFER bytes */
    struct resp_parser parsers[BATCH];
    struct batch_item batch[BATCH];
    const size_t *window_len;          /* bytes in the buffer while commands run */
    const struct cache_key *ready_key; /* of the command that runs */
    struct resp_out out;               /* of the connection that is served */
    unsigned spills;                   /* how often it was emptied in the middle of a reply */
    char *piece;                       /* PIECE_BYTES of streams on their way */
    struct resp_out push;              /* a message that goes to many */
    struct scratch *scratch;           /* request_flat()'s copies for the command that runs */

    struct absent_keys absent;  /* before the command that runs */
    struct broadcast broadcast; /* what the client that is served has changed */

    struct connection *connections, *hungry, *dying;
    struct connection *pushed;       /* what was pushed to them is to be sent */
    size_t pushes;                   /* in this event */
    _Atomic size_t connection_count; /* those on the way to it, too */
    bool stopping;
    bool outside; /* a script keeps the cache locked: commands are answered BUSY */
    int64_t stop_by_ms;
    uint64_t commands_seen;       /* a second ago */
    bool rested;                  /* the buffers were emptied, and no command came since */
    struct script_engine *engine; /* made with the first script; NULL = none yet */
    struct script_activity script;
    struct worker_stats stats;
    struct command_stats commands;
};

#define PIECE_BYTES ((size_t)64 << 10)

/* Starts nothing yet. NULL when memory or descriptors are short. */
struct worker *worker_create(struct server *s, unsigned index);
bool worker_start(struct worker *w);
/* Waits for the end of its thread, if it was started. */
void worker_join(struct worker *w);
void worker_destroy(struct worker *w);
/* Reads the clock. */
void worker_time(struct worker *w);
/* Enters the cache. False while a script has been running for so long that others no longer wait
 * for it. */
bool worker_enter(struct worker *w);
/* Between two steps of a long command: lets others have the cache to themselves who wait for that.
 * False as above; the worker is outside then. */
bool worker_give_way(struct worker *w);
/* Does what other threads ask, as much as fits into one event; worker_reap() is due. */
void worker_read_mail(struct worker *w);
/* Frees the connections that were closed in this event. */
void worker_reap(struct worker *w);
/* Has the connection served again once others had their turn. */
void worker_feed_later(struct worker *w, struct connection *c);
/* A connection that was given to the worker is no more. */
static inline void worker_lost_one(struct worker *w)
{
    atomic_fetch_sub_explicit(&w->connection_count, 1, memory_order_relaxed);
}
/* A connection of this worker that is not closing. NULL when there is none with that id. */
struct connection *worker_find(struct worker *w, uint64_t client);
/* Has connection_settle() called for it at the end of this event's mail. */
void worker_settle_later(struct worker *w, struct connection *c);
/* Posts a mail that clients caused, and charges it until it is done. When too much waits there,
 * `from` (NULL = nobody) is held back. False when memory is short; the mail is gone then. Any
 * thread; `from` is a client of the calling one. */
bool worker_post(struct worker *to, struct mail *m, struct client *from);

#endif
