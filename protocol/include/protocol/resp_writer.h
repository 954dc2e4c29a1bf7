/* Replies: RESP2 and RESP3, written behind each other into a growing buffer. No I/O.
 *
 * When memory runs out the writer sets `failed` and ignores what follows: the stream has then lost
 * a reply, so the connection must be closed. Each function below writes one complete element, but
 * for the headers of aggregates, which must be followed by as many elements as they announce.
 *
 * Not thread safe: one thread at a time for one resp_out.
 */
#ifndef PROTOCOL_RESP_WRITER_H
#define PROTOCOL_RESP_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resp_out {
    char *data;
    size_t len;
    size_t cap;
    size_t most;   /* bytes that it may grow to; 0 = any */
    uint8_t proto; /* 2 or 3 */
    bool failed;
};

void resp_out_init(struct resp_out *out, unsigned proto);
void resp_out_free(struct resp_out *out);
/* Forgets what is written, and gives back memory over `keep` bytes. */
void resp_out_clear(struct resp_out *out, size_t keep);
/* Room for at least n bytes behind data + len; NULL when memory is short (failed is set). */
char *resp_out_reserve(struct resp_out *out, size_t n);
/* Appends bytes as they are. */
void resp_raw(struct resp_out *out, const void *bytes, size_t len);

static inline bool resp_is3(const struct resp_out *out)
{
    return out->proto == 3;
}

void resp_ok(struct resp_out *out);
/* `text` is a constant without line breaks, never made from a request. */
void resp_simple(struct resp_out *out, const char *text);
/* A constant error with its code, "ERR syntax error"; the "-" is added. */
void resp_error(struct resp_out *out, const char *text);
/* The one door for error text made from a request: line breaks become blanks, and it is cut at
 * RESP_ERROR_MAX bytes. */
#define RESP_ERROR_MAX 1024
void resp_errorf(struct resp_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void resp_integer(struct resp_out *out, int64_t n);
void resp_bulk(struct resp_out *out, const void *bytes, size_t len);
/* A bulk string whose len bytes the caller writes itself to the place returned, then ends with
 * resp_bulk_end(). NULL when memory is short. Nothing else may be written in between; to give up,
 * the caller sets out->len back to what it was before. */
char *resp_bulk_begin(struct resp_out *out, size_t len);
void resp_bulk_end(struct resp_out *out);
/* The header alone, "$len\r\n": the caller sends len bytes and "\r\n" on its own. */
void resp_bulk_header(struct resp_out *out, size_t len);
/* RESP3 "_"; RESP2 the null bulk string. */
void resp_null(struct resp_out *out);
/* RESP3 "_"; RESP2 the null array (an EXEC that WATCH refused). */
void resp_null_array(struct resp_out *out);
void resp_array(struct resp_out *out, size_t n);
/* n pairs. RESP2: an array of 2n. */
void resp_map(struct resp_out *out, size_t n);
/* RESP2: an array. */
void resp_set(struct resp_out *out, size_t n);
/* RESP2: an array. */
void resp_push(struct resp_out *out, size_t n);
/* RESP2: a bulk string. 17 significant digits, "inf", "-inf", "nan". */
void resp_double(struct resp_out *out, double d);
/* RESP2: 0 or 1. */
void resp_boolean(struct resp_out *out, bool b);
/* `format` is three letters ("txt"). RESP2: a bulk string. */
void resp_verbatim(struct resp_out *out, const char *format, const void *bytes, size_t len);

#endif
