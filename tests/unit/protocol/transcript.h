/* What a parser hears from a stream of bytes given in pieces, as text. */
#ifndef TESTS_TRANSCRIPT_H
#define TESTS_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/resp_parser.h"

/* Bytes of the next piece, at least 1, when `left` are there. */
typedef size_t transcript_piece(void *arg, size_t left);
/* All in one piece; byte by byte. */
size_t transcript_whole(void *arg, size_t left);
size_t transcript_bytes(void *arg, size_t left);

/* Feeds the bytes as a server would and writes a line per command ("2 [3:GET] [1:k]"), then how it
 * ended ("more", "end" or the error reply). The caller frees. The text ends
 * with a NUL and may hold others; *text_len (when not NULL) is its length. */
char *transcript(const void *bytes, size_t len, const struct resp_limits *limits,
                 transcript_piece *piece, void *arg, size_t *text_len);

#endif
