/* What the option tables say, for people: --help and docs/configuration.md. */
#include <string.h>

#include "option.h"

static void print_names(FILE *out, const struct option *o)
{
    for (int64_t n = 0; o->name_of(n) != NULL; n++)
        fprintf(out, "%s%s", n > 0 ? ", " : "", o->name_of(n));
}

static bool help_line(void *arg, const struct option *o)
{
    FILE *out = arg;
    if (o->kind == OPTION_IGNORED)
        return true;
    fprintf(out, "  --%-28s %s", o->name, o->summary);
    if (o->kind == OPTION_NAME) {
        fputs(": ", out);
        print_names(out, o);
    }
    if (o->preset[0] != '\0')
        fprintf(out, " (default %s)", o->preset);
    fputc('\n', out);
    return true;
}

void options_print_help(FILE *out)
{
    fputs("usage: zscache-server [configuration-file] [--name value]...\n\n"
          "A cache server for clients of Redis that keeps its values compressed.\n\n",
          out);
    options_each(help_line, out);
    fputs("\n"
          "  --help, --version              this, and which version it is\n"
          "  --print-commands-manual        docs/commands.md\n"
          "  --print-options-manual         docs/configuration.md\n\n"
          "Options of Redis about persistence and replication are accepted with a warning.\n",
          out);
}

static const char *kind_text(const struct option *o)
{
    switch (o->kind) {
    case OPTION_BOOL:
        return "yes or no";
    case OPTION_NUMBER:
        return "number";
    case OPTION_OCTAL:
        return "octal number";
    case OPTION_MEMORY:
        return "memory";
    case OPTION_SHARE:
    case OPTION_PART:
        return "memory or percentage";
    case OPTION_EVENTS:
        return "letters";
    case OPTION_LIMITS:
        return "limits";
    default:
        return "text";
    }
}

static void print_kind(FILE *out, const struct option *o)
{
    if (o->kind == OPTION_NAME)
        print_names(out, o);
    else
        fputs(kind_text(o), out);
}

static bool manual_row(void *arg, const struct option *o)
{
    FILE *out = arg;
    if (o->kind == OPTION_IGNORED)
        return true;
    fprintf(out, "| `%s` | ", o->name);
    print_kind(out, o);
    fputs(" | ", out);
    fprintf(out, o->preset[0] != '\0' ? "`%s`" : "%s", o->preset);
    fprintf(out, " | %s | %s |\n", o->flags & (OPTION_FIXED | OPTION_START) ? "no" : "yes",
            o->summary);
    return true;
}

static bool ignored_name(void *arg, const struct option *o)
{
    if (o->kind == OPTION_IGNORED)
        fprintf(arg, "- `%s`%s\n", o->name, o->flags & OPTION_KEPT ? ", kept" : "");
    return true;
}

bool options_print_manual(FILE *out)
{
    fputs("# Configuration\n\n"
          "Made from the option tables by `zscache-server --print-options-manual`; a test "
          "compares the two.\n\n"
          "Options are given as `--name value` or `--name=value`, or as lines `name value` in a "
          "file that is the first argument.\n"
          "The file has the form of redis.conf: `#` begins a comment, values may stand in quotes, "
          "`include` names a further file.\n"
          "What is given later wins. Memory is a number of bytes with k, m, g (powers of 1000) or "
          "kb, mb, gb (powers of 1024) behind it.\n"
          "*Live* says whether CONFIG SET can change it while the server runs.\n\n"
          "| option | value | default | live | what it does |\n"
          "|---|---|---|---|---|\n",
          out);
    options_each(manual_row, out);
    fputs("\n## Options of Redis without meaning here\n\n"
          "They are accepted with a warning, so that a redis.conf that is there will do. CONFIG "
          "GET answers with what is true\n"
          "of this server. Those marked *kept* may be changed with CONFIG SET, since that promises "
          "nothing: CONFIG GET shows the new\n"
          "value, which has no effect.\n\n",
          out);
    options_each(ignored_name, out);
    return fflush(out) == 0 && !ferror(out);
}
