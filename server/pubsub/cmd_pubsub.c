/* Subscribing, publishing and PUBSUB. */
#include <stdlib.h>
#include <string.h>

#include "commands/glob.h"
#include "commands/name_list.h"
#include "pubsub.h"
#include "server.h"

/* Argument i as the name of a channel. Replies the error and returns NULL when it is too long. */
static const char *channel_argument(struct request *rq, size_t i, size_t *len)
{
    *len = rq->argv[i].len;
    if (*len > CHANNEL_MAX) {
        resp_error(rq->out, "ERR channel name is too long");
        return NULL;
    }
    return request_flat(rq, i, len);
}

/* ---- subscribing ---- */

static void reply_subscription(struct request *rq, enum topic_kind kind, const char *word,
                               const char *name, size_t len)
{
    resp_push(rq->out, 3);
    resp_bulk(rq->out, word, strlen(word));
    if (name == NULL)
        resp_null(rq->out);
    else
        resp_bulk(rq->out, name, len);
    resp_integer(rq->out,
                 pubsub_subscribed(rq->client, kind == TOPIC_PATTERN ? TOPIC_CHANNEL : kind));
}

static void subscribe(struct request *rq, enum topic_kind kind, const char *word)
{
    rq->client->pushed = rq->client->reply != REPLY_ON;
    for (size_t i = 1; i < rq->argc; i++) {
        size_t len;
        const char *name = channel_argument(rq, i, &len);
        if (name == NULL)
            continue;
        if (fanout_add(&rq->server->fanout, rq->client, kind, name, len) == FANOUT_NOMEM)
            reply_oom(rq);
        else
            reply_subscription(rq, kind, word, name, len);
    }
    pubsub_update(rq->client);
}

static void unsubscribe_all(struct request *rq, enum topic_kind kind, const char *word)
{
    struct client *c = rq->client;
    if (c->subscriptions[kind] == NULL)
        reply_subscription(rq, kind, word, NULL, 0);
    while (c->subscriptions[kind] != NULL) {
        char few[256];
        const struct topic *t = c->subscriptions[kind]->topic;
        size_t len = t->len;
        /* The name goes away with the last of its subscribers. */
        char *name = len <= sizeof few ? few : malloc(len);
        if (name == NULL) {
            rq->out->failed = true;
            return;
        }
        memcpy(name, t->name, len);
        (void)fanout_remove(&rq->server->fanout, c, kind, name, len);
        reply_subscription(rq, kind, word, name, len);
        if (name != few)
            free(name);
    }
}

static void unsubscribe(struct request *rq, enum topic_kind kind, const char *word)
{
    rq->client->pushed = rq->client->reply != REPLY_ON;
    if (rq->argc == 1)
        unsubscribe_all(rq, kind, word);
    for (size_t i = 1; i < rq->argc; i++) {
        size_t len;
        const char *name = channel_argument(rq, i, &len);
        if (name == NULL)
            continue;
        (void)fanout_remove(&rq->server->fanout, rq->client, kind, name, len);
        reply_subscription(rq, kind, word, name, len);
    }
    pubsub_update(rq->client);
}

static void subscribe_command(struct request *rq)
{
    subscribe(rq, TOPIC_CHANNEL, "subscribe");
}

static void psubscribe_command(struct request *rq)
{
    subscribe(rq, TOPIC_PATTERN, "psubscribe");
}

static void ssubscribe_command(struct request *rq)
{
    subscribe(rq, TOPIC_SHARD, "ssubscribe");
}

static void unsubscribe_command(struct request *rq)
{
    unsubscribe(rq, TOPIC_CHANNEL, "unsubscribe");
}

static void punsubscribe_command(struct request *rq)
{
    unsubscribe(rq, TOPIC_PATTERN, "punsubscribe");
}

static void sunsubscribe_command(struct request *rq)
{
    unsubscribe(rq, TOPIC_SHARD, "sunsubscribe");
}

