/* hiredis, as programs in C and everything built on it use it: blocking, with pipelines.
 *
 * client: hiredis
 */
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIPELINE 5000

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static bool replies_text(redisReply *r, int type, const char *text)
{
    bool as_wanted = r != NULL && r->type == type && strcmp(r->str, text) == 0;
    freeReplyObject(r);
    return as_wanted;
}

static bool replies_integer(redisReply *r, long long least, long long most)
{
    bool as_wanted =
        r != NULL && r->type == REDIS_REPLY_INTEGER && r->integer >= least && r->integer <= most;
    freeReplyObject(r);
    return as_wanted;
}

static bool replies_nil(redisReply *r)
{
    bool as_wanted = r != NULL && r->type == REDIS_REPLY_NIL;
    freeReplyObject(r);
    return as_wanted;
}

static void values(redisContext *c)
{
    static const char binary[] = "\0\r\n$5\r\n\xff\xfe\0";
    CHECK(replies_text(redisCommand(c, "SET %b %b", "k\0ey", (size_t)4, binary, sizeof binary),
                       REDIS_REPLY_STATUS, "OK"));
    redisReply *r = redisCommand(c, "GET %b", "k\0ey", (size_t)4);
    CHECK(r->len == sizeof binary && memcmp(r->str, binary, sizeof binary) == 0);
    freeReplyObject(r);
    CHECK(replies_nil(redisCommand(c, "GET nobody")));
    CHECK(replies_integer(redisCommand(c, "INCRBY hits 41"), 41, 41));
    CHECK(replies_integer(redisCommand(c, "INCR hits"), 42, 42));
    CHECK(replies_text(redisCommand(c, "LPUSH list item"), REDIS_REPLY_ERROR,
                       "ERR unknown command 'LPUSH', with args beginning with: 'list' 'item' "));
}

static void long_value(redisContext *c)
{
    size_t len = 5u << 20;
    char *value = malloc(len);
    CHECK(value != NULL);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)((i * i) >> 7);
    CHECK(replies_text(redisCommand(c, "SET long %b", value, len), REDIS_REPLY_STATUS, "OK"));
    redisReply *r = redisCommand(c, "GET long");
    CHECK(r != NULL && r->len == len && memcmp(r->str, value, len) == 0);
    freeReplyObject(r);
    free(value);
}

static void pipeline(redisContext *c)
{
    for (int i = 0; i < PIPELINE; i++) {
        CHECK(redisAppendCommand(c, "SET p:%d value-%d EX 100", i, i) == REDIS_OK);
        CHECK(redisAppendCommand(c, "GET p:%d", i) == REDIS_OK);
    }
    for (int i = 0; i < PIPELINE; i++) {
        char wanted[32];
        redisReply *r;
        CHECK(redisGetReply(c, (void **)&r) == REDIS_OK);
        CHECK(replies_text(r, REDIS_REPLY_STATUS, "OK"));
        snprintf(wanted, sizeof wanted, "value-%d", i);
        CHECK(redisGetReply(c, (void **)&r) == REDIS_OK);
        CHECK(replies_text(r, REDIS_REPLY_STRING, wanted));
    }
}

static void expiry_and_lock(redisContext *c)
{
    CHECK(replies_text(redisCommand(c, "SET lock mine NX PX 60"), REDIS_REPLY_STATUS, "OK"));
    CHECK(replies_nil(redisCommand(c, "SET lock yours NX PX 60")));
    CHECK(replies_integer(redisCommand(c, "PTTL lock"), 1, 60));
    usleep(80000);
    CHECK(replies_text(redisCommand(c, "SET lock yours NX PX 60000"), REDIS_REPLY_STATUS, "OK"));
    CHECK(replies_integer(redisCommand(c, "EXPIRE p:1 200"), 1, 1));
    CHECK(replies_integer(redisCommand(c, "TTL p:1"), 199, 200));
}

static void reconnect(redisContext *c)
{
    char command[4096];
    snprintf(command, sizeof command, "%s restart >/dev/null", getenv("ZSCACHE_CONTROL"));
    CHECK(system(command) == 0);
    redisReply *r = redisCommand(c, "PING");
    CHECK(r == NULL && c->err != 0);
    CHECK(redisReconnect(c) == REDIS_OK);
    CHECK(replies_text(redisCommand(c, "PING"), REDIS_REPLY_STATUS, "PONG"));
    CHECK(replies_nil(redisCommand(c, "GET hits")));
}

int main(void)
{
    printf("version: hiredis %d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    redisContext *c = redisConnect("127.0.0.1", atoi(getenv("ZSCACHE_PORT")));
    CHECK(c != NULL && c->err == 0);
    values(c);
    long_value(c);
    pipeline(c);
    expiry_and_lock(c);
    reconnect(c);
    redisFree(c);
    return 0;
}
