/* Subcommands of CLIENT about client-side caching. */
#ifndef SERVER_CMD_TRACKING_H
#define SERVER_CMD_TRACKING_H

#include "command.h"

command_fn client_tracking, client_caching, client_trackinginfo, client_getredir;

#endif
