/* Files in which the kernel tells numbers, below /proc and /sys. They are read ten times a second
 * for as long as the process lives; so this does without stdio, strtoull() and the like: each would
 * keep pages of the C library resident in a process that rests. Thread safe. */
#ifndef CACHE_KERNEL_TEXT_H
#define CACHE_KERNEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The text of a file, as far as there is room; "" and false when there is none. */
bool kernel_text_read(const char *folder, const char *name, char *text, size_t size);
/* Behind the first place where the word stands; NULL = nowhere. `lines` = only at the begin of a
 * line. */
const char *kernel_text_after(const char *text, const char *word, bool lines);
/* The number there, behind blanks; 0 when there is none. *end, unless NULL: behind it. */
uint64_t kernel_text_number(const char *text, const char **end);

#endif
