/* The run: each connection sends a batch of `pipeline` requests, reads all replies, then sends the
 * next batch. Everything is ready for many connections in one thread; sockets do not block. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"

enum { READ_STEP = 64 * 1024, EVENTS = 256 };

struct sent {
    uint32_t key;
    enum op op;
};

struct conn {
    int fd;
    bool waits_for_room; /* EPOLLOUT is asked for */
    char *out, *in;
    size_t out_len, out_sent, out_room;
    size_t in_len, in_room;
    struct sent *batch; /* requests of this batch, in order */
    unsigned batch_len, answered;
    uint32_t *missed; /* keys to SET in the next batch (read-through) */
    unsigned missed_len;
    int64_t sent_at;
};

struct run {
    struct load *load;
    struct result *result;
    struct conn *conns;
    int epoll;
    int64_t warm_at, start, end; /* microseconds; start is 0 during the warm-up */
    uint64_t issued, warm_answers, issue_limit;
    uint64_t random;
    unsigned busy; /* connections with a batch in flight */
    bool lost;
};

static bool reserve(char **buffer, size_t *room, size_t wanted)
{
    if (wanted <= *room)
        return true;
    size_t grown = *room ? *room : READ_STEP;
    while (grown < wanted)
        grown *= 2;
    char *moved = realloc(*buffer, grown);
    if (!moved)
        return false;
    *buffer = moved;
    *room = grown;
    return true;
}

