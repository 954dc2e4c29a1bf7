/* Sizes of memory as text, and how much of it there is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "option.h"

static const struct unit {
    const char *name;
    int64_t bytes;
} units[] = {
    {"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1024},
    {"m", 1000000}, {"mb", 1048576}, {"g", 1000000000}, {"gb", 1073741824},
};

bool memory_parse(const char *text, int64_t *bytes)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcasecmp(end, units[i].name) == 0)
            return errno == 0 && !__builtin_mul_overflow(n, units[i].bytes, bytes);
    return false;
}

struct memory_text memory_text(uint64_t bytes)
{
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    struct memory_text m;
    double n = (double)bytes;
    unsigned unit = 0;
    for (; n >= 1024 && unit < 4; unit++)
        n /= 1024;
    snprintf(m.text, sizeof m.text, unit == 0 ? "%.0f %s" : "%.1f %s", n, names[unit]);
    return m;
}

/* The number in a file; INT64_MAX when there is none ("max"). */
static int64_t number_in(const char *path)
{
    char text[64];
    int64_t n = INT64_MAX;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return n;
    if (fgets(text, sizeof text, file) != NULL && text[0] >= '0' && text[0] <= '9')
        n = strtoll(text, NULL, 10);
    (void)fclose(file);
    return n;
}

/* The smallest limit of the cgroup (version 2) of this process and those above it. */
static int64_t cgroup_limit(void)
{
    char line[1024], path[1200];
    FILE *file = fopen("/proc/self/cgroup", "re");
    int64_t least = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    if (file == NULL)
        return least;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        char *group = line + 3;
        group[strcspn(group, "\n")] = '\0';
        for (char *last = group; last != NULL; last = strrchr(group, '/')) {
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
            int64_t n = number_in(path);
            least = n < least ? n : least;
            *strrchr(group, '/') = '\0';
        }
    }
    (void)fclose(file);
    int64_t root = number_in("/sys/fs/cgroup/memory.max");
    return root < least ? root : least;
}

int64_t memory_of_machine(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t machine = pages > 0 && page > 0 ? pages * page : INT64_MAX;
    int64_t group = cgroup_limit();
    return group < machine ? group : machine;
}