/* ---- publishing ---- */

static void publish(struct request *rq, enum topic_kind kind)
{
    size_t len, reached;
    const char *name = channel_argument(rq, 1, &len);
    if (name == NULL)
        return;
    if (pubsub_publish(rq->server, rq->client, kind, name, len, &rq->argv[2], &reached))
        resp_integer(rq->out, (int64_t)reached);
    else
        reply_oom(rq);
}

static void publish_command(struct request *rq)
{
    publish(rq, TOPIC_CHANNEL);
}

static void spublish_command(struct request *rq)
{
    publish(rq, TOPIC_SHARD);
}

/* ---- PUBSUB ---- */

struct filter {
    const char *pattern; /* NULL = all */
    size_t len;
    struct name_list names;
};

static void add_name(void *arg, const char *name, size_t len)
{
    struct filter *f = arg;
    if (f->pattern == NULL || glob_match(f->pattern, f->len, name, len, false))
        name_list_add(&f->names, name, len);
}

static void list_topics(struct request *rq, enum topic_kind kind)
{
    struct filter f = {.names = {.cache = rq->server->cache}};
    if (rq->argc > 3) {
        resp_errorf(rq->out,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try PUBSUB "
                    "HELP.",
                    (int)rq->argv[1].len, rq->argv[1].ptr);
        return;
    }
    if (rq->argc == 3 && (f.pattern = request_flat(rq, 2, &f.len)) == NULL)
        return;
    fanout_each(&rq->server->fanout, kind, add_name, &f);
    if (f.names.failed) {
        reply_oom(rq);
    } else {
        const char *name;
        size_t len;
        resp_array(rq->out, f.names.count);
        while (reply_goes_on(rq) && name_list_take(&f.names, &name, &len))
            resp_bulk(rq->out, name, len);
    }
    name_list_free(&f.names);
}

static void count_subscribers(struct request *rq, enum topic_kind kind)
{
    /* The whole reply or an error: the names are made flat first. */
    for (size_t i = 2; i < rq->argc; i++) {
        size_t len;
        if (request_flat(rq, i, &len) == NULL)
            return;
    }
    resp_array(rq->out, 2 * (rq->argc - 2));
    for (size_t i = 2; i < rq->argc; i++) {
        size_t len;
        const char *name = request_flat(rq, i, &len);
        resp_bulk(rq->out, name, len);
        resp_integer(rq->out, (int64_t)fanout_subscribers(&rq->server->fanout, kind, name, len));
    }
}

static void pubsub_channels(struct request *rq)
{
    list_topics(rq, TOPIC_CHANNEL);
}

static void pubsub_shardchannels(struct request *rq)
{
    list_topics(rq, TOPIC_SHARD);
}

static void pubsub_numsub(struct request *rq)
{
    count_subscribers(rq, TOPIC_CHANNEL);
}

static void pubsub_shardnumsub(struct request *rq)
{
    count_subscribers(rq, TOPIC_SHARD);
}

static void pubsub_numpat(struct request *rq)
{
    resp_integer(rq->out, (int64_t)fanout_topics(&rq->server->fanout, TOPIC_PATTERN));
}

static const char *const help_lines[] = {
    "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
    NULL,
};

static void pubsub_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

#define SUBCOMMAND .group = GROUP_PUBSUB, .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE

