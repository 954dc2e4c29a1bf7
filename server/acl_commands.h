/* Commands as access rules see them: a number for each command and each subcommand, names such as
 * "config|get", categories, and what a command does with its keys. Made once, then read only. */
#ifndef SERVER_ACL_COMMANDS_H
#define SERVER_ACL_COMMANDS_H

#include "command.h"

/* Numbers are below this; a set of commands is a bitmap of that many bits. */
#define ACL_COMMANDS_MAX 1024

struct acl_commands;

/* A command, or a subcommand with the command that contains it. */
struct acl_command {
    const struct command *top;
    const struct command *row; /* top itself, or one of its subcommands */
    unsigned id;
};

/* NULL when memory is short. The table must outlive it. */
struct acl_commands *acl_commands_create(const struct command_table *t);
void acl_commands_destroy(struct acl_commands *cs);

/* The number of a row that was found under `top`. */
unsigned acl_command_id(const struct acl_commands *cs, const struct command *top,
                        const struct command *row);
/* "get", "config", "config|get", case aside. False when there is none. */
bool acl_command_find(const struct acl_commands *cs, const char *name, size_t len,
                      struct acl_command *found);
/* acl_foreign.c: "zadd", "client|pause", "cluster|info": Redis has it, and this server does not. */
bool acl_command_is_foreign(const char *name, size_t len);
/* Calls fn for each command, and for each subcommand behind its command. */
void acl_commands_each(const struct acl_commands *cs,
                       void (*fn)(void *arg, const struct acl_command *c), void *arg);

#define ACL_COMMAND_NAME 48
/* "config|get". */
void acl_command_name(const struct command *top, const struct command *row, char *name);

/* Names of categories without the @; NULL behind the last. */
const char *acl_category_name(size_t i);
/* Case aside. NULL when there is none of this name. */
const char *acl_category_find(const char *name, size_t len);
bool acl_command_is_in(const struct command *row, const char *category);

enum acl_access { ACL_READ = 1, ACL_WRITE = 2 };
/* What the command does to the value under its key number `nth` (0, 1, ...): a set of ACL_READ and
 * ACL_WRITE. Looking whether a key is there, or at its length, is neither. */
unsigned acl_key_access(const struct acl_command *c, size_t argc, const struct resp_arg *argv,
                        size_t nth);

/* Calls fn with each argument that names a channel, or a pattern of channels, until it returns
 * false. False then. */
bool acl_channels_each(const struct acl_command *c, size_t argc,
                       bool (*fn)(void *arg, size_t i, bool is_pattern), void *arg);
bool acl_has_channels(const struct acl_command *c);

#endif
