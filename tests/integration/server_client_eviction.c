/* maxmemory-clients: who takes most memory is closed when all take too much. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define NOT_EVICTED "CLIENT NO-EVICT ON\r\n"

static redisContext *admin;

static void set_up(const char *limit)
{
    admin = instance_connect(&served);
    ck_assert(asks(admin, "OK", "CONFIG SET maxmemory-clients %s", limit));
}

/* How many clients are there besides this one. */
static int64_t others(void)
{
    return info_number(admin, "connected_clients") - 1;
}

/* A client that has sent so many bytes of a request that never ends. */
static int sender(const char *before, size_t len)
{
    char head[64];
    int fd = instance_socket(&served);
    char *bytes = calloc(1, len);
    ck_assert_ptr_nonnull(bytes);
    send_text(fd, before);
    if (*before != '\0')
        expect_text(fd, "+OK\r\n");
    snprintf(head, sizeof head, "*2\r\n$%zu\r\n", 2 * len);
    send_text(fd, head);
    /* It may be closed meanwhile. */
    ssize_t n = 1;
    for (size_t at = 0; at < len && n > 0; at += (size_t)n)
        n = send(fd, bytes + at, len - at, MSG_NOSIGNAL);
    free(bytes);
    return fd;
}

START_TEST(a_large_request)
{
    set_up("3mb");
    int small = sender("", 1 << 20), large = sender("", 4 << 20);
    ck_assert(await_info(admin, "evicted_clients", 1, true));
    ck_assert(is_closed(large));
    ck_assert_int_eq(others(), 1);
    close(small);
    close(large);
    redisFree(admin);
}
END_TEST

/* It counts, but others go in its place. */
START_TEST(not_who_must_stay)
{
    set_up("3mb");
    int kept = sender(NOT_EVICTED, 4 << 20);
    ck_assert(await_info(admin, "client_recent_max_input_buffer", 4 << 20, true));
    int small = sender("", 256 << 10);
    ck_assert(is_closed(small));
    ck_assert(await_info(admin, "evicted_clients", 1, true));
    ck_assert_int_eq(others(), 1);
    close(kept);
    close(small);
    redisFree(admin);
}
END_TEST

START_TEST(a_subscriber_that_does_not_read)
{
    enum { LEN = 100000, MESSAGES = 100 };
    set_up("3mb");
    char *message = calloc(1, LEN);
    ck_assert_ptr_nonnull(message);
    int fd = instance_socket(&served);
    send_text(fd, "SUBSCRIBE c\r\n");
    expect_text(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    for (int i = 0; i < MESSAGES; i++)
        (void)ask_integer(admin, "PUBLISH c %b", message, (size_t)LEN);
    ck_assert(await_info(admin, "evicted_clients", 1, true));
    ck_assert_int_eq(others(), 0);
    free(message);
    close(fd);
    redisFree(admin);
}
END_TEST

#define SENDERS 10

START_TEST(no_more_than_need_be_when_the_limit_falls)
{
    set_up("0");
    int fd[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        fd[i] = sender("", 4 << 20);
    ck_assert(await_info(admin, "mem_clients_normal", SENDERS << 22, true));
    ck_assert(asks(admin, "OK", "CONFIG SET maxmemory 2gb maxmemory-clients 1%%"));
    redisReply *r = ask(admin, "CONFIG GET maxmemory-clients");
    ck_assert_str_eq(r->element[1]->str, "1%");
    freeReplyObject(r);
    int64_t left = others();
    ck_assert_int_ge(left, SENDERS / 2 - 2);
    ck_assert_int_le(left, SENDERS / 2 + 1);
    ck_assert_int_ge(info_number(admin, "evicted_clients"), SENDERS - left);
    ck_assert(asks(admin,
                   "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - "
                   "percentage argument must be less or equal to 100",
                   "CONFIG SET maxmemory-clients 101%%"));
    for (int i = 0; i < SENDERS; i++)
        close(fd[i]);
    redisFree(admin);
}
END_TEST

int main(void)
{
    TCase *c = server_case("client eviction", 60);
    tcase_add_test(c, a_large_request);
    tcase_add_test(c, not_who_must_stay);
    tcase_add_test(c, a_subscriber_that_does_not_read);
    tcase_add_test(c, no_more_than_need_be_when_the_limit_falls);
    return server_case_run(c);
}
