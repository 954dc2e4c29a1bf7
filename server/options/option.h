/* Options: rows of tables that the modules own. Command line, configuration file, CONFIG, --help
 * and docs/configuration.md are made from them. */
#ifndef SERVER_OPTION_H
#define SERVER_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "settings.h"

enum option_kind {
    OPTION_BOOL,    /* yes or no */
    OPTION_NUMBER,  /* decimal */
    OPTION_OCTAL,   /* permission bits */
    OPTION_MEMORY,  /* bytes, with k, kb, m, mb, g, gb */
    OPTION_SHARE,   /* the same, or a percentage of the memory of the machine or the cgroup */
    OPTION_PART,    /* the same, or a percentage of maxmemory, kept as a negative number */
    OPTION_NAME,    /* one of the names that name_of tells */
    OPTION_TEXT,    /* anything */
    OPTION_LINES,   /* may be given many times: a text of lines */
    OPTION_EVENTS,  /* letters of notify-keyspace-events */
    OPTION_LIMITS,  /* client-output-buffer-limit */
    OPTION_IGNORED, /* Redis's, without meaning here: accepted with a warning */
};

enum option_flags {
    OPTION_FIXED = 1,  /* cannot be changed while the server runs */
    OPTION_SECRET = 2, /* not shown in logs */
    OPTION_START = 4,  /* for starting only: CONFIG does not know it */
    OPTION_KEPT = 8,   /* ignored, but CONFIG SET takes another value and CONFIG GET shows it */
};

struct option {
    const char *name;
    enum option_kind kind;
    unsigned flags;
    size_t at; /* offset in struct settings */
    int64_t min, max;
    const char *preset; /* as text */
    const char *(*name_of)(int64_t value);
    const char *summary;
};

/* One row per table that ends with a row whose name is NULL. */
extern const struct option options_network[];  /* listener.c */
extern const struct option options_limits[];   /* connection_limits.c */
extern const struct option options_memory[];   /* memory.c */
extern const struct option options_process[];  /* server.c */
extern const struct option options_notify[];   /* notify.c */
extern const struct option options_tracking[]; /* tracking.c */
extern const struct option options_security[]; /* auth.c */
extern const struct option options_tls[];      /* tls_options.c */
extern const struct option options_acl[];      /* acl.c */
extern const struct option options_timing[];   /* timing.c */
extern const struct option options_script[];   /* script_run.c */
extern const struct option options_debug[];    /* cmd_debug.c */
extern const struct option options_redis[];    /* redis_options.c */

/* Calls fn with each row until it returns false. */
void options_each(bool (*fn)(void *arg, const struct option *o), void *arg);
const struct option *option_find(const char *name, size_t len);
/* Letters of a name, and its zero. */
#define OPTION_NAME_MAX 64
/* The known name that is nearest to a misspelt one. NULL when none is like it. */
const char *option_nearest(const char *name);
/* Gives every setting its preset. False when memory is short. */
bool options_preset(struct settings *s);
void options_free(struct settings *s);

#define OPTION_ERROR_MAX 256
/* Sets one option from its text. On a fault writes what is wrong with the value to `error`
 * (OPTION_ERROR_MAX bytes), changes nothing and returns false. Text options: at start, or under
 * settings.lock. */
bool option_set(struct settings *s, const struct option *o, const char *value, char *error);
/* Writes the present value as text; it is cut when `cap` is too small. */
void option_print(struct settings *s, const struct option *o, char *text, size_t cap);

/* ---- option_file.c ---- */

/* Reads `args` ("[file] --name value ...") into the settings. Tells faults and warnings on stderr;
 * false on a fault. */
bool options_read(struct settings *s, int argc, char **argv);

/* ---- option_manual.c ---- */

/* --help. */
void options_print_help(FILE *out);
/* docs/configuration.md. False when writing fails. */
bool options_print_manual(FILE *out);

/* ---- memory_text.c ---- */

/* "64mb". False when it is none. */
bool memory_parse(const char *text, int64_t *bytes);
/* For people: "12.5 MiB". */
struct memory_text {
    char text[32];
};
struct memory_text memory_text(uint64_t bytes);
/* Bytes of memory that this process may use at most: of the machine, or of its cgroup. */
int64_t memory_of_machine(void);

#endif
