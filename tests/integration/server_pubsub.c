/* Publishing and subscribing over RESP2 and RESP3, with several workers.
 *
 *   ZSC_OPS  messages of each publisher (default 2000) */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/* A socket that has subscribed. */
static int subscriber(const char *command, const char *reply)
{
    int fd = instance_socket(&served);
    send_text(fd, command);
    expect_text(fd, reply);
    return fd;
}

#define REFUSED                                                                                    \
    "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"

START_TEST(resp2_allows_little)
{
    int fd = instance_socket(&served);
    send_text(fd, "SUBSCRIBE a b a\r\n");
    expect_text(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
                    "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
                    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n");
    send_text(fd, "GET x\r\nCLIENT LIST\r\nPING\r\nPING hi\r\nFOO\r\n");
    expect_text(fd, "-ERR Can't execute 'get': " REFUSED
                    "-ERR Can't execute 'client|list': " REFUSED "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
                    "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n"
                    "-ERR unknown command 'FOO', with args beginning with: \r\n");
    send_text(fd, "PSUBSCRIBE p*\r\nSSUBSCRIBE s\r\nUNSUBSCRIBE q\r\nUNSUBSCRIBE\r\n");
    expect_text(fd, "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n"
                    "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"
                    "*3\r\n$11\r\nunsubscribe\r\n$1\r\nq\r\n:3\r\n"
                    "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n"
                    "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n");
    send_text(fd, "PUNSUBSCRIBE\r\nSET x 1\r\nSUNSUBSCRIBE s\r\nUNSUBSCRIBE\r\nPING\r\n");
    expect_text(fd, "*3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:0\r\n"
                    "-ERR Can't execute 'set': " REFUSED "*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n"
                    ":0\r\n*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n");
    send_text(fd, "SUBSCRIBE a\r\nRESET\r\nPUBLISH a x\r\n");
    expect_text(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+RESET\r\n:0\r\n");
    close(fd);
}
END_TEST

START_TEST(resp3_pushes)
{
    int fd = instance_resp3(&served);
    send_text(fd, "SUBSCRIBE a\r\nPUBLISH a one\r\n");
    expect_text(fd, ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n:1\r\n"
                    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n");
    send_text(fd, "PING\r\nPSUBSCRIBE [ab]\r\n");
    expect_text(fd, "+PONG\r\n>3\r\n$10\r\npsubscribe\r\n$4\r\n[ab]\r\n:2\r\n");
    send_text(fd, "CLIENT REPLY OFF\r\nSSUBSCRIBE s\r\nPUBLISH a two\r\nPING\r\n");
    expect_text(fd, ">3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"
                    ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\ntwo\r\n"
                    ">4\r\n$8\r\npmessage\r\n$4\r\n[ab]\r\n$1\r\na\r\n$3\r\ntwo\r\n");
    send_text(fd, "SPUBLISH s x\r\nCLIENT REPLY ON\r\n");
    expect_text(fd, "+OK\r\n>3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nx\r\n");
    close(fd);
}
END_TEST

START_TEST(counted_and_gone_with_the_connection)
{
    redisContext *c = instance_connect(&served);
    int one = subscriber("SUBSCRIBE ch\r\n", "*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n");
    int two = subscriber("PSUBSCRIBE c*\r\n", "*3\r\n$10\r\npsubscribe\r\n$2\r\nc*\r\n:1\r\n");
    int three = subscriber("SSUBSCRIBE sh\r\n", "*3\r\n$10\r\nssubscribe\r\n$2\r\nsh\r\n:1\r\n");
    ck_assert_int_eq(ask_integer(c, "PUBLISH ch x"), 2);
    ck_assert_int_eq(ask_integer(c, "PUBLISH cx x"), 1);
    ck_assert_int_eq(ask_integer(c, "PUBLISH sh x"), 0);
    ck_assert_int_eq(ask_integer(c, "SPUBLISH sh x"), 1);
    ck_assert_int_eq(ask_integer(c, "PUBSUB NUMPAT"), 1);
    redisReply *r = ask(c, "PUBSUB NUMSUB ch other");
    ck_assert_uint_eq(r->elements, 4);
    ck_assert_int_eq(r->element[1]->integer, 1);
    ck_assert_int_eq(r->element[3]->integer, 0);
    freeReplyObject(r);
    r = ask(c, "PUBSUB CHANNELS c*");
    ck_assert_uint_eq(r->elements, 1);
    ck_assert_str_eq(r->element[0]->str, "ch");
    freeReplyObject(r);
    ck_assert_int_eq(info_number(c, "pubsub_channels"), 1);
    ck_assert_int_eq(info_number(c, "pubsub_patterns"), 1);
    ck_assert_int_eq(info_number(c, "pubsubshard_channels"), 1);
    ck_assert_int_eq(info_number(c, "pubsub_clients"), 3);
    r = ask(c, "CLIENT LIST TYPE pubsub");
    ck_assert_ptr_nonnull(strstr(r->str, "flags=P db=0 sub=1 psub=0 ssub=0"));
    ck_assert_ptr_nonnull(strstr(r->str, "flags=P db=0 sub=0 psub=1 ssub=0"));
    ck_assert_ptr_nonnull(strstr(r->str, "flags=P db=0 sub=0 psub=0 ssub=1"));
    ck_assert_ptr_null(strstr(r->str, "flags=N"));
    freeReplyObject(r);
    close(one);
    close(two);
    ck_assert(await_info(c, "pubsub_clients", 1, false));
    ck_assert_int_eq(ask_integer(c, "CLIENT KILL TYPE pubsub"), 1);
    ck_assert(await_info(c, "pubsub_clients", 0, false));
    ck_assert_int_eq(info_number(c, "pubsub_channels"), 0);
    ck_assert_int_eq(ask_integer(c, "PUBLISH ch x"), 0);
    close(three);
    redisFree(c);
}
END_TEST

START_TEST(long_messages_and_binary_names)
{
    static char message[300000];
    redisContext *sub = instance_connect(&served), *c = instance_connect(&served);
    memset(message, 'm', sizeof message);
    message[1000] = '\0';
    redisReply *r = ask(sub, "SUBSCRIBE %b", "a\0b", (size_t)3);
    freeReplyObject(r);
    r = ask(c, "PUBLISH %b %b", "a\0b", (size_t)3, message, sizeof message);
    ck_assert_int_eq(r->integer, 1);
    freeReplyObject(r);
    ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
    ck_assert_uint_eq(r->element[1]->len, 3);
    ck_assert_uint_eq(r->element[2]->len, sizeof message);
    ck_assert(memcmp(r->element[2]->str, message, sizeof message) == 0);
    freeReplyObject(r);
    r = ask(c, "SUBSCRIBE %b", message, sizeof message);
    ck_assert_str_eq(r->str, "ERR channel name is too long");
    freeReplyObject(r);
    redisFree(sub);
    redisFree(c);
}
END_TEST

/* One that does not read is closed, and its neighbour gets all. */
START_TEST(slow_subscribers_are_closed)
{
    static char message[100000];
    redisContext *c = instance_connect(&served), *sub = instance_connect(&served);
    int slow = subscriber("SUBSCRIBE a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    memset(message, 'x', sizeof message);
    ck_assert(asks(c, "OK", "CONFIG SET client-output-buffer-limit %s", "pubsub 1mb 0 0"));
    freeReplyObject(ask(sub, "SUBSCRIBE a"));
    unsigned sent = 0;
    for (; sent < 2000 && info_number(c, "client_output_buffer_limit_disconnections") == 0;
         sent++) {
        redisReply *r = ask(c, "PUBLISH a %b", message, sizeof message);
        freeReplyObject(r);
        ck_assert_int_eq(redisGetReply(sub, (void **)&r), REDIS_OK);
        ck_assert_uint_eq(r->element[2]->len, sizeof message);
        freeReplyObject(r);
    }
    ck_assert_uint_lt(sent, 2000);
    ck_assert(await_info(c, "pubsub_clients", 1, false));
    close(slow);
    redisFree(sub);
    redisFree(c);
}
END_TEST

/* A client that publishes faster than messages can be handed on has to wait: memory stays as it is.
 */
START_TEST(fast_publishers_wait)
{
    static char message[20000];
    enum { MESSAGES = 10000 };
    redisContext *c = instance_connect(&served), *sub = instance_connect(&served);
    memset(message, 'x', sizeof message);
    freeReplyObject(ask(sub, "PSUBSCRIBE *"));
    ck_assert(asks(c, "OK", "CONFIG SET client-output-buffer-limit %s", "pubsub 1mb 0 0"));
    uint64_t before = instance_rss(&served);
    /* Pushed without reading: the replies are small. */
    for (unsigned i = 0; i < MESSAGES; i++) {
        redisAppendCommand(c, "PUBLISH a %b", message, sizeof message);
        int done = 0;
        while (!done)
            ck_assert_int_eq(redisBufferWrite(c, &done), REDIS_OK);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        redisReply *r;
        ck_assert_int_eq(redisGetReply(c, (void **)&r), REDIS_OK);
        ck_assert_int_eq(r->type, REDIS_REPLY_INTEGER);
        freeReplyObject(r);
    }
    if (memory_is_telling())
        ck_assert_uint_lt(instance_rss(&served), before + (48 << 20));
    redisFree(sub);
    redisFree(c);
}
END_TEST

/* ---- many at once ---- */

#define PUBLISHERS 3
#define LISTENERS  4

static unsigned messages(void)
{
    const char *text = getenv("ZSC_OPS");
    return text == NULL ? 2000 : (unsigned)strtoul(text, NULL, 10);
}

struct speaker {
    unsigned number, broken;
};

/* Takes the replies to n messages. False when the connection is broken. */
static bool take_replies(struct speaker *p, redisContext *c, unsigned n)
{
    for (; n > 0; n--) {
        redisReply *r;
        if (redisGetReply(c, (void **)&r) != REDIS_OK)
            return false;
        p->broken += r->type != REDIS_REPLY_INTEGER || r->integer < LISTENERS;
        freeReplyObject(r);
    }
    return true;
}

static void *speak(void *arg)
{
    struct speaker *p = arg;
    redisContext *c = instance_connect(&served);
    unsigned waiting = 0;
    for (unsigned i = 0; i < messages(); i++) {
        redisAppendCommand(c, "PUBLISH room %u:%u", p->number, i);
        waiting++;
        if (waiting < 8 && i + 1 < messages())
            continue;
        if (!take_replies(p, c, waiting)) {
            p->broken++;
            break;
        }
        waiting = 0;
    }
    redisFree(c);
    return NULL;
}

/* Each publisher's messages come whole, once and in order. */
static void *listen_to_all(void *arg)
{
    unsigned next[PUBLISHERS] = {0}, *broken = arg;
    redisContext *c = instance_connect(&served);
    freeReplyObject(ask(c, "SUBSCRIBE room"));
    __atomic_add_fetch(&broken[1], 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < messages() * PUBLISHERS; i++) {
        redisReply *r;
        unsigned from, number;
        if (redisGetReply(c, (void **)&r) != REDIS_OK ||
            sscanf(r->element[2]->str, "%u:%u", &from, &number) != 2 || from >= PUBLISHERS ||
            number != next[from]++) {
            __atomic_add_fetch(&broken[0], 1, __ATOMIC_SEQ_CST);
            break;
        }
        freeReplyObject(r);
    }
    redisFree(c);
    return NULL;
}

START_TEST(every_message_once_and_in_order)
{
    pthread_t listeners[LISTENERS], speakers[PUBLISHERS];
    struct speaker p[PUBLISHERS];
    unsigned broken[2] = {0};
    redisContext *c = instance_connect(&served);
    for (unsigned i = 0; i < LISTENERS; i++)
        ck_assert_int_eq(pthread_create(&listeners[i], NULL, listen_to_all, broken), 0);
    ck_assert(await_info(c, "pubsub_clients", LISTENERS, true));
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        p[i] = (struct speaker){.number = i};
        ck_assert_int_eq(pthread_create(&speakers[i], NULL, speak, &p[i]), 0);
    }
    /* Others come, go and are cut off meanwhile. */
    for (unsigned i = 0; i < 200; i++) {
        redisContext *other = instance_connect(&served);
        freeReplyObject(ask(other, i % 2 == 0 ? "PSUBSCRIBE r*" : "SUBSCRIBE room"));
        redisFree(other);
    }
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        pthread_join(speakers[i], NULL);
        ck_assert_uint_eq(p[i].broken, 0);
    }
    for (unsigned i = 0; i < LISTENERS; i++)
        pthread_join(listeners[i], NULL);
    ck_assert_uint_eq(broken[0], 0);
    ck_assert(await_info(c, "pubsub_clients", 0, false));
    redisFree(c);
}
END_TEST

/* What was published before is heard before what is asked after. */
START_TEST(a_reply_is_not_overtaken)
{
    redisContext *c = instance_connect(&served);
    int fd[6];
    for (int i = 0; i < 6; i++) /* on all workers */
        fd[i] = instance_resp3(&served);
    for (int i = 0; i < 1500; i++) {
        int at = fd[i % 6];
        send_text(at, "SUBSCRIBE a\r\nCLIENT TRACKING ON\r\nGET key\r\n");
        expect_text(at, ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n_\r\n");
        ck_assert_int_eq(ask_integer(c, "PUBLISH a hi"), 1);
        ck_assert(asks(c, "OK", "SET key 1"));
        ck_assert_int_eq(ask_integer(c, "DEL key"), 1);
        send_text(at, "UNSUBSCRIBE a\r\nCLIENT TRACKING OFF\r\n");
        expect_text(at, ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
                        ">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n"
                        ">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+OK\r\n");
    }
    for (int i = 0; i < 6; i++)
        close(fd[i]);
    redisFree(c);
}
END_TEST

int main(void)
{
    TCase *c = server_case("pubsub", 120);
    tcase_add_test(c, resp2_allows_little);
    tcase_add_test(c, resp3_pushes);
    tcase_add_test(c, counted_and_gone_with_the_connection);
    tcase_add_test(c, long_messages_and_binary_names);
    tcase_add_test(c, slow_subscribers_are_closed);
    tcase_add_test(c, fast_publishers_wait);
    tcase_add_test(c, every_message_once_and_in_order);
    tcase_add_test(c, a_reply_is_not_overtaken);
    return server_case_run(c);
}
