/* The floor of what a RESP server costs: reads and parses requests, stores nothing, answers every
 * GET with the same value and everything else with +OK. One thread. What a real server needs beyond
 * this is its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, EVENTS = 256, CLIENTS = 4096 };

struct client {
    int fd;
    size_t in_len;
    char in[BUFFER];
};

static struct {
    struct client *clients[CLIENTS]; /* by their descriptor */
    char reply[BUFFER];              /* the answer to GET */
    size_t reply_len;
    char out[16 * BUFFER];
    size_t out_len;
} state;

/* Parses "*2" or "$5" with its CRLF at data; returns bytes used, 0 = not whole. */
static size_t parse_number(const char *data, size_t len, size_t *number)
{
    *number = 0;
    for (size_t i = 1; i + 1 < len; i++) {
        if (data[i] == '\r')
            return i + 2;
        *number = *number * 10 + (size_t)(data[i] - '0');
    }
    return 0;
}

/* Length of the whole request at data, 0 = not whole; *is_get tells which it is. */
static size_t parse_request(const char *data, size_t len, bool *is_get)
{
    size_t argc = 0, size = 0;
    size_t at = len ? parse_number(data, len, &argc) : 0;

    *is_get = false;
    for (size_t i = 0; at && i < argc; i++) {
        size_t used = at < len ? parse_number(data + at, len - at, &size) : 0;
        if (!used || len - at - used < size + 2)
            return 0;
        at += used;
        if (i == 0)
            *is_get = size == 3 && (data[at] == 'G' || data[at] == 'g');
        at += size + 2;
    }
    return at;
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static bool answer(int fd, bool is_get)
{
    const char *reply = is_get ? state.reply : "+OK\r\n";
    size_t len = is_get ? state.reply_len : 5;
    if (state.out_len + len > sizeof state.out) {
        if (!send_all(fd, state.out, state.out_len))
            return false;
        state.out_len = 0;
    }
    memcpy(state.out + state.out_len, reply, len);
    state.out_len += len;
    return true;
}

static bool serve(struct client *client)
{
    ssize_t n = recv(client->fd, client->in + client->in_len, BUFFER - client->in_len, 0);
    if (n <= 0)
        return false;
    client->in_len += (size_t)n;
    size_t at = 0, used = 0;
    bool is_get = false;
    state.out_len = 0;
    while ((used = parse_request(client->in + at, client->in_len - at, &is_get)) != 0) {
        if (!answer(client->fd, is_get))
            return false;
        at += used;
    }
    memmove(client->in, client->in + at, client->in_len - at);
    client->in_len -= at;
    return client->in_len < BUFFER && send_all(client->fd, state.out, state.out_len);
}

static void close_client(int fd)
{
    free(state.clients[fd]);
    state.clients[fd] = NULL;
    close(fd);
}

static void accept_client(int epoll, int listener)
{
    int one = 1;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    struct client *client = fd < CLIENTS ? malloc(sizeof *client) : NULL;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (!client || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(client);
        close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client->fd = fd;
    client->in_len = 0;
    state.clients[fd] = client;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 511) != 0) {
        perror("nullserver");
        exit(EXIT_FAILURE);
    }
    return fd;
}

static void serve_forever(int epoll, int listener)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_client(epoll, listener);
            else if (!serve(state.clients[fd]))
                close_client(fd);
        }
    }
}

int main(int argc, char **argv)
{
    size_t value = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (argc != 3 || value > BUFFER - 64) {
        fprintf(stderr, "usage: nullserver PORT VALUE_LENGTH\n");
        return 2;
    }
    int head = snprintf(state.reply, sizeof state.reply, "$%zu\r\n", value);
    memset(state.reply + head, 'x', value);
    memcpy(state.reply + head + value, "\r\n", 2);
    state.reply_len = (size_t)head + value + 2;

    int listener = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        return EXIT_FAILURE;
    serve_forever(epoll, listener);
}
