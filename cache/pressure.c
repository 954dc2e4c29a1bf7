#include "pressure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_text.h"

/* A file of interest is shorter than this. */
#define FILE_MAX_BYTES 8192
#define PATH_MAX_BYTES 512
/* The group of the process and those above it. */
#define GROUPS_MAX 8

/* Stalls, in 1/1000 of the time: of some process, and of all at once. */
#define SOME_STALLS 100
#define SOME_HARD   400
#define FULL_HARD   100
/* The stalls of the machine are about groups with limits of their own as well: they count only when
 * it has less left than an eighth of its memory. */
#define LEFT_MUCH 8
/* Part of its memory that the machine has left. */
#define LEFT_SOME 50
#define LEFT_HARD 100
/* Percent of the limit of a group that are in use, files that may be dropped not counted. */
#define USED_EVENTS 80 /* from here on it counts that the limit was met */
#define USED_SOME   93
#define USED_HARD   97

#define NO_LIMIT UINT64_MAX

/* A file of stalls at the last reading. */
struct stalls {
    bool known;
    uint64_t some_us, full_us;
    int64_t at_ms;
};

struct group {
    char path[PATH_MAX_BYTES]; /* its folder */
    bool first_version;
    bool known;        /* met and killed are of an earlier reading */
    uint64_t met, oom; /* how often the limit was met, and nothing could be freed */
    struct stalls stalls;
};

struct pressure {
    char root[PATH_MAX_BYTES];
    bool has_stalls, has_meminfo;
    struct stalls stalls;
    unsigned groups;
    struct group group[GROUPS_MAX];
    char text[FILE_MAX_BYTES];
};

/* ---- files ---- */

/* The text of a file, "" when there is none. */
static bool read_text(struct pressure *p, const char *folder, const char *name)
{
    return kernel_text_read(folder, name, p->text, sizeof p->text);
}

/* The number behind a name at the start of a line; `other` when it is not there. */
static uint64_t number_after(const char *text, const char *name, uint64_t other)
{
    const char *number = kernel_text_after(text, name, true);
    return number == NULL ? other : kernel_text_number(number, NULL);
}

/* A file of one number; "max" and none at all are no limit. */
static uint64_t read_number(struct pressure *p, const char *folder, const char *name)
{
    if (!read_text(p, folder, name) || p->text[0] < '0' || p->text[0] > '9')
        return NO_LIMIT;
    return kernel_text_number(p->text, NULL);
}

/* ---- stalls ---- */

static uint64_t total_of(const char *text, const char *kind)
{
    const char *line = kernel_text_after(text, kind, true);
    const char *total = line == NULL ? NULL : kernel_text_after(line, "total=", false);
    return total == NULL ? 0 : kernel_text_number(total, NULL);
}

/* In 1/1000 of the time since the last reading. */
static uint64_t share(uint64_t now_us, uint64_t then_us, int64_t passed_ms)
{
    return now_us > then_us ? (now_us - then_us) / (uint64_t)passed_ms : 0;
}

/* Of the text that was just read. */
static enum pressure_level judge_stalls(const char *text, struct stalls *s, int64_t now_ms)
{
    struct stalls now = {true, total_of(text, "some "), total_of(text, "full "), now_ms};
    struct stalls then = *s;
    *s = now;
    if (!then.known || now_ms <= then.at_ms)
        return PRESSURE_NONE;
    uint64_t some = share(now.some_us, then.some_us, now_ms - then.at_ms);
    uint64_t full = share(now.full_us, then.full_us, now_ms - then.at_ms);
    if (full >= FULL_HARD || some >= SOME_HARD)
        return PRESSURE_HARD;
    return some >= SOME_STALLS ? PRESSURE_SOME : PRESSURE_NONE;
}

/* ---- the machine ---- */

static enum pressure_level read_machine(struct pressure *p, int64_t now_ms)
{
    enum pressure_level level = PRESSURE_NONE, stalled = PRESSURE_NONE;
    uint64_t total = 0, left = 0;
    if (p->has_meminfo && read_text(p, p->root, "/proc/meminfo")) {
        total = number_after(p->text, "MemTotal:", 0);
        left = number_after(p->text, "MemAvailable:", total);
        if (left < total / LEFT_SOME)
            level = left < total / LEFT_HARD ? PRESSURE_HARD : PRESSURE_SOME;
    }
    if (p->has_stalls && read_text(p, p->root, "/proc/pressure/memory"))
        stalled = judge_stalls(p->text, &p->stalls, now_ms);
    if (total == 0 || left < total / LEFT_MUCH)
        level = stalled > level ? stalled : level;
    return level;
}

/* ---- groups ---- */

static uint64_t limit_of(struct pressure *p, const struct group *g)
{
    if (g->first_version)
        return read_number(p, g->path, "/memory.limit_in_bytes");
    uint64_t high = read_number(p, g->path, "/memory.high");
    uint64_t max = read_number(p, g->path, "/memory.max");
    return high < max ? high : max;
}

