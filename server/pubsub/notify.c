#include "notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options/option.h"
#include "pubsub.h"
#include "server.h"

enum {
    TO_KEYSPACE = 1 << 0,
    TO_KEYEVENT = 1 << 1,
    ON_GENERIC = 1 << 2,
    ON_STRING = 1 << 3,
    ON_LIST = 1 << 4,
    ON_SET = 1 << 5,
    ON_HASH = 1 << 6,
    ON_ZSET = 1 << 7,
    ON_EXPIRED = 1 << 8,
    ON_EVICTED = 1 << 9,
    ON_STREAM = 1 << 10,
    ON_MODULE = 1 << 11,
    ON_NEW = 1 << 12,
    ON_MISS = 1 << 13,
    ON_ALL = ON_GENERIC | ON_STRING | ON_LIST | ON_SET | ON_HASH | ON_ZSET | ON_EXPIRED |
             ON_EVICTED | ON_STREAM | ON_MODULE,
};

const struct option options_notify[] = {
    {.name = "notify-keyspace-events",
     .kind = OPTION_EVENTS,
     .at = offsetof(struct settings, notify),
     .preset = "",
     .summary = "events of keys that are published: K and E for the two kinds of channels, then "
                "g generic, $ strings, h hashes, x expired, e evicted, n new, m missed, A for all "
                "but n and m"},
    {.name = NULL},
};

/* ---- the option ---- */

static const struct {
    char letter;
    int class;
} classes_of[] = {
    {'g', ON_GENERIC}, {'$', ON_STRING},   {'l', ON_LIST},     {'s', ON_SET},    {'h', ON_HASH},
    {'z', ON_ZSET},    {'x', ON_EXPIRED},  {'e', ON_EVICTED},  {'t', ON_STREAM}, {'d', ON_MODULE},
    {'n', ON_NEW},     {'K', TO_KEYSPACE}, {'E', TO_KEYEVENT}, {'m', ON_MISS},
};

#define LETTERS (sizeof classes_of / sizeof classes_of[0])

bool notify_parse(const char *letters, int64_t *classes)
{
    *classes = 0;
    for (; *letters != '\0'; letters++) {
        size_t i = 0;
        while (i < LETTERS && classes_of[i].letter != *letters)
            i++;
        if (i < LETTERS)
            *classes |= classes_of[i].class;
        else if (*letters == 'A')
            *classes |= ON_ALL;
        else
            return false;
    }
    return true;
}

void notify_print(int64_t classes, char *text, size_t cap)
{
    bool all = (classes & ON_ALL) == ON_ALL;
    size_t at = 0;
    if (all && cap > 1)
        text[at++] = 'A';
    for (size_t i = 0; i < LETTERS && at + 1 < cap; i++) {
        int class = classes_of[i].class;
        /* Redis hides n beside A. */
        bool hidden = all && (class & (ON_ALL | ON_NEW)) != 0;
        if (classes & class && !hidden)
            text[at++] = classes_of[i].letter;
    }
    text[at] = '\0';
}

unsigned notify_hooks(const struct server *s)
{
    int64_t classes = setting_get(&s->settings.notify);
    if (!(classes & (TO_KEYSPACE | TO_KEYEVENT)) || !(classes & (ON_ALL | ON_NEW | ON_MISS)))
        return 0;
    return HOOK_EVENTS | (classes & ON_NEW ? HOOK_NEW : 0u) |
           (classes & ON_MISS ? HOOK_MISSED : 0u);
}

/* ---- publishing ---- */

/* By Redis's names. */
static int class_of(const char *event)
{
    static const struct {
        const char *event;
        int class;
    } known[] = {
        {"set", ON_STRING},        {"append", ON_STRING},
        {"setrange", ON_STRING},   {"setbit", ON_STRING},
        {"incrby", ON_STRING},     {"expired", ON_EXPIRED},
        {"evicted", ON_EVICTED},   {"new", ON_NEW},
        {"keymiss", ON_MISS},      {"hset", ON_HASH},
        {"hdel", ON_HASH},         {"hincrby", ON_HASH},
        {"hincrbyfloat", ON_HASH}, {"incrbyfloat", ON_STRING},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(event, known[i].event) == 0)
            return known[i].class;
    return ON_GENERIC;
}

