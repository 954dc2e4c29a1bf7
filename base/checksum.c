#include "base/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* XXH3 with a seed would make tables of its own for what is longer than 240 bytes. */
uint32_t checksum32(const void *bytes, size_t len, uint64_t with)
{
    return (uint32_t)((XXH3_64bits(bytes, len) ^ with) * 0x9e3779b97f4a7c15u >> 32);
}
