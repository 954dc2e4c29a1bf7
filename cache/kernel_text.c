#include "kernel_text.h"

#include <fcntl.h>
#include <unistd.h>

#define PATH_BYTES 1024

/* False when it does not fit. */
static bool join(char path[PATH_BYTES], const char *folder, const char *name)
{
    size_t len = 0;
    for (; *folder != '\0' && len < PATH_BYTES; folder++)
        path[len++] = *folder;
    for (; *name != '\0' && len < PATH_BYTES; name++)
        path[len++] = *name;
    if (len == PATH_BYTES)
        return false;
    path[len] = '\0';
    return true;
}

bool kernel_text_read(const char *folder, const char *name, char *text, size_t size)
{
    char path[PATH_BYTES];
    size_t len = 0;
    text[0] = '\0';
    int fd = join(path, folder, name) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    while (len < size - 1) {
        ssize_t n = read(fd, text + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(fd);
    text[len] = '\0';
    return len > 0;
}

const char *kernel_text_after(const char *text, const char *word, bool lines)
{
    bool begins = true;
    for (; *text != '\0'; text++) {
        size_t n = 0;
        while (word[n] != '\0' && text[n] == word[n])
            n++;
        if (word[n] == '\0' && (begins || !lines))
            return text + n;
        begins = *text == '\n';
    }
    return NULL;
}

uint64_t kernel_text_number(const char *text, const char **end)
{
    uint64_t n = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n * 10 + (uint64_t)(*text - '0');
    if (end != NULL)
        *end = text;
    return n;
}
