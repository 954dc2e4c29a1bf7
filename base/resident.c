#include "base/resident.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* A word of /proc/self/pagemap for each page of the address space. */
#define PAGEMAP_FILE    ((uint64_t)1 << 61) /* it is the file's, and no copy of this process */
#define PAGEMAP_PRESENT ((uint64_t)1 << 63)
/* Words read at a time. */
#define WINDOW 128
/* Of a module: there are three as a rule. */
#define SEGMENTS 8

void resident_discard(void *p, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)p + bytes) / page * page;
    if (from < to)
        (void)madvise((char *)p + (from - (uintptr_t)p), to - from, MADV_DONTNEED);
}

struct discarding {
    int pagemap;
    uintptr_t page;
    size_t bytes;
};

static bool is_unchanged(uint64_t word)
{
    return (word & (PAGEMAP_FILE | PAGEMAP_PRESENT)) == (PAGEMAP_FILE | PAGEMAP_PRESENT);
}

/* Runs of pages that are unchanged, among n from address `at` on. */
static void discard_runs(struct discarding *d, uintptr_t at, const uint64_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t from = i;
        while (i < n && is_unchanged(words[i]))
            i++;
        size_t bytes = (i - from) * d->page;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers. */
        void *begin = (void *)(at + from * d->page);
        if (bytes > 0 && madvise(begin, bytes, MADV_DONTNEED) == 0)
            d->bytes += bytes;
    }
}

static void discard_segment(struct discarding *d, uintptr_t from, uintptr_t to)
{
    uint64_t words[WINDOW];
    from = from / d->page * d->page;
    while (from < to) {
        size_t most = (to - from + d->page - 1) / d->page;
        size_t want = (most < WINDOW ? most : WINDOW) * sizeof words[0];
        ssize_t got = pread(d->pagemap, words, want, (off_t)(from / d->page * sizeof words[0]));
        size_t n = got > 0 ? (size_t)got / sizeof words[0] : 0;
        if (n == 0)
            return;
        discard_runs(d, from, words, n);
        from += n * d->page;
    }
}

/* Segments that are never written to, but by relocations of text and by debuggers: such pages are
 * copies then, which stay. */
static int discard_module(struct dl_phdr_info *module, size_t size, void *arg)
{
    (void)size;
    /* The headers are in such a segment, too. */
    struct {
        uintptr_t from, to;
    } found[SEGMENTS];
    size_t n = 0;
    for (size_t i = 0; i < module->dlpi_phnum && n < SEGMENTS; i++) {
        const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
            continue;
        found[n].from = module->dlpi_addr + segment->p_vaddr;
        found[n].to = found[n].from + segment->p_memsz;
        n++;
    }
    for (size_t i = 0; i < n; i++)
        discard_segment(arg, found[i].from, found[i].to);
    return 0;
}

size_t resident_discard_code(void)
{
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return 0;
    struct discarding d = {.page = (uintptr_t)sysconf(_SC_PAGESIZE), .pagemap = pagemap};
    (void)dl_iterate_phdr(discard_module, &d);
    close(pagemap);
    return d.bytes;
}
