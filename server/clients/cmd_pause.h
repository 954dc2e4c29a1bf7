/* Subcommands of CLIENT that stand in a file of their own. */
#ifndef SERVER_CMD_PAUSE_H
#define SERVER_CMD_PAUSE_H

#include "command.h"

command_fn client_pause, client_unpause;

#endif
