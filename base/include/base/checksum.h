/* A checksum against damage, not against people: XXH3. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of the bytes and of a number that goes with them. Who wants fewer bits takes the highest. Pure;
 * thread safe. */
uint32_t checksum32(const void *bytes, size_t len, uint64_t with);

#endif
