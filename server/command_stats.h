/* Calls and errors of one worker. The worker adds, any thread reads. */
#ifndef SERVER_COMMAND_STATS_H
#define SERVER_COMMAND_STATS_H

#include "command.h"
#include "counter.h"

/* Times are kept in 1/1024 of a microsecond, since most commands take less than one. */
#define TIME_SHIFT 10

struct command_count {
    counter calls, time, rejected, failed;
};

#define ERROR_CODES     64
#define ERROR_CODE_SIZE 32

struct error_count {
    char code[ERROR_CODE_SIZE];
    counter count;
};

struct command_stats {
    struct command_count *counts; /* by command_index() */
    struct error_count errors[ERROR_CODES];
    _Atomic unsigned error_codes; /* how many of them are in use */
    counter error_replies;
};

bool command_stats_init(struct command_stats *s, const struct command_table *t);
void command_stats_free(struct command_stats *s);
/* Counts an error reply, which begins with '-'. The owner only. */
void command_stats_error(struct command_stats *s, const char *reply, size_t len);
/* Sets all to zero; what is counted meanwhile may be lost. Any thread. */
void command_stats_reset(struct command_stats *s, const struct command_table *t);

#endif
