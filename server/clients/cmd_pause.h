/* Subcommands of CLIENT about who waits. */
#ifndef SERVER_CMD_PAUSE_H
#define SERVER_CMD_PAUSE_H

#include "command.h"

command_fn client_pause, client_unpause, client_unblock;

#endif