static bool conn_open(struct run *run, struct conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(run->load->port)};
    int one = 1;

    conn->batch = calloc(run->load->pipeline, sizeof *conn->batch);
    conn->missed = calloc(run->load->pipeline, sizeof *conn->missed);
    conn->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (conn->fd < 0 || !conn->batch || !conn->missed ||
        inet_pton(AF_INET, run->load->host, &address.sin_addr) != 1 ||
        connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return false;
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    return epoll_ctl(run->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

static void conn_close(struct conn *conn)
{
    if (conn->fd >= 0)
        close(conn->fd);
    free(conn->out);
    free(conn->in);
    free(conn->batch);
    free(conn->missed);
}

static void wait_for_room(struct run *run, struct conn *conn, bool wait)
{
    if (conn->waits_for_room == wait)
        return;
    struct epoll_event event = {.events = wait ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = conn};
    if (epoll_ctl(run->epoll, EPOLL_CTL_MOD, conn->fd, &event) != 0)
        run->lost = true;
    conn->waits_for_room = wait;
}

static void conn_flush(struct run *run, struct conn *conn)
{
    while (conn->out_sent < conn->out_len) {
        ssize_t n = send(conn->fd, conn->out + conn->out_sent, conn->out_len - conn->out_sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            wait_for_room(run, conn, true);
            return;
        }
        if (n <= 0) {
            run->lost = true;
            return;
        }
        conn->out_sent += (size_t)n;
    }
    wait_for_room(run, conn, false);
}

static bool enqueue(struct run *run, struct conn *conn, enum op op, uint32_t key)
{
    struct span value = {0};
    if (op == OP_SET)
        value = value_of(&run->load->values, key);
    size_t bound = request_bound(value.len);
    if (!reserve(&conn->out, &conn->out_room, conn->out_len + bound))
        return false;
    conn->out_len += request_write(run->load->protocol, conn->out + conn->out_len, op, key, value);
    conn->batch[conn->batch_len++] = (struct sent){.key = key, .op = op};
    return true;
}

static enum op next_op(struct run *run)
{
    if (run->load->get_percent == 100)
        return OP_GET;
    return random_next(&run->random) % 100 < run->load->get_percent ? OP_GET : OP_SET;
}

/* Sends the next batch, first what a read-through client owes. Nothing when the run is over. */
static void conn_send_batch(struct run *run, struct conn *conn)
{
    const struct load *load = run->load;

    conn->batch_len = conn->answered = 0;
    conn->out_len = conn->out_sent = 0;
    for (unsigned i = 0; i < conn->missed_len; i++) {
        if (!enqueue(run, conn, OP_SET, conn->missed[i]))
            run->lost = true;
    }
    conn->missed_len = 0;
    while (conn->batch_len < load->pipeline &&
           (!run->issue_limit || run->issued < run->issue_limit)) {
        run->issued++;
        if (!enqueue(run, conn, next_op(run), keys_next(&run->load->keys))) {
            run->lost = true;
            return;
        }
    }
    if (conn->batch_len == 0)
        return;
    run->busy++;
    conn->sent_at = clock_mono_us();
    conn_flush(run, conn);
}

static void begin_measuring(struct run *run, int64_t now)
{
    run->start = now;
    if (run->load->pid)
        (void)cpu_usage_read(&run->result->cpu_before, run->load->pid);
}

static void count_reply(struct run *run, struct conn *conn, enum outcome outcome, int64_t now)
{
    struct result *result = run->result;
    struct sent sent = conn->batch[conn->answered];

    if (outcome == REPLY_MISS && run->load->read_through)
        conn->missed[conn->missed_len++] = sent.key;
    result->wrong += outcome == REPLY_WRONG; /* never excused by a warm-up */
    if (!run->start) {
        run->warm_answers++;
        return;
    }
    result->requests++;
    result->gets += sent.op == OP_GET;
    result->sets += sent.op == OP_SET;
    result->hits += outcome == REPLY_HIT;
    result->misses += outcome == REPLY_MISS;
    result->errors += outcome == REPLY_ERROR;
    histogram_add(&result->latency, (uint64_t)(now - conn->sent_at));
}

/* No data = whatever comes is right. */
static struct span expected(const struct load *load, const struct sent *sent)
{
    if (load->unverified || sent->op == OP_SET)
        return (struct span){0};
    return value_of(&load->values, sent->key);
}

/* Reads the replies that have come; true when the batch is answered. */
static bool conn_read_replies(struct run *run, struct conn *conn)
{
    int64_t now = clock_mono_us();
    size_t at = 0;

    while (conn->answered < conn->batch_len) {
        struct sent sent = conn->batch[conn->answered];
        size_t used = 0;
        enum outcome outcome = reply_read(run->load->protocol, sent.op, expected(run->load, &sent),
                                          conn->in + at, conn->in_len - at, &used);
        if (outcome == REPLY_PARTIAL)
            break;
        if (outcome == REPLY_GARBAGE) {
            fprintf(stderr, "not a reply: %.60s\n", conn->in + at);
            run->lost = true;
            return false;
        }
        if (outcome == REPLY_ERROR && run->result->errors == 0)
            fprintf(stderr, "first error: %.*s\n", (int)used - 2, conn->in + at);
        count_reply(run, conn, outcome, now);
        conn->answered++;
        at += used;
    }
    memmove(conn->in, conn->in + at, conn->in_len - at);
    conn->in_len -= at;
    return conn->answered == conn->batch_len;
}

static bool time_is_up(struct run *run)
{
    int64_t now = clock_mono_us();
    bool warm = run->load->warmup_requests ? run->warm_answers >= run->load->warmup_requests
                                           : now >= run->warm_at;
    if (!run->start && warm) {
        begin_measuring(run, now);
        run->end = now + (int64_t)(run->load->seconds * 1e6);
    }
    return run->start && !run->load->requests && now >= run->end;
}

static void conn_readable(struct run *run, struct conn *conn, bool stopping)
{
    if (!reserve(&conn->in, &conn->in_room, conn->in_len + READ_STEP)) {
        run->lost = true;
        return;
    }
    ssize_t n =
        recv(conn->fd, conn->in + conn->in_len, conn->in_room - conn->in_len - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fprintf(stderr, "the server closed a connection\n");
        run->lost = true;
        return;
    }
    conn->in_len += (size_t)n;
    conn->in[conn->in_len] = '\0';
    if (conn->batch_len && conn_read_replies(run, conn)) {
        run->busy--;
        conn->batch_len = 0;
        if (!stopping)
            conn_send_batch(run, conn);
    }
}

static void run_loop(struct run *run)
{
    struct epoll_event events[EVENTS];
    bool stopping = false;

    while (run->busy && !run->lost) {
        int n = epoll_wait(run->epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            run->lost = true;
        stopping = stopping || time_is_up(run);
        for (int i = 0; i < n && !run->lost; i++) {
            struct conn *conn = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                conn_flush(run, conn);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                conn_readable(run, conn, stopping);
        }
    }
}

static bool run_connected(struct run *run)
{
    const struct load *load = run->load;

    for (unsigned i = 0; i < load->connections; i++) {
        if (!conn_open(run, &run->conns[i])) {
            fprintf(stderr, "connecting to %s:%u failed\n", load->host, load->port);
            return false;
        }
    }
    int64_t now = clock_mono_us();
    run->warm_at = now + (int64_t)(load->warmup_seconds * 1e6);
    if (load->warmup_requests == 0 && load->warmup_seconds <= 0)
        (void)time_is_up(run);
    for (unsigned i = 0; i < load->connections && !run->lost; i++)
        conn_send_batch(run, &run->conns[i]);
    run_loop(run);
    run->result->elapsed_us = clock_mono_us() - run->start;
    if (load->pid)
        (void)cpu_usage_read(&run->result->cpu_after, load->pid);
    return !run->lost;
}

bool load_run(struct load *load, struct result *result)
{
    struct run run = {.load = load, .result = result, .random = load->seed | 1};

    *result = (struct result){0};
    run.issue_limit = load->requests ? load->requests + load->warmup_requests : 0;
    run.conns = calloc(load->connections, sizeof *run.conns);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    bool ok = run.conns && run.epoll >= 0;
    for (unsigned i = 0; run.conns && i < load->connections; i++)
        run.conns[i].fd = -1;
    ok = ok && run_connected(&run);
    for (unsigned i = 0; run.conns && i < load->connections; i++)
        conn_close(&run.conns[i]);
    if (run.epoll >= 0)
        close(run.epoll);
    free(run.conns);
    return ok;
}
