/* Whether the machine, or the cgroup of this process, runs short of memory.
 *
 *   /proc/pressure/memory, /proc/meminfo                              the machine
 *   /proc/self/cgroup                                                 which group
 *   /sys/fs/cgroup/GROUP/memory.{current,high,max,stat,events,pressure}            version 2
 *   /sys/fs/cgroup/memory/GROUP/memory.{usage_in_bytes,limit_in_bytes,stat,failcnt}  version 1
 *
 * The groups above it count as well. What is not there is passed over.
 *
 * Not thread safe.
 */
#ifndef CACHE_PRESSURE_H
#define CACHE_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

enum pressure_level {
    PRESSURE_NONE,
    PRESSURE_SOME, /* memory is nearly used up, or processes wait for it at times */
    PRESSURE_HARD, /* the system is about to take memory by force */
};

struct pressure;

/* `root` stands before all paths: "" but for tests. NULL when memory is short. */
struct pressure *pressure_create(const char *root);
void pressure_destroy(struct pressure *p);
/* Whether there is anything to read. */
bool pressure_is_readable(const struct pressure *p);
/* Reads what there is. Stalls count since the call before, so that the first call sees none. */
enum pressure_level pressure_read(struct pressure *p, int64_t now_ms);

#endif
