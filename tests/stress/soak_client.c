#include "soak_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"

#define PIPELINE 24
/* A pipeline ends with the command whose reply makes it so long, since hiredis sends all of it
 * before it reads. */
#define REPLIES_MOST ((size_t)128 << 10)

enum kind {
    SET,
    SET_PX,
    SET_XX,
    GET,
    GETRANGE,
    STRLEN,
    DEL,
    GETDEL,
    RENAME,
    COPY,
    PEXPIRE,
    PERSIST,
    HSET,
    HGET,
    HDEL,
    KINDS
};

struct op {
    enum kind kind;
    unsigned key, other;
    uint64_t seed;
    int64_t ttl_ms, sent_ms;
    size_t off, most;
};

static uint64_t draw(struct soak_client *p, uint64_t below)
{
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (p->random >> 20) % below;
}

static void append_hash(struct soak_client *p, redisContext *c, struct op *o)
{
    unsigned n = (unsigned)draw(p, SOAK_HASHES * SOAK_FIELDS);
    char key[32], field[32];
    (void)snprintf(key, sizeof key, "h:%u:%u", p->id, n / SOAK_FIELDS);
    (void)snprintf(field, sizeof field, "field%u", n % SOAK_FIELDS);
    o->key = SOAK_KEYS + n;
    if (o->kind == HSET) {
        while (soak_length(o->seed) > 4096)
            o->seed = soak_mix(o->seed);
        redisAppendCommand(c, "HSET %s %s %b", key, field, p->value, soak_value(o->seed, p->value));
    } else {
        redisAppendCommand(c, o->kind == HGET ? "HGET %s %s" : "HDEL %s %s", key, field);
    }
}

static void append_write(struct soak_client *p, redisContext *c, const struct op *o)
{
    size_t len = soak_value(o->seed, p->value);
    if (o->kind == SET_PX)
        redisAppendCommand(c, "SET s:%u:%u %b PX %lld", p->id, o->key, p->value, len,
                           (long long)o->ttl_ms);
    else
        redisAppendCommand(c, o->kind == SET ? "SET s:%u:%u %b" : "SET s:%u:%u %b XX", p->id,
                           o->key, p->value, len);
}

static void append_other(struct soak_client *p, redisContext *c, const struct op *o)
{
    static const char *const simple[KINDS] = {
        [GET] = "GET s:%u:%u",       [STRLEN] = "STRLEN s:%u:%u",   [DEL] = "DEL s:%u:%u",
        [GETDEL] = "GETDEL s:%u:%u", [PERSIST] = "PERSIST s:%u:%u",
    };
    if (o->kind == GETRANGE)
        redisAppendCommand(c, "GETRANGE s:%u:%u %lld %lld", p->id, o->key, (long long)o->off,
                           (long long)(o->off + o->most - 1));
    else if (o->kind == RENAME)
        redisAppendCommand(c, "RENAME s:%u:%u s:%u:%u", p->id, o->key, p->id, o->other);
    else if (o->kind == COPY)
        redisAppendCommand(c, "COPY s:%u:%u s:%u:%u REPLACE", p->id, o->key, p->id, o->other);
    else if (o->kind == PEXPIRE)
        redisAppendCommand(c, "PEXPIRE s:%u:%u %lld", p->id, o->key, (long long)o->ttl_ms);
    else
        redisAppendCommand(c, simple[o->kind], p->id, o->key);
}

static struct op append_one(struct soak_client *p, redisContext *c)
{
    static const enum kind kinds[] = {SET,    SET,    SET,  SET_PX, SET_XX,   GET,  GET,
                                      GET,    GET,    GET,  STRLEN, GETRANGE, DEL,  GETDEL,
                                      RENAME, RENAME, COPY, COPY,   PEXPIRE,  HSET, HSET,
                                      HGET,   HGET,   HDEL, PERSIST};
    struct op o = {.kind = kinds[draw(p, sizeof kinds / sizeof kinds[0])],
                   .key = (unsigned)draw(p, SOAK_KEYS),
                   .ttl_ms = 1 + (int64_t)draw(p, 3000),
                   .sent_ms = clock_wall_ms(),
                   .off = draw(p, 200000),
                   .most = 1 + draw(p, 100000)};
    o.other = (o.key + 1 + (unsigned)draw(p, SOAK_KEYS - 1)) % SOAK_KEYS;
    o.seed = soak_mix((uint64_t)p->id << 48 | ++p->seeds) | 1u << 31;
    if (o.kind >= HSET)
        append_hash(p, c, &o);
    else if (o.kind <= SET_XX)
        append_write(p, c, &o);
    else
        append_other(p, c, &o);
    return o;
}

/* ---- what comes back ---- */

static bool text_is(const redisReply *r, const char *text)
{
    return r->str != NULL && strncmp(r->str, text, strlen(text)) == 0;
}

/* A value, or none. */
static bool check_value(struct soak_client *p, const struct op *o, const redisReply *r)
{
    size_t off = o->kind == GETRANGE ? o->off : 0, most = o->kind == GETRANGE ? o->most : SIZE_MAX;
    if (r->type == REDIS_REPLY_NIL)
        return true;
    if (r->type != REDIS_REPLY_STRING)
        return false;
    p->values++;
    if (o->kind == GETRANGE && r->len == 0)
        return true;
    return soak_may_read(&p->slot[o->key], r->str, r->len, off, most, o->sent_ms, p->scratch);
}

/* Moves or copies what is known; a copy expires when the other does. */
static bool check_move(struct soak_client *p, const struct op *o, const redisReply *r)
{
    struct soak_slot *from = &p->slot[o->key], *to = &p->slot[o->other];
    bool moved = o->kind == RENAME ? r->type == REDIS_REPLY_STATUS : r->integer == 1;
    if (r->type == REDIS_REPLY_ERROR && !text_is(r, "ERR no such key"))
        return false;
    if (moved && o->sent_ms > from->gone_by_ms)
        return false;
    if (moved)
        *to = *from;
    if (moved && o->kind == RENAME)
        soak_wrote(from, 0, INT64_MAX);
    return true;
}

