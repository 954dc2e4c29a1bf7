/* MEMORY STATS. */
#ifndef SERVER_MEMORY_STATS_H
#define SERVER_MEMORY_STATS_H

struct request;

void memory_stats(struct request *rq);

#endif
