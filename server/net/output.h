/* Replies that the socket did not take yet.
 *
 *   head -> [flat: bytes at..len] -> [stream: a long value, then a line break] -> [flat] <- tail
 *
 * Invariant: `bytes` is the sum of what all nodes will still send, `held` their memory.
 * Empty for nearly all connections nearly all of the time. */
#ifndef SERVER_OUTPUT_H
#define SERVER_OUTPUT_H

#include "cache/cache.h"
#include "protocol/resp_writer.h"

struct connection;

struct out_node {
    struct out_node *next;
    struct cache_stream *stream; /* NULL: flat */
    size_t skip, left;           /* of a stream: bytes of its next segment that are not sent; then
                                  bytes that are */
    char *data;                  /* of a flat one */
    size_t at, len;
};

struct output {
    struct out_node *head, **tail;
    size_t bytes, held;
};

/* Over this many waiting bytes nothing is read or carried out for the client. */
#define OUTPUT_MARK ((size_t)256 << 10)

void output_init(struct output *o);
/* Frees all. Not inside cache_enter() when streams may be open. */
void output_free(struct connection *c);
/* Appends what the writer holds, takes its memory over when that is large. False: no memory. */
bool output_queue(struct output *o, struct resp_out *from);
/* A copy of bytes. False: no memory. */
bool output_append(struct output *o, const char *bytes, size_t len);
/* len bytes at `skip` (within the next segment) of a stream and a line break. False (and the stream
 * is closed): no memory. */
bool output_stream(struct connection *c, struct cache_stream *s, size_t skip, size_t len);

enum output_status { OUTPUT_DONE, OUTPUT_BLOCKED, OUTPUT_BROKEN };
/* Writes the worker's writer if nothing is queued, else queues it and writes the queue. Outside
 * cache_enter(). */
enum output_status output_flush(struct connection *c);

#endif
