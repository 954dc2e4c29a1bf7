/* How long commands take: statistics, the slow log, the latency monitor.
 *
 * A clock around each command would cost more than many a command. So commands of constant time are
 * timed a batch at a time, and each gets an even share; the others (CMD_TIMED) are timed alone. A
 * batch that was over a threshold is told under the command that had the longest arguments, with
 * the time of the batch. With a slowlog-log-slower-than under TIMING_EACH_US every command is timed
 * alone. */
#ifndef SERVER_TIMING_H
#define SERVER_TIMING_H

#include "net/worker.h"

#define TIMING_EACH_US 1000

/* Around the runs of one batch; `n` = how many of the worker's batch ran. At the end their
 * arguments must still be there. */
void timing_begin(struct worker *w);
void timing_end(struct worker *w, struct client *c, unsigned n);
/* Runs a command of the batch that is timed alone. */
void timing_run(struct request *rq, struct command_count *count);
/* The same within another command, as EXEC does. Returns nanoseconds. */
int64_t timing_call(struct request *rq, struct command_count *count);

#endif
