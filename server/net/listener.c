#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "options/option.h"
#include "server.h"

/* The most connections accepted before the loop has another turn. */
#define ACCEPTS 64

const struct option options_network[] = {
    {.name = "bind",
     .kind = OPTION_TEXT,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, bind),
     .preset = "127.0.0.1 -::1",
     .summary = "addresses to listen on; one that begins with - may be missing"},
    {.name = "port",
     .kind = OPTION_NUMBER,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, port),
     .max = 65535,
     .preset = "6379",
     .summary = "TCP port; 0 = any that is free (the banner tells which), or none when there is a "
                "tls-port. For a unix socket alone: bind \"\""},
    {.name = "port-file",
     .kind = OPTION_TEXT,
     .flags = OPTION_START,
     .at = offsetof(struct settings, port_file),
     .preset = "",
     .summary = "file to write the TCP port to once the server listens"},
    {.name = "unixsocket",
     .kind = OPTION_TEXT,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, unixsocket),
     .preset = "",
     .summary = "path of a unix socket to listen on"},
    {.name = "unixsocketperm",
     .kind = OPTION_OCTAL,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, unixsocketperm),
     .max = 0777,
     .preset = "700",
     .summary = "permission bits of the unix socket"},
    {.name = "tcp-backlog",
     .kind = OPTION_NUMBER,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, tcp_backlog),
     .max = INT32_MAX,
     .preset = "511",
     .summary = "connections that wait to be accepted"},
    {.name = "tcp-keepalive",
     .kind = OPTION_NUMBER,
     .at = offsetof(struct settings, tcp_keepalive),
     .max = INT32_MAX,
     .preset = "300",
     .summary = "seconds of silence after which the system asks whether a peer is still there; 0 "
                "= never"},
    {.name = NULL},
};

static bool fault(const char *what, const char *why)
{
    fprintf(stderr, "zscache-server: %s: %s\n", what, why);
    return false;
}

static void add_socket(struct listener *l, int fd, enum transport_kind kind)
{
    l->sockets[l->count++] = (struct socket_in){.fd = fd, .kind = kind};
}

static int port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    memset(&a, 0, sizeof a);
    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
                                        : ((struct sockaddr_in6 *)&a)->sin6_port);
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static int listen_on(const struct addrinfo *a, int backlog)
{
    int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Names are looked up as IPv4, as Redis does: what is IPv6 has a colon. */
static int look_up(const char *host, int port, struct addrinfo **found)
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    snprintf(service, sizeof service, "%d", port);
    hints.ai_family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
    return getaddrinfo(strcmp(host, "*") == 0 || strcmp(host, "::*") == 0 ? NULL : host, service,
                       &hints, found);
}

/* Whether an address that may be missing is missing. One that another program listens on is not:
 * clients would reach that one. But a port that the system chose may be taken there. */
static bool is_missing(int error, bool port_was_chosen)
{
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
           (error == EADDRINUSE && port_was_chosen);
}

/* NULL, or why that is not possible. */
static const char *open_address(struct listener *l, const char *host, bool optional,
                                enum transport_kind kind)
{
    const struct settings *s = &l->server->settings;
    int *port = kind == TRANSPORT_TLS ? &l->tls_port : &l->port;
    bool chosen = setting_get(kind == TRANSPORT_TLS ? &s->tls_port : &s->port) == 0;
    struct addrinfo *found;
    int status = look_up(host, *port, &found);
    if (status != 0)
        return optional ? NULL : gai_strerror(status);
    int fd = listen_on(found, (int)setting_get(&s->tcp_backlog)), error = errno;
    if (fd >= 0) {
        l->bound_to_all |= !is_loopback(found->ai_addr);
        if (*port == 0)
            *port = port_of(fd);
        add_socket(l, fd, kind);
    }
    freeaddrinfo(found);
    return fd >= 0 || (optional && is_missing(error, chosen)) ? NULL : strerror(error);
}

static bool open_addresses(struct listener *l, enum transport_kind kind)
{
    char *copy = strdup(l->server->settings.bind), *rest = NULL;
    bool ok = copy != NULL;
    for (char *host = ok ? strtok_r(copy, " ", &rest) : NULL; host != NULL && ok;
         host = strtok_r(NULL, " ", &rest)) {
        bool optional = *host == '-';
        if (l->count == LISTENERS_MAX - 1) {
            ok = fault("bind", "too many addresses");
            break;
        }
        const char *why = open_address(l, host + optional, optional, kind);
        if (why != NULL) {
            char what[300];
            snprintf(what, sizeof what, "cannot listen on %s port %d", host + optional,
                     kind == TRANSPORT_TLS ? l->tls_port : l->port);
            ok = fault(what, why);
        }
    }
    free(copy);
    return ok;
}

/* Removes what a server left that was killed. Nobody answers there; a file of another kind stays,
 * and so does the socket of a server that runs: to bind will fail. */
static void unlink_stale(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED)
        (void)unlink(a->sun_path);
    close(fd);
}

