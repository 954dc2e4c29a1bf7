/* The only file that maps, and gives back. */
#include "base/os_memory.h"

#include <sys/mman.h>

void *os_reserve(size_t bytes)
{
    /* Without MAP_NORESERVE the whole reservation would count as promised under strict
     * overcommit. */
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    /* cppcheck-suppress invalidFunctionArg ; anonymous memory has no file */
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    /* A huge page would make 2 MiB resident for the first 4 KiB of them, and RSS could not be
     * counted. A core dump of a cache is of no use to anybody. */
    (void)madvise(p, bytes, MADV_NOHUGEPAGE);
    (void)madvise(p, bytes, MADV_DONTDUMP);
    return p;
}

void os_release(void *p, size_t bytes)
{
    if (p != NULL)
        munmap(p, bytes);
}

void os_discard(void *p, size_t bytes)
{
    (void)madvise(p, bytes, MADV_DONTNEED);
}
