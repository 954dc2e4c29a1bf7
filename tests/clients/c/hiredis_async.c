/* hiredis with callbacks on libevent, as servers written in C use it.
 *
 * client: hiredis, asynchronous
 */
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 2000

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct run {
    struct event_base *base;
    int right, disconnected;
};

static redisAsyncContext *dial(struct run *run);

static void got(redisAsyncContext *c, void *reply, void *wanted)
{
    struct run *run = c->data;
    redisReply *r = reply;
    CHECK(r != NULL && r->type == REDIS_REPLY_STRING && strcmp(r->str, wanted) == 0);
    free(wanted);
    if (++run->right == KEYS)
        redisAsyncDisconnect(c);
}

static void disconnected(const redisAsyncContext *c, int status)
{
    struct run *run = c->data;
    run->disconnected = 1 + (status != REDIS_OK);
    event_base_loopbreak(run->base);
}

static redisAsyncContext *dial(struct run *run)
{
    redisAsyncContext *c = redisAsyncConnect("127.0.0.1", atoi(getenv("ZSCACHE_PORT")));
    CHECK(c != NULL && c->err == 0);
    c->data = run;
    CHECK(redisLibeventAttach(c, run->base) == REDIS_OK);
    CHECK(redisAsyncSetDisconnectCallback(c, disconnected) == REDIS_OK);
    return c;
}

static void ask_all(redisAsyncContext *c)
{
    for (int i = 0; i < KEYS; i++) {
        char value[32];
        snprintf(value, sizeof value, "value-%d", i);
        CHECK(redisAsyncCommand(c, NULL, NULL, "SETEX a:%d 60 %s", i, value) == REDIS_OK);
        CHECK(redisAsyncCommand(c, got, strdup(value), "GET a:%d", i) == REDIS_OK);
    }
}

/* All replies come in their order, and then the connection ends by our wish. */
static void all_at_once(struct run *run)
{
    *run = (struct run){.base = run->base};
    ask_all(dial(run));
    event_base_dispatch(run->base);
    CHECK(run->right == KEYS && run->disconnected == 1);
}

static void ignore(redisAsyncContext *c, void *reply, void *wanted)
{
    (void)c;
    (void)reply;
    (void)wanted;
}

/* The server goes away under a connection: it says so, and a new one works. */
static void reconnect(struct run *run)
{
    char command[4096];
    redisAsyncContext *c = dial(run);
    CHECK(redisAsyncCommand(c, ignore, NULL, "PING") == REDIS_OK);
    for (int i = 0; i < 10; i++)
        event_base_loop(run->base, EVLOOP_NONBLOCK);
    snprintf(command, sizeof command, "%s restart >/dev/null", getenv("ZSCACHE_CONTROL"));
    CHECK(system(command) == 0);
    run->disconnected = 0;
    event_base_dispatch(run->base);
    CHECK(run->disconnected == 2);
    all_at_once(run);
}

int main(void)
{
    struct run run = {.base = event_base_new()};
    CHECK(run.base != NULL);
    printf("version: hiredis %d.%d.%d, libevent %s\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH,
           event_get_version());
    all_at_once(&run);
    reconnect(&run);
    event_base_free(run.base);
    return 0;
}
