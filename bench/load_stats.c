#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static size_t histogram_bucket(uint64_t us)
{
    unsigned shift = 0;
    while (us >> shift >= 2 * HISTOGRAM_SUB)
        shift++;
    return shift * (size_t)HISTOGRAM_SUB + (size_t)(us >> shift);
}

static uint64_t histogram_value(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_SUB)
        return bucket;
    size_t shift = bucket / HISTOGRAM_SUB - 1;
    return (uint64_t)(bucket - shift * HISTOGRAM_SUB) << shift;
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
    size_t bucket = histogram_bucket(us);
    histogram->counts[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
    histogram->total++;
    if (us > histogram->max)
        histogram->max = us;
}

uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
    uint64_t wanted = (uint64_t)((double)histogram->total * quantile), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return histogram_value(i);
    }
    return histogram->max;
}

static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool ok = fgets(line, (int)size, file) != NULL;
    fclose(file);
    if (ok)
        line[strcspn(line, "\n")] = '\0';
    return ok;
}

bool cpu_usage_read(struct cpu_usage *usage, long pid)
{
    char path[128], line[128];

    usage->count = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *entry; usage->count < CPU_THREADS && (entry = readdir(dir));) {
        long tid = strtol(entry->d_name, NULL, 10);
        if (tid == 0)
            continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%ld/schedstat", pid, tid);
        if (!read_line(path, line, sizeof line))
            continue;
        usage->threads[usage->count].tid = tid;
        usage->threads[usage->count].ns = strtoull(line, NULL, 10);
        snprintf(path, sizeof path, "/proc/%ld/task/%ld/comm", pid, tid);
        if (!read_line(path, line, sizeof line))
            continue;
        snprintf(usage->threads[usage->count].name, sizeof usage->threads[0].name, "%.31s", line);
        usage->count++;
    }
    closedir(dir);
    return usage->count > 0;
}

void cpu_usage_print(const struct cpu_usage *before, const struct cpu_usage *after)
{
    for (size_t i = 0; i < after->count; i++) {
        uint64_t start = 0;
        for (size_t j = 0; j < before->count; j++) {
            if (before->threads[j].tid == after->threads[i].tid)
                start = before->threads[j].ns;
        }
        printf("%s{\"thread\": \"%s\", \"ns\": %llu}", i ? ", " : "", after->threads[i].name,
               (unsigned long long)(after->threads[i].ns - start));
    }
}
