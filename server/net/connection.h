/* A connection: reading requests of a client and having them carried out. Everything here belongs
 * to the worker's thread. */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "clients/client.h"
#include "output.h"
#include "transport.h"

/* Input that cannot be carried out yet: the start of a command, or what waits for output to drain.
 *
 *   data: | command begun or waiting ... | room |
 *         0                             len    cap      data is NULL while there is none */
struct input {
    char *data;
    size_t len, cap;
};

enum connection_end {
    STAY,
    CLOSE_AFTER_REPLY, /* no command is carried out any more */
    CLOSE_NOW,
};

struct connection {
    struct client client;
    struct transport transport;
    struct event on_read, on_write;
    struct input in;
    struct resp_parser parser; /* of the command that has begun in `in`; else fresh */
    struct output out;
    enum connection_end end;
    bool reading;                   /* on_read is added */
    bool writing;                   /* on_write is added */
    bool hungry;                    /* in the worker's list: input waits though nothing more came */
    bool pushed;                    /* in the worker's list of those that something was pushed to */
    bool dying;                     /* in the worker's list of those to be freed */
    size_t charged;                 /* of its memory told to the cache */
    int64_t soft_since_ms;          /* when the output went over its soft limit; 0 = it is not */
    struct connection *next, *prev; /* all of the worker */
    struct connection *next_hungry, *next_dying, *next_pushed;
    bool paused;             /* what it sent next has to wait for the end of a pause */
    uint32_t paused_by;      /* the number of that */
    struct mailbox *held_by; /* full: this one waits before it fills it more; NULL = does not */
};

/* Takes the descriptor over. NULL when memory is short or the peer is refused (closed then). */
struct connection *connection_create(struct worker *w, int fd, enum transport_kind kind);
/* Whether input waits that may be carried out. */
bool connection_has_commands(const struct connection *c);
/* Bytes of input from the command that runs on. */
size_t connection_unread(const struct request *rq);
/* Whether it waits for the end of a pause that goes on; and that it no longer does. */
bool connection_is_paused(const struct connection *c);
void connection_end_pause(struct connection *c);
/* Closes as soon as the worker is out of the functions of this connection. */
void connection_close(struct connection *c);
/* Frees it at once. */
void connection_free(struct connection *c);
/* Goes on with input that is there; reads first when `read` says so. */
void connection_serve(struct connection *c, bool read);
/* Bytes for the peer that are no reply to what it asks now; from read_mail() only, which sends them
 * when all mail is done. */
void connection_push(struct connection *c, const char *bytes, size_t len);
/* Sends what the worker's writer holds, adjusts events, closes if it is time to. */
void connection_settle(struct connection *c);
/* In the middle of a long reply: moves what the writer holds to the output. False when that passes
 * a limit or memory is short: the connection cannot go on. */
bool connection_spill(struct connection *c);

/* ---- connection_limits.c ---- */

/* Whether what came or what waits passes a limit of the client; counted if so. */
bool connection_over_query_limit(struct connection *c);
bool connection_over_output_limit(struct connection *c);
/* Limits that depend on time. */
void connection_cron(struct connection *c);
/* Tells the cache how much memory this takes, in coarse steps. False when it may not be. */
bool connection_charge(struct connection *c);
/* Tells it that so much of a request was freed while its command runs. */
void connection_give_back(struct connection *c, size_t bytes);

#endif