/* The socket has its final mode before anybody can connect to it. */
static int listen_on_unix(const char *path, mode_t mode, int backlog)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    unlink_stale(&a);
    mode_t before = umask((mode_t)(~mode & 0777));
    int bound = bind(fd, (struct sockaddr *)&a, sizeof a);
    (void)umask(before);
    if (bound == 0 && listen(fd, backlog) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool open_unix(struct listener *l)
{
    const struct settings *s = &l->server->settings;
    if (s->unixsocket[0] == '\0')
        return true;
    int fd = listen_on_unix(s->unixsocket, (mode_t)setting_get(&s->unixsocketperm),
                            (int)setting_get(&s->tcp_backlog));
    if (fd < 0) {
        char what[300];
        snprintf(what, sizeof what, "cannot listen on %s", s->unixsocket);
        return fault(what, strerror(errno));
    }
    add_socket(l, fd, TRANSPORT_UNIX);
    l->unix_path = strdup(s->unixsocket);
    return l->unix_path != NULL;
}

int listener_port(const struct listener *l)
{
    return l->port != 0 ? l->port : l->tls_port;
}

bool listener_open(struct listener *l, struct server *s)
{
    l->server = s;
    l->port = (int)setting_get(&s->settings.port);
    l->tls_port = (int)setting_get(&s->settings.tls_port);
    bool plain = l->port != 0 || l->tls_port == 0;
    if ((plain && !open_addresses(l, TRANSPORT_TCP)) ||
        (l->tls_port != 0 && !open_addresses(l, TRANSPORT_TLS)))
        return false;
    if (l->count == 0) /* bind has no address */
        l->port = l->tls_port = 0;
    if (!open_unix(l))
        return false;
    return l->count > 0 || fault("nothing to listen on", "give bind an address, or a unixsocket");
}

/* ---- accepting ---- */

/* The first while there are few, so that their commands are carried out in the order in which they
 * come; then the one with fewest. */
static struct worker *choose_worker(const struct server *s)
{
    size_t all = 0, least = SIZE_MAX;
    struct worker *best = s->workers[0];
    for (unsigned i = 0; i < s->worker_count; i++) {
        size_t n = atomic_load_explicit(&s->workers[i]->connection_count, memory_order_relaxed);
        all += n;
        if (n < least) {
            least = n;
            best = s->workers[i];
        }
    }
    return all < (size_t)setting_get(&s->settings.in_order) ? s->workers[0] : best;
}

static void hand_over(struct listener *l, int fd, enum transport_kind kind)
{
    struct worker *w = choose_worker(l->server);
    atomic_fetch_add_explicit(&w->connection_count, 1, memory_order_relaxed);
    if (w->index == 0) {
        (void)connection_create(w, fd, kind);
        return;
    }
    struct mail *m = mail_create(MAIL_CONNECTION, 0);
    if (m == NULL) {
        close(fd);
        worker_lost_one(w);
        return;
    }
    m->fd = fd;
    m->transport = kind;
    mailbox_post(&w->mailbox, m);
}

/* No descriptor or no memory: connections wait in the backlog, and it is tried again soon. */
static void pause_accepting(struct listener *l)
{
    static const struct timeval soon = {.tv_usec = 100000};
    for (unsigned i = 0; i < l->count; i++)
        (void)event_del(l->sockets[i].on_accept);
    (void)event_add(l->on_retry, &soon);
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)fd;
    (void)what;
    for (unsigned i = 0; i < l->count; i++)
        (void)event_add(l->sockets[i].on_accept, NULL);
}

static void acceptable(evutil_socket_t listening, short what, void *arg)
{
    struct listener *l = arg;
    (void)what;
    enum transport_kind kind = TRANSPORT_TCP;
    for (unsigned i = 0; i < l->count; i++)
        if (l->sockets[i].fd == listening)
            kind = l->sockets[i].kind;
    worker_time(l->server->workers[0]);
    for (unsigned i = 0; i < ACCEPTS; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(l, fd, kind);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(l);
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

bool listener_start(struct listener *l, struct event_base *base)
{
    l->on_retry = event_new(base, -1, 0, retry, l);
    if (l->on_retry == NULL)
        return false;
    for (unsigned i = 0; i < l->count; i++) {
        struct socket_in *in = &l->sockets[i];
        in->on_accept = event_new(base, in->fd, EV_READ | EV_PERSIST, acceptable, l);
        if (in->on_accept == NULL || event_add(in->on_accept, NULL) != 0)
            return false;
    }
    return true;
}

void listener_stop(struct listener *l)
{
    if (l->on_retry != NULL)
        event_free(l->on_retry);
    l->on_retry = NULL;
    for (unsigned i = 0; i < l->count; i++) {
        if (l->sockets[i].on_accept != NULL)
            event_free(l->sockets[i].on_accept);
        l->sockets[i].on_accept = NULL;
    }
}

void listener_close(struct listener *l)
{
    listener_stop(l);
    for (unsigned i = 0; i < l->count; i++)
        close(l->sockets[i].fd);
    l->count = 0;
    if (l->unix_path != NULL)
        (void)unlink(l->unix_path);
    free(l->unix_path);
    l->unix_path = NULL;
}
