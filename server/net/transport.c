#include "transport.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static ssize_t socket_read(struct transport *t, void *buf, size_t len)
{
    ssize_t n;
    do
        n = recv(t->fd, buf, len, 0);
    while (n < 0 && errno == EINTR);
    t->more = t->edges && n > 0 && ((size_t)n == len || t->ended);
    return n;
}

static ssize_t socket_writev(struct transport *t, const struct iovec *parts, int count)
{
    ssize_t n;
    do {
        if (count == 1) {
            n = send(t->fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                               .msg_iovlen = (size_t)count};
            n = sendmsg(t->fd, &m, MSG_NOSIGNAL);
        }
    } while (n < 0 && errno == EINTR);
    return n;
}

static void socket_close(struct transport *t)
{
    t->state = NULL;
}

const struct transport_type transport_socket = {
    .read = socket_read,
    .writev = socket_writev,
    .close = socket_close,
};
