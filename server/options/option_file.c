/* The command line, and a configuration file in redis.conf's form. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"

#define LINE_MAX_BYTES 4096
#define INCLUDES_MAX   8

/* Where an option stands, for faults. */
struct place {
    const char *file; /* NULL = the command line */
    unsigned line;
    unsigned includes;
};

static bool fault(const struct place *p, const char *name, const char *text)
{
    if (p->file == NULL)
        fprintf(stderr, "zscache-server: --%s: %s\n", name, text);
    else
        fprintf(stderr, "zscache-server: %s:%u: %s: %s\n", p->file, p->line, name, text);
    return false;
}

static bool read_file(struct settings *s, const char *path, unsigned includes);

static bool set(struct settings *s, const char *name, const char *value, const struct place *p)
{
    char error[OPTION_ERROR_MAX];
    if (strcmp(name, "include") == 0)
        return read_file(s, value, p->includes + 1);
    const struct option *o = option_find(name, strlen(name));
    if (o == NULL) {
        snprintf(error, sizeof error, "there is no such option; the nearest is %s",
                 option_nearest(name));
        return fault(p, name, error);
    }
    if (!option_set(s, o, value, error))
        return fault(p, name, error);
    if (o->kind == OPTION_IGNORED && strcmp(value, o->preset) != 0)
        (void)fault(p, name, "has no meaning for this server and is ignored");
    return true;
}

/* Takes the next word, in quotes or not, out of the line, in place. NULL at the end, or with
 * *broken set. */
static char *next_word(char **line, bool *broken)
{
    char *in = *line, *out, *word;
    while (isspace((unsigned char)*in))
        in++;
    if (*in == '\0' || *in == '#')
        return NULL;
    char quote = *in == '"' || *in == '\'' ? *in++ : '\0';
    for (word = out = in; *in != '\0'; in++) {
        if (quote != '\0' ? *in == quote : isspace((unsigned char)*in))
            break;
        if (quote == '"' && *in == '\\' && in[1] != '\0')
            in++;
        *out++ = *in;
    }
    *broken = quote != '\0' && *in != quote;
    *line = in + (*in != '\0');
    *out = '\0';
    return *broken ? NULL : word;
}

static bool read_line(struct settings *s, char *line, struct place *p)
{
    char value[LINE_MAX_BYTES];
    bool broken = false;
    const char *word;
    const char *name = next_word(&line, &broken);
    if (name == NULL)
        return !broken || fault(p, "", "unbalanced quotes");
    size_t at = 0;
    value[0] = '\0';
    while ((word = next_word(&line, &broken)) != NULL)
        at += (size_t)snprintf(value + at, sizeof value - at, "%s%s", at > 0 ? " " : "", word);
    return broken ? fault(p, name, "unbalanced quotes") : set(s, name, value, p);
}

static bool read_file(struct settings *s, const char *path, unsigned includes)
{
    char line[LINE_MAX_BYTES];
    struct place p = {.file = path, .includes = includes};
    FILE *file = includes <= INCLUDES_MAX ? fopen(path, "re") : NULL;
    if (file == NULL) {
        fprintf(stderr, "zscache-server: cannot read %s: %s\n", path,
                includes > INCLUDES_MAX ? "too many includes" : strerror(errno));
        return false;
    }
    bool ok = true;
    while (ok && fgets(line, sizeof line, file) != NULL) {
        p.line++;
        ok = strchr(line, '\n') != NULL || feof(file) ? read_line(s, line, &p)
                                                      : fault(&p, "", "the line is too long");
    }
    (void)fclose(file);
    return ok;
}

/* Joins the words up to the next option. */
static bool read_argument(struct settings *s, int argc, char **argv, int *i)
{
    char value[LINE_MAX_BYTES];
    struct place p = {.file = NULL};
    const char *name = argv[*i] + 2;
    size_t at = 0;
    int first = ++*i;
    value[0] = '\0';
    for (; *i < argc && (strncmp(argv[*i], "--", 2) != 0 || *i == first); ++*i) {
        if (at + strlen(argv[*i]) + 2 > sizeof value)
            return fault(&p, name, "the value is too long");
        at += (size_t)snprintf(value + at, sizeof value - at, "%s%s", at > 0 ? " " : "", argv[*i]);
    }
    if (*i == first)
        return fault(&p, name, "a value is missing");
    return set(s, name, value, &p);
}

bool options_read(struct settings *s, int argc, char **argv)
{
    int i = 1;
    if (i < argc && argv[i][0] != '-' && !read_file(s, argv[i++], 0))
        return false;
    while (i < argc) {
        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0') {
            fprintf(stderr, "zscache-server: %s: options begin with --; see --help\n", argv[i]);
            return false;
        }
        if (!read_argument(s, argc, argv, &i))
            return false;
    }
    return true;
}
