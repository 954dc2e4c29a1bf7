/* A selector: one set of permissions. A user has one of its own, and perhaps more in parentheses;
 * what one of them allows wholly is allowed.
 *
 *   allowed:  a bit for each command and subcommand, and for those to come the base of the rules
 *   keys:     patterns, each for reading, writing or both
 *   channels: patterns
 *   rules:    the text of the rules about commands, in the order in which they were given
 *
 * Built by one thread; then it is read only. */
#ifndef SERVER_ACL_SELECTOR_H
#define SERVER_ACL_SELECTOR_H

#include "acl_commands.h"
#include "text.h"

enum acl_error {
    ACL_OK,
    ACL_UNKNOWN, /* command or category */
    ACL_SYNTAX,
    ACL_AFTER_ALL_KEYS, /* a pattern where all keys are allowed */
    ACL_AFTER_ALL_CHANNELS,
    ACL_NO_SUCH_PASSWORD,
    ACL_BAD_HASH,
    ACL_FIRST_ARG_OF_SUB,
    ACL_NO_MEMORY,
};
/* As Redis puts it. */
const char *acl_error_text(enum acl_error e);

struct acl_pattern {
    struct acl_pattern *next;
    unsigned access; /* of keys */
    size_t len;
    char text[];
};

/* A command without subcommands of which only the use with this first argument is allowed. */
struct acl_first_arg {
    struct acl_first_arg *next;
    unsigned id;
    size_t len;
    char text[];
};

struct acl_selector {
    struct acl_selector *next;
    bool all_commands, all_keys, all_channels;
    bool base; /* what goes for commands that no rule names */
    uint64_t allowed[ACL_COMMANDS_MAX / 64];
    struct acl_pattern *keys, *channels;
    struct acl_first_arg *first_args;
    struct text rules;
};

/* Allows nothing. NULL when memory is short. */
struct acl_selector *acl_selector_create(bool all_channels);
struct acl_selector *acl_selector_copy(const struct acl_selector *s);
void acl_selector_destroy(struct acl_selector *s);
/* One rule: "+get", "-@write", "~key*", "%R~key*", "&channel", "allkeys", ... */
enum acl_error acl_selector_apply(struct acl_selector *s, const struct command_table *t,
                                  const char *rule, size_t len);
/* "+@all -get", "~a* %R~b", "&a &b". */
void acl_selector_print_commands(const struct acl_selector *s, struct text *t);
void acl_selector_print_keys(const struct acl_selector *s, struct text *t);
void acl_selector_print_channels(const struct acl_selector *s, struct text *t);
/* Memory that it takes. */
size_t acl_selector_bytes(const struct acl_selector *s);

static inline bool acl_selector_has(const struct acl_selector *s, unsigned id)
{
    return s->allowed[id / 64] >> (id % 64) & 1;
}

bool acl_word_is(const char *word, size_t len, const char *wanted);

#endif
