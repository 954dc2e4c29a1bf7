/* The two servers of the differential test, and connections to them. */
#ifndef DIFFERENTIAL_PEER_H
#define DIFFERENTIAL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PEER_CONNECTIONS 3

struct peer {
    const char *name;
    pid_t pid;
    int port;
    int fd[PEER_CONNECTIONS];
    struct {
        char *data;
        size_t len, cap, at; /* bytes from at on are not yet taken */
    } in[PEER_CONNECTIONS];
};

/* Starts `program` on a free port of the loopback with its working folder in `dir`, and connects.
 * False when it cannot. */
bool peer_start(struct peer *p, const char *name, const char *program, const char *dir,
                bool is_redis);
/* Ends the process that was started, and no other. */
void peer_stop(struct peer *p);
bool peer_send(struct peer *p, unsigned connection, const char *data, size_t len);
/* Takes the next whole reply as it came on the wire; valid until the next call for this connection.
 * False when the connection ends, the bytes are no RESP, or nothing comes for 30 s. */
bool peer_reply(struct peer *p, unsigned connection, const char **reply, size_t *len);

#endif