static void publish(struct server *s, struct client *from, const char *kind, unsigned db,
                    const char *about, size_t about_len, const char *message, size_t len)
{
    char few[256];
    size_t cap = about_len + 32, reached;
    char *name = cap <= sizeof few ? few : malloc(cap);
    if (name == NULL)
        return;
    size_t at = (size_t)snprintf(name, cap, "__%s@%u__:", kind, db);
    memcpy(name + at, about, about_len);
    struct resp_arg arg = {.ptr = message, .len = len};
    (void)pubsub_publish(s, from, TOPIC_CHANNEL, name, at + about_len, &arg, &reached);
    if (name != few)
        free(name);
}

void notify_event(struct server *s, struct client *from, const char *event, unsigned db,
                  const void *key, size_t len)
{
    int64_t classes = setting_get(&s->settings.notify);
    if (!(classes & class_of(event)) ||
        fanout_topics(&s->fanout, TOPIC_CHANNEL) + fanout_topics(&s->fanout, TOPIC_PATTERN) == 0)
        return;
    size_t event_len = strlen(event);
    if (classes & TO_KEYSPACE)
        publish(s, from, "keyspace", db, key, len, event, event_len);
    if (classes & TO_KEYEVENT)
        publish(s, from, "keyevent", db, event, event_len, key, len);
}

void notify_missed(struct request *rq, const struct cache_key *key)
{
    if (rq->command->flags & CMD_READONLY)
        notify_event(rq->server, rq->client, "keymiss", key->db, key->ptr, key->len);
}

/* ---- new keys ---- */

/* The same key in two databases has two of these. The lowest bit says that it is still absent. */
static uint64_t hash_of(const struct cache_key *key)
{
    return (key->hash + key->db * 0x9E3779B97F4A7C15u) | 1;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a | 1, y = *(const uint64_t *)b | 1;
    return (x > y) - (x < y);
}

static void remember_absent(struct request *rq, const struct cache_key *key)
{
    struct absent_keys *absent = &rq->worker->absent;
    struct cache_view view;
    if (cache_get(rq->cache, key, 0, &view) == CACHE_OK) {
        cache_view_end(rq->cache, &view);
        return;
    }
    if (absent->count == absent->cap) {
        size_t cap = absent->cap == 0 ? 16 : absent->cap * 2;
        uint64_t *hashes = realloc(absent->hashes, cap * sizeof *hashes);
        if (hashes == NULL)
            return;
        absent->hashes = hashes;
        absent->cap = cap;
    }
    absent->hashes[absent->count++] = hash_of(key);
}

void notify_before(struct request *rq)
{
    struct absent_keys *absent = &rq->worker->absent;
    absent->count = 0;
    if (absent->cap > 1024) {
        free(absent->hashes);
        *absent = (struct absent_keys){0};
    }
    (void)hooks_each_key(rq, remember_absent);
    if (absent->count > 1)
        qsort(absent->hashes, absent->count, sizeof *absent->hashes, compare);
}

/* Once for each key. */
static bool was_absent(struct absent_keys *absent, const struct cache_key *key)
{
    uint64_t hash = hash_of(key);
    uint64_t *found = absent->count == 0
                          ? NULL
                          : bsearch(&hash, absent->hashes, absent->count, sizeof hash, compare);
    bool was = found != NULL && *found & 1;
    if (was)
        *found &= ~(uint64_t)1;
    return was;
}

void notify_touched(struct request *rq, const struct cache_key *key, const char *event)
{
    if (hooks_wanted(&rq->server->hooks) & HOOK_NEW && was_absent(&rq->worker->absent, key))
        notify_event(rq->server, rq->client, "new", key->db, key->ptr, key->len);
    notify_event(rq->server, rq->client, event, key->db, key->ptr, key->len);
}
