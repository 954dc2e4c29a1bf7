/* Samples of the latency monitor as a chart of letters. */
#ifndef SERVER_LATENCY_GRAPH_H
#define SERVER_LATENCY_GRAPH_H

#include "latency.h"
#include "text.h"

/* A column a sample, oldest left; below it how long ago it was, from top to bottom. The series is
 * not empty. */
void latency_draw(struct text *t, const char *name, const struct latency_series *s, int64_t now_s);

#endif
