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

/* `name` is "" when no option is to blame. */
static bool fault(const struct place *p, const char *name, const char *text)
{
    const char *colon = name[0] != '\0' ? ": " : "";
    if (p->file == NULL)
        fprintf(stderr, "zscache-server: --%s: %s\n", name, text);
    else
        fprintf(stderr, "zscache-server: %s:%u: %s%s%s\n", p->file, p->line, name, colon, text);
    return false;
}

static bool is_known(const char *name)
{
    return strcmp(name, "include") == 0 || option_find(name, strlen(name)) != NULL;
}

static bool unknown(const struct place *p, const char *name)
{
    char error[OPTION_ERROR_MAX];
    const char *nearest = option_nearest(name);
    if (strcmp(name, "rename-command") == 0)
        snprintf(error, sizeof error,
                 "commands keep their names; what clients may call, users "
                 "and their rules decide (see ACL)");
    else if (nearest == NULL)
        snprintf(error, sizeof error, "there is no such option; --help lists all");
    else
        snprintf(error, sizeof error, "there is no such option; the nearest is %s", nearest);
    return fault(p, name, error);
}

static bool read_file(struct settings *s, const char *path, const struct place *from);

static bool set(struct settings *s, const char *name, const char *value, const struct place *p)
{
    char error[OPTION_ERROR_MAX];
    if (strcmp(name, "include") == 0)
        return read_file(s, value, p);
    const struct option *o = option_find(name, strlen(name));
    if (o == NULL)
        return unknown(p, name);
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
    size_t at = 0, words = 0;
    value[0] = '\0';
    for (; (word = next_word(&line, &broken)) != NULL; words++)
        at += (size_t)snprintf(value + at, sizeof value - at, "%s%s", at > 0 ? " " : "", word);
    if (broken)
        return fault(p, name, "unbalanced quotes");
    if (words == 0 && is_known(name))
        return fault(p, name, "a value is missing");
    return set(s, name, value, p);
}

/* What editors on other systems put before UTF-8. */
static char *without_mark(char *line)
{
    return strncmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line;
}

static bool unreadable(const char *path, const char *why, const struct place *from)
{
    char error[LINE_MAX_BYTES + 256];
    if (from == NULL) {
        fprintf(stderr, "zscache-server: cannot read %s: %s\n", path, why);
        return false;
    }
    snprintf(error, sizeof error, "cannot read %s: %s", path, why);
    return fault(from, "include", error);
}

/* `from` is where the file is included; NULL = it is the first argument. */
static bool read_file(struct settings *s, const char *path, const struct place *from)
{
    char line[LINE_MAX_BYTES];
    struct place p = {.file = path, .includes = from == NULL ? 0 : from->includes + 1};
    if (p.includes > INCLUDES_MAX)
        return unreadable(path, "too many includes", from);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return unreadable(path, strerror(errno), from);
    bool ok = true;
    while (ok && fgets(line, sizeof line, file) != NULL) {
        p.line++;
        ok = strchr(line, '\n') != NULL || feof(file)
                 ? read_line(s, p.line == 1 ? without_mark(line) : line, &p)
                 : fault(&p, "", "the line is too long");
    }
    if (ferror(file))
        ok = unreadable(path, strerror(errno), from);
    (void)fclose(file);
    return ok;
}

/* "--name=value" */
static bool read_pair(struct settings *s, const char *pair, const char *equals)
{
    char name[OPTION_NAME_MAX];
    struct place p = {.file = NULL};
    snprintf(name, sizeof name, "%.*s", (int)(equals - pair), pair);
    return set(s, name, equals + 1, &p);
}

/* Joins the words up to the next option. */
static bool read_argument(struct settings *s, int argc, char **argv, int *i)
{
    char value[LINE_MAX_BYTES];
    struct place p = {.file = NULL};
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t at = 0;
    int first = ++*i;
    if (equals != NULL && equals - name < OPTION_NAME_MAX)
        return read_pair(s, name, equals);
    value[0] = '\0';
    for (; *i < argc && (strncmp(argv[*i], "--", 2) != 0 || *i == first); ++*i) {
        if (at + strlen(argv[*i]) + 2 > sizeof value)
            return fault(&p, name, "the value is too long");
        at += (size_t)snprintf(value + at, sizeof value - at, "%s%s", at > 0 ? " " : "", argv[*i]);
    }
    if (*i == first)
        return is_known(name) ? fault(&p, name, "a value is missing") : unknown(&p, name);
    return set(s, name, value, &p);
}

bool options_read(struct settings *s, int argc, char **argv)
{
    int i = 1;
    if (i < argc && argv[i][0] != '-' && !read_file(s, argv[i++], NULL))
        return false;
    while (i < argc) {
        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0') {
            fprintf(stderr, "zscache-server: %s: %s; see --help\n", argv[i],
                    argv[i][0] == '-' ? "options begin with --"
                                      : "only the first argument may name a file");
            return false;
        }
        if (!read_argument(s, argc, argv, &i))
            return false;
    }
    return true;
}
