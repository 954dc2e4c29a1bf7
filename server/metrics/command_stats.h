/* Calls, times and errors of one worker. The worker adds, any thread reads. */
#ifndef SERVER_COMMAND_STATS_H
#define SERVER_COMMAND_STATS_H

#include "command.h"
#include "counter.h"
#include "histogram.h"

struct command_count {
    counter calls, ticks, rejected, failed; /* ticks of TICKS_PER_US */
    _Atomic(struct histogram *) times;      /* NULL until the command is first timed */
};

#define ERROR_CODES     64
#define ERROR_CODE_SIZE 32

struct error_count {
    char code[ERROR_CODE_SIZE];
    counter count;
};

struct command_stats {
    struct command_count *counts; /* by command_index() */
    size_t rows;
    struct error_count errors[ERROR_CODES];
    _Atomic unsigned error_codes; /* how many of them are in use */
    counter error_replies;
};

/* The counts of one command over all workers. */
struct command_sum {
    uint64_t calls, rejected, failed;
    double us;
};

/* All zeros, with a row for each of the table. False when memory is short. */
bool command_stats_init(struct command_stats *s, const struct command_table *t);
void command_stats_free(struct command_stats *s);
/* Adds the time of `n` calls that took this long each; with `classes` to the histogram too. The
 * owner only. */
void command_stats_time(struct command_count *c, uint64_t ticks, uint64_t n, bool classes);
/* Counts an error reply, which begins with '-'. The owner only. */
void command_stats_error(struct command_stats *s, const char *reply, size_t len);
/* Sets all to zero; what is counted meanwhile may be lost. Any thread. */
void command_stats_reset(struct command_stats *s);
/* Adds the counts of a row (command_index()) to a sum. Any thread. */
void command_stats_add(const struct command_stats *s, size_t row, struct command_sum *sum);
/* The times of a row. */
void command_stats_add_times(const struct command_stats *s, size_t row, struct histogram_sum *sum);

#endif
