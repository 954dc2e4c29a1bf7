/* Who is at the other end of a socket. */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include <stdbool.h>

#include "transport.h"

struct server;

/* Sets the options of an accepted socket and decides whether its peer may stay; tells one that may
 * not why. */
bool peer_admit(struct server *s, int fd, enum transport_kind kind);
/* Whether the peer is a process of this machine. */
bool peer_is_local(int fd);
/* "127.0.0.1:6379"; CLIENT_ADDRESS bytes each. */
void peer_addresses(int fd, enum transport_kind kind, char *address, char *local);

#endif