static const char *const file_names[2][2] = {{"inactive_file ", "active_file "},
                                             {"total_inactive_file ", "total_active_file "}};

/* What cannot be had back by dropping files. Whether those are missed, the stalls tell. */
static uint64_t used_of(struct pressure *p, const struct group *g, uint64_t limit)
{
    const char *name = g->first_version ? "/memory.usage_in_bytes" : "/memory.current";
    uint64_t used = read_number(p, g->path, name);
    if (used == NO_LIMIT)
        return 0;
    /* The long file only when it matters. */
    if (used < limit / 100 * USED_EVENTS || !read_text(p, g->path, "/memory.stat"))
        return used;
    const char *const *names = file_names[g->first_version];
    uint64_t files = number_after(p->text, names[0], 0) + number_after(p->text, names[1], 0);
    return used > files ? used - files : 0;
}

static void read_events(struct pressure *p, const struct group *g, uint64_t *met, uint64_t *oom)
{
    *met = *oom = 0;
    if (g->first_version) {
        uint64_t n = read_number(p, g->path, "/memory.failcnt");
        *met = n == NO_LIMIT ? 0 : n;
    } else if (read_text(p, g->path, "/memory.events")) {
        *met = number_after(p->text, "high ", 0) + number_after(p->text, "max ", 0);
        *oom = number_after(p->text, "oom ", 0);
    }
}

static enum pressure_level judge_use(uint64_t used, uint64_t limit, bool was_met)
{
    uint64_t percent = limit / 100;
    if (used >= percent * USED_HARD)
        return PRESSURE_HARD;
    if (used >= percent * USED_SOME || (was_met && used >= percent * USED_EVENTS))
        return PRESSURE_SOME;
    return PRESSURE_NONE;
}

static enum pressure_level read_group(struct pressure *p, struct group *g, int64_t now_ms)
{
    enum pressure_level level = PRESSURE_NONE;
    uint64_t met, oom, limit = limit_of(p, g);
    read_events(p, g, &met, &oom);
    if (limit != NO_LIMIT)
        level = judge_use(used_of(p, g, limit), limit, g->known && met > g->met);
    if (g->known && oom > g->oom)
        level = PRESSURE_HARD;
    g->met = met;
    g->oom = oom;
    g->known = true;
    if (!g->first_version && read_text(p, g->path, "/memory.pressure")) {
        enum pressure_level stalled = judge_stalls(p->text, &g->stalls, now_ms);
        level = stalled > level ? stalled : level;
    }
    return level;
}

static void add_group(struct pressure *p, const char *mount, const char *name, bool first_version)
{
    struct group g = {.first_version = first_version};
    int len = snprintf(g.path, sizeof g.path, "%s%s%s", p->root, mount, name);
    const char *used = first_version ? "/memory.usage_in_bytes" : "/memory.current";
    if (p->groups < GROUPS_MAX && len > 0 && (size_t)len < sizeof g.path &&
        read_text(p, g.path, used))
        p->group[p->groups++] = g;
}

/* The group and those above it. In a container the root of the mount is the group itself, whatever
 * it is called outside. */
static void add_groups(struct pressure *p, const char *mount, char *name, bool first_version)
{
    size_t len = strlen(name);
    while (len > 1) {
        name[len] = '\0';
        add_group(p, mount, name, first_version);
        while (len > 0 && name[--len] != '/')
            ;
    }
    add_group(p, mount, "", first_version);
}

/* "0::/name" is of version 2, "7:memory:/name" of version 1. */
static void find_groups(struct pressure *p)
{
    char text[FILE_MAX_BYTES], *rest = NULL;
    read_text(p, p->root, "/proc/self/cgroup");
    memcpy(text, p->text, sizeof text);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *kinds = strchr(line, ':');
        char *name = kinds == NULL ? NULL : strchr(kinds + 1, ':');
        if (name == NULL)
            continue;
        *name++ = '\0';
        if (strcmp(kinds, ":") == 0)
            add_groups(p, "/sys/fs/cgroup", name, false);
        else if (strstr(kinds, "memory") != NULL)
            add_groups(p, "/sys/fs/cgroup/memory", name, true);
    }
}

struct pressure *pressure_create(const char *root)
{
    struct pressure *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    snprintf(p->root, sizeof p->root, "%s", root);
    p->has_stalls = read_text(p, p->root, "/proc/pressure/memory");
    p->has_meminfo = read_text(p, p->root, "/proc/meminfo");
    find_groups(p);
    return p;
}

void pressure_destroy(struct pressure *p)
{
    free(p);
}

bool pressure_is_readable(const struct pressure *p)
{
    return p->has_stalls || p->has_meminfo || p->groups > 0;
}

enum pressure_level pressure_read(struct pressure *p, int64_t now_ms)
{
    enum pressure_level level = read_machine(p, now_ms);
    for (unsigned i = 0; i < p->groups; i++) {
        enum pressure_level of_group = read_group(p, &p->group[i], now_ms);
        level = of_group > level ? of_group : level;
    }
    return level;
}
