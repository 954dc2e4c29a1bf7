/* Giving resident memory back to the system that is needed no more, or not for now. */
#ifndef BASE_RESIDENT_H
#define BASE_RESIDENT_H

#include <stddef.h>

/* The whole pages within p[0..bytes): what stood in them is lost, they read as zeros. Thread safe,
 * but for those who use the buffer. */
void resident_discard(void *p, size_t bytes);

/* Unmaps the pages of the executable and of its libraries that are just as they stand in their
 * files: program text and constants. Touching one maps it again, from the kernel's cache of the
 * file as a rule. Starting, training and rare commands leave many behind that are not used any
 * more; what is used comes back at once, 16 pages at a time. Other threads may run meanwhile.
 * Returns the bytes that were unmapped. */
size_t resident_discard_code(void);

#endif
