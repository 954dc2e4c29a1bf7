#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "server.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage space;
};

static const char denied[] =
    "-DENIED zscache is running in protected mode because it listens on other addresses than the "
    "loopback and no password is set for the default user. In this mode connections are only "
    "accepted from the loopback interface. If you want to connect from external computers, set a "
    "password with requirepass, or disable protected mode with --protected-mode no.\r\n";
static const char full[] = "-ERR max number of clients reached\r\n";

static bool is_loopback(const union address *a)
{
    if (a->any.sa_family == AF_INET)
        return (ntohl(a->v4.sin_addr.s_addr) >> 24) == 127;
    if (a->any.sa_family != AF_INET6)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr) && a->v6.sin6_addr.s6_addr[12] == 127);
}

static bool is_protected(struct server *s)
{
    return setting_get(&s->settings.protected_mode) && s->listener.bound_to_all && acl_is_open(s);
}

/* An error line for one who cannot stay; whether it arrives is not our concern. */
static bool refuse(struct server *s, int fd, enum transport_kind kind, const char *text, size_t len)
{
    if (kind != TRANSPORT_TLS) /* a client that waits for a handshake would not understand */
        (void)send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Accepting is one thread's work, but admitting is not. */
    atomic_fetch_add_explicit(&s->listener.rejected, 1, memory_order_relaxed);
    return false;
}

static void set_keepalive(int fd, int seconds)
{
    int one = 1, probe = seconds / 3 > 0 ? seconds / 3 : 1, probes = 3;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof probe);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

bool peer_admit(struct server *s, int fd, enum transport_kind kind)
{
    if (registry_count(&s->registry) >= (size_t)setting_get(&s->settings.maxclients))
        return refuse(s, fd, kind, full, sizeof full - 1);
    if (kind == TRANSPORT_UNIX)
        return true;
    union address a = {.space = {0}};
    socklen_t len = sizeof a;
    if (getpeername(fd, &a.any, &len) != 0)
        return false;
    if (!is_loopback(&a) && is_protected(s))
        return refuse(s, fd, kind, denied, sizeof denied - 1);
    int one = 1, keepalive = (int)setting_get(&s->settings.tcp_keepalive);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (keepalive > 0)
        set_keepalive(fd, keepalive);
    return true;
}

bool peer_is_local(int fd)
{
    union address a = {.space = {0}};
    socklen_t len = sizeof a;
    return getpeername(fd, &a.any, &len) == 0 && (a.any.sa_family == AF_UNIX || is_loopback(&a));
}

static void print_address(const union address *a, char *out)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(out, CLIENT_ADDRESS, "%s:%u", host, ntohs(a->v4.sin_port));
    } else {
        (void)inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
        snprintf(out, CLIENT_ADDRESS, "[%s]:%u", host, ntohs(a->v6.sin6_port));
    }
}

void peer_addresses(int fd, enum transport_kind kind, char *address, char *local)
{
    union address a = {.space = {0}};
    socklen_t len = sizeof a;
    if (kind == TRANSPORT_UNIX) {
        snprintf(address, CLIENT_ADDRESS, "unixsocket:0");
        snprintf(local, CLIENT_ADDRESS, "unixsocket:0");
        return;
    }
    address[0] = local[0] = '\0';
    if (getpeername(fd, &a.any, &len) == 0)
        print_address(&a, address);
    len = sizeof a;
    if (getsockname(fd, &a.any, &len) == 0)
        print_address(&a, local);
}
