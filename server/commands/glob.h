/* Glob patterns as Redis has them: * ? [abc] [^abc] [a-z] and \ before a character that stands for
 * itself. */
#ifndef SERVER_COMMANDS_GLOB_H
#define SERVER_COMMANDS_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Takes O(pattern x text) steps at most, whatever the pattern, and no memory. Pure, thread safe. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len,
                bool ignore_case);

#endif
