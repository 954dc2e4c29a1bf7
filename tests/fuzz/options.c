/* A configuration file. When it is taken, every option prints as a text that sets the same again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "options/option.h"
#include "rank.h"

#define TEXT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keeps(void *arg, const struct option *o)
{
    struct settings *s = arg;
    char text[TEXT_MAX], again[TEXT_MAX], error[OPTION_ERROR_MAX];
    if (o->kind == OPTION_IGNORED || o->kind == OPTION_LINES)
        return true;
    option_print(s, o, text, sizeof text);
    if (strlen(text) + 1 == sizeof text)
        return true; /* it may be cut */
    if (!option_set(s, o, text, error))
        abort();
    option_print(s, o, again, sizeof again);
    if (strcmp(text, again) != 0)
        abort();
    return true;
}

/* Faults are told on stderr. */
static bool read_quietly(struct settings *s, char **arguments)
{
    static FILE *nowhere;
    FILE *was = stderr;
    if (nowhere == NULL && (nowhere = fopen("/dev/null", "we")) == NULL)
        abort();
    stderr = nowhere;
    bool ok = options_read(s, 2, arguments);
    stderr = was;
    return ok;
}

static void try_file(int fd)
{
    char path[64];
    struct settings s = {0};
    char *arguments[] = {"zscache-server", path};
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!options_preset(&s))
        abort();
    lock_init(&s.lock, RANK_SETTINGS);
    if (read_quietly(&s, arguments))
        options_each(keeps, &s);
    options_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Other files are not read. */
    if (memmem(data, size, "include", 7) != NULL)
        return 0;
    int fd = memfd_create("options", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    try_file(fd);
    close(fd);
    return 0;
}
