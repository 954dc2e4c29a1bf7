#include "differential_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "differential_reply.h"

#define START_TRIES   500 /* of 20 ms */
#define REPLY_TIMEOUT 30000

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int port = -1;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
        getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        port = ntohs(a.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

static void child(const char *program, const char *dir, int port, bool is_redis)
{
    char text[16], log[512];
    snprintf(text, sizeof text, "%d", port);
    snprintf(log, sizeof log, "%s/%s.log", dir, is_redis ? "redis" : "zscache");
    int fd = open(log, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(127);
    if (is_redis)
        execlp(program, program, "--port", text, "--bind", "127.0.0.1", "--dir", dir, "--save", "",
               "--appendonly", "no", "--enable-debug-command", "local", (char *)NULL);
    else
        execl(program, program, "--port", text, "--bind", "127.0.0.1", (char *)NULL);
    _exit(127);
}

static int try_connect(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A server tells nobody when it listens, so this asks again and again. */
static bool connect_all(struct peer *p)
{
    for (int tries = 0; tries < START_TRIES; tries++) {
        p->fd[0] = try_connect(p->port);
        if (p->fd[0] >= 0)
            break;
        if (waitpid(p->pid, NULL, WNOHANG) == p->pid) {
            p->pid = -1;
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    for (unsigned i = 1; i < PEER_CONNECTIONS && p->fd[0] >= 0; i++)
        p->fd[i] = try_connect(p->port);
    for (unsigned i = 0; i < PEER_CONNECTIONS; i++)
        if (p->fd[i] < 0)
            return false;
    return true;
}

bool peer_start(struct peer *p, const char *name, const char *program, const char *dir,
                bool is_redis)
{
    /* Another process may take the port between asking for it and listening on it: then once more.
     */
    for (int tries = 0; tries < 3; tries++) {
        *p = (struct peer){.name = name, .port = free_port(), .fd = {-1, -1, -1}};
        p->pid = fork();
        if (p->pid == 0)
            child(program, dir, p->port, is_redis);
        if (p->pid > 0 && connect_all(p))
            return true;
        peer_stop(p);
    }
    return false;
}

void peer_stop(struct peer *p)
{
    for (unsigned i = 0; i < PEER_CONNECTIONS; i++) {
        if (p->fd[i] >= 0)
            close(p->fd[i]);
        p->fd[i] = -1;
        free(p->in[i].data);
        p->in[i].data = NULL;
    }
    if (p->pid > 0) {
        kill(p->pid, SIGTERM);
        waitpid(p->pid, NULL, 0);
    }
    p->pid = -1;
}

/* Reads what is there into the buffer of the connection. */
static bool fill(struct peer *p, unsigned c)
{
    if (p->in[c].at > 0) {
        memmove(p->in[c].data, p->in[c].data + p->in[c].at, p->in[c].len - p->in[c].at);
        p->in[c].len -= p->in[c].at;
        p->in[c].at = 0;
    }
    if (p->in[c].cap - p->in[c].len < 65536) {
        size_t cap = p->in[c].cap * 2 + 65536;
        char *data = realloc(p->in[c].data, cap);
        if (data == NULL)
            return false;
        p->in[c].data = data;
        p->in[c].cap = cap;
    }
    ssize_t n;
    do
        n = recv(p->fd[c], p->in[c].data + p->in[c].len, p->in[c].cap - p->in[c].len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        p->in[c].len += (size_t)n;
    return n > 0 || (n < 0 && errno == EAGAIN);
}

bool peer_send(struct peer *p, unsigned c, const char *data, size_t len)
{
    while (len > 0) {
        struct pollfd f = {.fd = p->fd[c], .events = POLLOUT | POLLIN};
        if (poll(&f, 1, REPLY_TIMEOUT) <= 0)
            return false;
        /* Replies are taken in meanwhile, or both sides could wait for the other to read. */
        if ((f.revents & POLLIN) && !fill(p, c))
            return false;
        if (!(f.revents & POLLOUT))
            continue;
        ssize_t n = send(p->fd[c], data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

bool peer_reply(struct peer *p, unsigned c, const char **reply, size_t *len)
{
    for (;;) {
        const char *data = p->in[c].data + p->in[c].at;
        size_t have = p->in[c].len - p->in[c].at;
        long n = reply_length(data, have);
        if (n < 0)
            return false;
        if (n > 0) {
            *reply = data;
            *len = (size_t)n;
            p->in[c].at += (size_t)n;
            return true;
        }
        struct pollfd f = {.fd = p->fd[c], .events = POLLIN};
        if (poll(&f, 1, REPLY_TIMEOUT) <= 0 || !fill(p, c))
            return false;
    }
}
