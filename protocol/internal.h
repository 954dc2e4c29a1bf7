/* What the files of protocol/ share, grouped by the file that defines it. */
#ifndef PROTOCOL_INTERNAL_H
#define PROTOCOL_INTERNAL_H

#include "protocol/resp_parser.h"

/* ---- resp_chain.c: arguments in chunks ---- */

/* NULL when memory is short. */
struct resp_chain *resp_chain_create(void);
/* Appends; `left` bytes (this and all that follow) are still to come. Adds what it allocates to
 * *held. False when memory is short. */
bool resp_chain_append(struct resp_chain *chain, const char *bytes, size_t len, size_t left,
                       size_t *held);
/* NULL is allowed. */
void resp_chain_destroy(struct resp_chain *chain);

/* ---- resp_parser.c ---- */

/* Adds an argument to the list. False when memory is short. */
bool resp_parser_add(struct resp_parser *p, struct resp_arg arg);

/* ---- resp_inline.c: commands as a person types them ---- */

enum resp_inline { INLINE_OK, INLINE_UNBALANCED, INLINE_NOMEM };
/* Splits line[0..len) (no line break) into arguments by the rules of redis-cli: words, "..." with
 * escapes, '...'. Writes what the escapes mean over the line. */
enum resp_inline resp_inline_split(struct resp_parser *p, char *line, size_t len);

#endif