static const struct command subcommands[] = {
    {.name = "channels",
     .fn = pubsub_channels,
     .arity = -2,
     SUBCOMMAND,
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of active channels",
     .summary = "Returns the active channels.",
     .args = "[pattern]"},
    {.name = "help",
     .fn = pubsub_help,
     .arity = 2,
     .group = GROUP_PUBSUB,
     .flags = CMD_LOADING | CMD_STALE,
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns helpful text about the different subcommands.",
     .args = ""},
    {.name = "numpat",
     .fn = pubsub_numpat,
     .arity = 2,
     SUBCOMMAND,
     .since = "2.8.0",
     .complexity = "O(1)",
     .summary = "Returns a count of unique pattern subscriptions.",
     .args = ""},
    {.name = "numsub",
     .fn = pubsub_numsub,
     .arity = -2,
     SUBCOMMAND,
     .since = "2.8.0",
     .complexity = "O(N) where N is the number of requested channels",
     .summary = "Returns a count of subscribers to channels.",
     .args = "[channel ...]"},
    {.name = "shardchannels",
     .fn = pubsub_shardchannels,
     .arity = -2,
     SUBCOMMAND,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of active shard channels",
     .summary = "Returns the active shard channels.",
     .args = "[pattern]"},
    {.name = "shardnumsub",
     .fn = pubsub_shardnumsub,
     .arity = -2,
     SUBCOMMAND,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of requested shard channels",
     .summary = "Returns the count of subscribers of shard channels.",
     .args = "[shardchannel ...]"},
    {.name = NULL},
};

#define SUBSCRIBING                                                                                \
    .group = GROUP_PUBSUB,                                                                         \
    .flags = CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SUBSCRIBED
#define PUBLISHING                                                                                 \
    .group = GROUP_PUBSUB,                                                                         \
    .flags = CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE,                  \
    .complexity = "O(N+M) where N is the number of subscribers and M the number of patterns"
#define SHARD_DIFFERS                                                                              \
    .differs = "There is no cluster: shard channels are channels with names of their own."

const struct command commands_pubsub[] = {
    {.name = "subscribe",
     .fn = subscribe_command,
     .arity = -2,
     SUBSCRIBING,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels to subscribe to.",
     .summary = "Listens for messages published to channels.",
     .args = "channel [channel ...]"},
    {.name = "unsubscribe",
     .fn = unsubscribe_command,
     .arity = -1,
     SUBSCRIBING,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of channels to unsubscribe.",
     .summary = "Stops listening to messages posted to channels.",
     .args = "[channel ...]"},
    {.name = "psubscribe",
     .fn = psubscribe_command,
     .arity = -2,
     SUBSCRIBING,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns to subscribe to.",
     .summary = "Listens for messages published to channels that match one or more patterns.",
     .args = "pattern [pattern ...]"},
    {.name = "punsubscribe",
     .fn = punsubscribe_command,
     .arity = -1,
     SUBSCRIBING,
     .since = "2.0.0",
     .complexity = "O(N) where N is the number of patterns to unsubscribe.",
     .summary =
         "Stops listening to messages published to channels that match one or more patterns.",
     .args = "[pattern ...]"},
    {.name = "ssubscribe",
     .fn = ssubscribe_command,
     .arity = -2,
     SUBSCRIBING,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels to subscribe to.",
     .summary = "Listens for messages published to shard channels.",
     .args = "shardchannel [shardchannel ...]",
     SHARD_DIFFERS},
    {.name = "sunsubscribe",
     .fn = sunsubscribe_command,
     .arity = -1,
     SUBSCRIBING,
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of shard channels to unsubscribe.",
     .summary = "Stops listening to messages posted to shard channels.",
     .args = "[shardchannel ...]",
     SHARD_DIFFERS},
    {.name = "publish",
     .fn = publish_command,
     .arity = 3,
     PUBLISHING,
     .since = "2.0.0",
     .summary = "Posts a message to a channel.",
     .args = "channel message"},
    {.name = "spublish",
     .fn = spublish_command,
     .arity = 3,
     PUBLISHING,
     .since = "7.0.0",
     .summary = "Posts a message to a shard channel.",
     .args = "shardchannel message",
     SHARD_DIFFERS},
    {.name = "pubsub",
     .arity = -2,
     .group = GROUP_PUBSUB,
     .subcommands = subcommands,
     .since = "2.8.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for Pub/Sub commands.",
     .args = ""},
    {.name = NULL},
};
