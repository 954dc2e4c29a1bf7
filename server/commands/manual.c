/* docs/commands.md, made from the table of commands. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const char head[] = "# Commands\n"
                           "\n"
                           "Made from the table of commands by `zscache-server "
                           "--print-commands-manual`; a test compares the two.\n"
                           "\n"
                           "zscache is a cache of strings and small hashes. There are no lists, "
                           "sets, sorted sets or streams: their\n"
                           "commands answer Redis's unknown-command error. Replies and error texts "
                           "are those of Redis 7.2 in RESP2 and\n"
                           "RESP3, but for what the lines marked *differs* say. *Since* is the "
                           "version of Redis that brought the command.\n"
                           "\n"
                           "Keys are at most 65,536 bytes long, values at most 512 MiB, hashes at "
                           "most 65,536 fields and 4 MiB. Times of\n"
                           "expiry are kept in milliseconds.\n";

static const char *const group_titles[] = {
    [GROUP_GENERIC] = "Keys of any type",
    [GROUP_STRING] = "Strings",
    [GROUP_HASH] = "Small hashes",
    [GROUP_BITMAP] = "Bits of strings",
    [GROUP_CONNECTION] = "Connections",
    [GROUP_SERVER] = "Server",
    [GROUP_PUBSUB] = "Publish and subscribe",
    [GROUP_TRANSACTIONS] = "Transactions",
    [GROUP_SCRIPTING] = "Scripts",
    [GROUP_ZSCACHE] = "zscache's own commands",
};

static void print_upper(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(*text >= 'a' && *text <= 'z' ? *text - 32 : *text, out);
}

static void print_one(FILE *out, const struct command *container, const struct command *c)
{
    fputs("- **", out);
    if (container != NULL) {
        print_upper(out, container->name);
        fputc(' ', out);
    }
    print_upper(out, c->name);
    fputs("**", out);
    if (c->args[0] != '\0')
        fprintf(out, " `%s`", c->args);
    fprintf(out, "  \n  %s  \n  Since %s. %s%s%s\n", c->summary, c->since, c->complexity,
            c->complexity[strlen(c->complexity) - 1] == '.' ? "" : ".",
            c->differs != NULL ? "  " : "");
    if (c->differs != NULL)
        fprintf(out, "  *Differs:* %s\n", c->differs);
    if (c->subcommands == NULL)
        return;
    for (const struct command *sub = c->subcommands; sub->name != NULL; sub++)
        print_one(out, c, sub);
}

static int by_name(const void *a, const void *b)
{
    const struct command *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

bool command_manual_print(const struct command_table *t, FILE *out)
{
    size_t n = command_count(t);
    const struct command **sorted = malloc(n * sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        sorted[i] = command_at(t, i);
    qsort(sorted, n, sizeof *sorted, by_name);
    fputs(head, out);
    for (size_t g = 0; g < sizeof group_titles / sizeof group_titles[0]; g++) {
        bool titled = false;
        for (size_t i = 0; i < n; i++) {
            if (sorted[i]->group != g)
                continue;
            if (!titled)
                fprintf(out, "\n## %s\n\n", group_titles[g]);
            titled = true;
            print_one(out, NULL, sorted[i]);
        }
    }
    free(sorted);
    return fflush(out) == 0 && !ferror(out);
}
