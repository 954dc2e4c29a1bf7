/* Memory of the system: addresses first, pages when they are touched. All functions are thread
 * safe. */
#ifndef BASE_OS_MEMORY_H
#define BASE_OS_MEMORY_H

#include <stddef.h>

/* Address space that costs nothing until it is touched; zeroed. NULL when refused. */
void *os_reserve(size_t bytes);
/* Ends a reservation; p may be NULL. */
void os_release(void *p, size_t bytes);
/* Gives the memory behind whole pages back; they read as zeros then. */
void os_discard(void *p, size_t bytes);

#endif
