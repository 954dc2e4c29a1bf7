/* Samples the resident memory of a process against a limit until the process ends or the time is
 * over. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Resident bytes of a process, 0 when it is gone. */
static unsigned long long resident(const char *pid)
{
    char path[64], line[128];

    snprintf(path, sizeof path, "/proc/%.20s/statm", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    char *field = fgets(line, sizeof line, file) ? strchr(line, ' ') : NULL; /* after the size */
    fclose(file);
    return field ? strtoull(field, NULL, 10) * (unsigned long long)sysconf(_SC_PAGESIZE) : 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr,
                "usage: rss_watch PID LIMIT_BYTES INTERVAL_MS SECONDS (0 = until it ends)\n");
        return 2;
    }
    unsigned long long limit = strtoull(argv[2], NULL, 10), highest = 0, samples = 0, over = 0;
    long interval = strtol(argv[3], NULL, 10);
    long seconds = strtol(argv[4], NULL, 10);
    struct timespec pause = {interval / 1000, interval % 1000 * 1000000};
    int64_t start = clock_mono_us();

    while (seconds == 0 || clock_mono_us() - start < seconds * (int64_t)1000000) {
        unsigned long long now = resident(argv[1]);
        if (now == 0)
            break;
        samples++;
        over += now > limit;
        highest = now > highest ? now : highest;
        nanosleep(&pause, NULL);
    }
    printf("{\"samples\": %llu, \"highest\": %llu, \"limit\": %llu, \"over\": %llu}\n", samples,
           highest, limit, over);
    return over ? EXIT_FAILURE : EXIT_SUCCESS;
}