static bool check_write(struct soak_client *p, const struct op *o, const redisReply *r)
{
    bool wrote =
        r->type == REDIS_REPLY_STATUS || (o->kind == HSET && r->type == REDIS_REPLY_INTEGER);
    if (wrote)
        soak_wrote(&p->slot[o->key], o->seed,
                   o->kind == SET_PX ? clock_wall_ms() + o->ttl_ms : INT64_MAX);
    return wrote || (o->kind == SET_XX && r->type == REDIS_REPLY_NIL);
}

static bool check(struct soak_client *p, const struct op *o, const redisReply *r)
{
    struct soak_slot *s = &p->slot[o->key];
    p->replies++;
    if (r->type == REDIS_REPLY_ERROR && text_is(r, "OOM ")) {
        p->refused++;
        return o->kind != GET && o->kind != DEL && o->kind != STRLEN;
    }
    bool ok = true;
    switch (o->kind) {
    case RENAME:
    case COPY:
        return check_move(p, o, r);
    case STRLEN:
        return r->type == REDIS_REPLY_INTEGER &&
               soak_may_measure(s, (size_t)r->integer, o->sent_ms);
    case PEXPIRE:
    case PERSIST:
        if (r->integer == 1)
            s->gone_by_ms = o->kind == PERSIST ? INT64_MAX : clock_wall_ms() + o->ttl_ms;
        return r->type == REDIS_REPLY_INTEGER;
    case DEL:
    case HDEL:
    case GETDEL:
        ok = o->kind == GETDEL ? check_value(p, o, r) : r->type == REDIS_REPLY_INTEGER;
        soak_wrote(s, 0, INT64_MAX);
        return ok;
    case GET:
    case GETRANGE:
    case HGET:
        return check_value(p, o, r);
    default:
        return check_write(p, o, r);
    }
}

/* The connection ended before its reply came. */
static void unknown(struct soak_client *p, const struct op *o)
{
    struct soak_slot *s = &p->slot[o->key];
    if (o->kind <= SET_XX || o->kind == HSET)
        soak_may_have_written(s, o->seed);
    else if (o->kind == RENAME || o->kind == COPY)
        p->slot[o->other] = (struct soak_slot){.any = true, .gone_by_ms = INT64_MAX};
    else if (o->kind == PERSIST || o->kind == PEXPIRE)
        s->gone_by_ms = INT64_MAX;
}

static void complain(struct soak_client *p, const struct op *o, const redisReply *r)
{
    const struct soak_slot *s = &p->slot[o->key];
    (void)fprintf(
        stderr,
        "client %u: command %d on key %u: reply of type %d, %lld, length %zu: %.60s; known: "
        "seeds %llx (%zu) %llx (%zu), %lld ms to live when sent\n",
        p->id, (int)o->kind, o->key, r->type, r->integer, r->len, r->str == NULL ? "" : r->str,
        (unsigned long long)s->seed[0], soak_length(s->seed[0]), (unsigned long long)s->seed[1],
        soak_length(s->seed[1]), (long long)(s->gone_by_ms - o->sent_ms));
    p->broken++;
}

/* ---- the connection ---- */

static redisContext *reconnect(struct soak_client *p, redisContext *c)
{
    if (c != NULL) {
        redisFree(c);
        p->reconnects++;
    }
    c = redisConnect("127.0.0.1", p->server->port);
    if (c != NULL && c->err == 0)
        redisSetTimeout(c, (struct timeval){.tv_sec = 60});
    return c;
}

static size_t reply_bytes(const struct soak_client *p, const struct op *o)
{
    const struct soak_slot *s = &p->slot[o->key];
    if (o->kind == GETRANGE)
        return o->most;
    return o->kind == GET || o->kind == GETDEL ? soak_length(s->seed[0]) + soak_length(s->seed[1])
                                               : 100;
}

static bool is_timeout(const redisContext *c)
{
    return c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* False when the connection has ended. */
static bool round_of(struct soak_client *p, redisContext *c)
{
    struct op op[PIPELINE];
    unsigned n = 0, most = 1 + (unsigned)draw(p, PIPELINE);
    bool alive = true;
    for (size_t bytes = 0; n < most && bytes < REPLIES_MOST; n++) {
        op[n] = append_one(p, c);
        bytes += reply_bytes(p, &op[n]);
    }
    for (unsigned i = 0; i < n; i++) {
        redisReply *r = NULL;
        alive = alive && redisGetReply(c, (void **)&r) == REDIS_OK;
        if (!alive && is_timeout(c))
            complain(p, &op[i], &(redisReply){.str = "no reply"});
        if (!alive)
            unknown(p, &op[i]);
        else if (!check(p, &op[i], r))
            complain(p, &op[i], r);
        freeReplyObject(r);
    }
    return alive;
}

void *soak_client_run(void *arg)
{
    struct soak_client *p = arg;
    for (unsigned i = 0; i < sizeof p->slot / sizeof p->slot[0]; i++)
        soak_wrote(&p->slot[i], 0, INT64_MAX);
    redisContext *c = reconnect(p, NULL);
    while (!atomic_load(p->stop) && p->broken == 0 && c != NULL && c->err == 0)
        if (!round_of(p, c))
            c = reconnect(p, c);
    if (c == NULL || c->err != 0) {
        (void)fprintf(stderr, "client %u: cannot connect\n", p->id);
        p->broken++;
    }
    if (c != NULL)
        redisFree(c);
    return NULL;
}
