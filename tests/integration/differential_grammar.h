/* Random commands that both servers know, by a grammar. */
#ifndef DIFFERENTIAL_GRAMMAR_H
#define DIFFERENTIAL_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "differential_random.h"
#include "differential_reply.h"

#define COMMAND_ARGS 64

/* One command. Arguments lie behind each other in `bytes`. */
struct generated {
    char *bytes;
    size_t len, cap;
    size_t start[COMMAND_ARGS + 1];
    unsigned argc;
    enum comparison how;
    long near;
};

/* Makes a random command: valid most of the time, else of wrong arity or with a strange argument.
 */
void generate(struct random *r, struct generated *g);
/* Appends it to a buffer as it goes over the wire; now and then in the inline form. False without
 * memory. */
bool generated_encode(struct random *r, const struct generated *g, char **out, size_t *len,
                      size_t *cap);
/* A printable line of at most `size` bytes. */
void generated_print(const struct generated *g, char *text, size_t size);
void generated_free(struct generated *g);

#endif
