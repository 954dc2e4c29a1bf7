/* Commands as access rules see them: names such as "config|get", categories, and what a command
 * does with keys and channels. */
#ifndef SERVER_ACL_COMMANDS_H
#define SERVER_ACL_COMMANDS_H

#include "command.h"

/* Rows of commands and subcommands are numbered below this (command_index()); a set of them is a
 * bitmap of that many bits. */
#define ACL_COMMANDS_MAX 1024

/* "get", "config", "config|get", case aside. NULL when there is none. */
const struct command *acl_command_find(const struct command_table *t, const char *name, size_t len);
/* acl_foreign.c: "zadd", "client|pause", "cluster|info": Redis has it, and this server does not. */
bool acl_command_is_foreign(const char *name, size_t len);
/* Calls fn for each command, and for each subcommand behind its command. */
void acl_commands_each(const struct command_table *t,
                       void (*fn)(void *arg, const struct command *c), void *arg);

/* Names of categories without the @; NULL behind the last. */
const char *acl_category_name(size_t i);
/* Case aside. NULL when there is none of this name. */
const char *acl_category_find(const char *name, size_t len);
bool acl_command_is_in(const struct command *c, const char *category);

/* What the command does to the value under its key number `nth` (0, 1, ...): a set of enum
 * key_access. */
unsigned acl_key_access(const struct command *c, size_t argc, const struct resp_arg *argv,
                        size_t nth);

/* Calls fn with each argument that names a channel, or a pattern of channels, until it returns
 * false. False then. */
bool acl_channels_each(const struct command *c, size_t argc,
                       bool (*fn)(void *arg, size_t i, bool is_pattern), void *arg);

#endif
