/* A command's `args` taken apart: the tree of arguments that COMMAND DOCS shows.
 *
 *   key value [NX | XX] [EX seconds | KEEPTTL] [field value ...]
 *
 * Words in capitals are tokens; [ ] is optional, | separates choices, a word or a bracket that ends
 * in ... repeats. */
#ifndef SERVER_COMMANDS_COMMAND_SYNTAX_H
#define SERVER_COMMANDS_COMMAND_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#define SYNTAX_NODES 64
#define SYNTAX_NAME  32

enum syntax_kind {
    SYNTAX_VALUE, /* an argument, behind its token when it has one */
    SYNTAX_TOKEN, /* a bare token */
    SYNTAX_ONEOF, /* one of the children */
    SYNTAX_BLOCK, /* all of the children */
};

struct syntax_node {
    enum syntax_kind kind;
    char name[SYNTAX_NAME];  /* lower case */
    char token[SYNTAX_NAME]; /* upper case, or empty */
    bool optional, multiple;
    int child, next; /* node numbers, -1 = none */
};

struct syntax {
    struct syntax_node nodes[SYNTAX_NODES];
    int count;
    int first; /* -1 = no arguments */
    bool failed;
};

/* False when the text does not follow the form, or has more than SYNTAX_NODES parts. Pure, thread
 * safe. */
bool syntax_parse(struct syntax *s, const char *text);
/* Length of a list of nodes. */
size_t syntax_length(const struct syntax *s, int first);
/* "key", "string", "integer", ...: Redis's name of the type. */
const char *syntax_type(const struct syntax_node *n);

#endif
