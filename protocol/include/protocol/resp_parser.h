/* Requests: RESP arrays of bulk strings, and inline commands, from byte ranges. No I/O.
 *
 * The parser may be given the bytes in any pieces; it never looks at a byte twice. Memory follows
 * the bytes received, never the bytes announced: an argument list grows as arguments arrive, and a
 * bulk string over RESP_CHUNK_FROM bytes is taken out of the caller's buffer into chunks as it
 * comes.
 *
 *   buffer  | *3 | $3 SET | $1 k | $70000 (the payload has moved out) | *1 ...
 *           ^ start of the command                                    ^ length
 *   argv    {ptr, 3}  {ptr, 1}  {NULL, 70000, chain -> chunk -> chunk -> ...}
 *
 * Not thread safe: one thread at a time for one parser.
 */
#ifndef PROTOCOL_RESP_PARSER_H
#define PROTOCOL_RESP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/resp_writer.h"

/* Payload bytes of the first chunks (those behind the first MiB are longer); the bulk strings that
 * come in chunks are longer than twice that. */
#define RESP_CHUNK      ((size_t)16 << 10)
#define RESP_CHUNK_FROM (2 * RESP_CHUNK)

struct resp_limits {
    size_t max_bulk;      /* bytes of one bulk string (proto-max-bulk-len) */
    size_t max_args;      /* arguments of one command */
    size_t max_inline;    /* bytes of an inline command, and of a length line */
    bool unauthenticated; /* says so in the error, when a limit for strangers is passed */
};

struct resp_chunk;
struct resp_chain; /* chunks of one argument */

/* One argument. ptr is NULL when it came in chunks (then len > RESP_CHUNK_FROM): read it through a
 * resp_arg_reader. */
struct resp_arg {
    union {
        const char *ptr;
        size_t offset; /* the parser's own, while the command is not complete */
    };
    size_t len;
    struct resp_chain *chain;
};

enum resp_status {
    RESP_MORE,    /* the bytes end inside a command */
    RESP_COMMAND, /* argc and argv hold one; argc may be 0 (an empty line or array: no reply) */
    RESP_ERROR,   /* the stream is broken: reply resp_parser_error(), close */
    RESP_NOMEM,   /* no memory: close */
};

enum resp_phase {
    RESP_START,
    RESP_INLINE,
    RESP_COUNT,
    RESP_BULK_LENGTH,
    RESP_BULK,
    RESP_CHUNKS,
    RESP_BULK_END,
};

/* May be moved in memory (a plain copy) between calls. Zeroed memory is a fresh parser. */
struct resp_parser {
    /* After RESP_COMMAND. */
    size_t argc;
    struct resp_arg *argv;
    size_t length; /* bytes of the buffer that the command takes */
    /* Memory of argument list and chunks, to be charged to the connection. */
    size_t held_bytes;
    /* private */
    size_t args_cap;
    size_t args_left;
    size_t bulk_len; /* of the argument being read */
    size_t chain_left;
    size_t at;      /* where the element being read starts in the buffer */
    size_t scanned; /* up to where the end of its line was looked for */
    enum resp_phase phase;
    bool has_chains;
    char error_byte; /* with an error of NULL: what stood in the place of a '$' */
    const char *error;
};

/* Goes on with the command that starts at buf[0]; *len bytes are there. Chunked payload is moved
 * out of the buffer, the bytes behind it move up, and *len shrinks. Between two calls for one
 * command the buffer may have moved, but the bytes up to *len must still be there.
 *
 *   RESP_COMMAND: argv points into buf; the next command starts at buf + parser->length.
 *   RESP_MORE:    call again with more bytes behind those.
 */
enum resp_status resp_parse(struct resp_parser *p, const struct resp_limits *limits, char *buf,
                            size_t *len);
/* Makes the parser fresh for the next command; keeps a small argument list for it. */
void resp_parser_reset(struct resp_parser *p);
/* Frees all it holds; it is then fresh. */
void resp_parser_free(struct resp_parser *p);
/* Whether a command has begun. */
bool resp_parser_is_fresh(const struct resp_parser *p);
/* After RESP_ERROR: writes the error reply with Redis's text. */
void resp_parser_error(const struct resp_parser *p, struct resp_out *out);
/* Bytes of the current bulk string that are still to come, 0 when unknown: a hint for how much to
 * read at once. */
size_t resp_parser_wants(const struct resp_parser *p);

/* Reads an argument range by range, whether or not it came in chunks; gives back each chunk when
 * the next is asked for, so a chunked argument can be read through once. */
struct resp_arg_reader {
    const struct resp_arg *arg;
    bool started;
};
void resp_arg_reader_init(struct resp_arg_reader *r, const struct resp_arg *arg);
/* The next range, *len = 0 at the end. `reader` is a struct resp_arg_reader. */
const void *resp_arg_next(void *reader, size_t *len);
/* Copies len bytes at off of an argument that has not been read; off + len <= arg->len. */
void resp_arg_copy(const struct resp_arg *arg, size_t off, size_t len, char *dst);

#endif
