/* What handlers ask of a request. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "commands/number.h"
#include "server.h"

/* Copies of chunked arguments that live as long as the command. */
struct scratch {
    struct scratch *next;
    const struct resp_arg *arg;
    char bytes[];
};

struct cache *request_cache(const struct request *rq)
{
    return rq->server->cache;
}

const struct command_table *request_commands(const struct request *rq)
{
    return rq->server->commands;
}

enum cache_policy request_policy(const struct request *rq)
{
    return (enum cache_policy)setting_get(&rq->server->settings.policy);
}

struct hash_limits request_hash_limits(const struct request *rq)
{
    const struct settings *s = &rq->server->settings;
    return (struct hash_limits){.fields = (uint64_t)setting_get(&s->hash_fields),
                                .bytes = (uint64_t)setting_get(&s->hash_bytes)};
}

unsigned request_databases(const struct request *rq)
{
    return (unsigned)setting_get(&rq->server->settings.databases);
}

unsigned request_db(const struct request *rq)
{
    return client_db(rq->client);
}

unsigned request_touch(const struct request *rq)
{
    return rq->client->no_touch ? 0 : CACHE_GET_TOUCH;
}

bool request_give_way(struct request *rq)
{
    if (worker_give_way(rq->worker))
        return true;
    reply_busy(rq);
    return false;
}

void request_give_back(struct request *rq, size_t bytes)
{
    if (rq->client->connection != NULL)
        connection_give_back(rq->client->connection, bytes);
}

bool request_key(struct request *rq, size_t i, struct cache_key *key)
{
    const struct resp_arg *arg = &rq->argv[i];
    const struct cache_key *ready = rq->worker->ready_key;
    if (ready != NULL && ready->ptr == arg->ptr && ready->len == arg->len &&
        ready->db == client_db(rq->client)) {
        *key = *ready;
        return true;
    }
    size_t len = arg->len;
    const char *bytes = len > CACHE_MAX_KEY ? NULL : request_flat(rq, i, &len);
    if (len > CACHE_MAX_KEY) {
        resp_error(rq->out, "ERR key is too long");
        return false;
    }
    return bytes != NULL && cache_key_init(rq->cache, key, client_db(rq->client), bytes, len);
}

bool request_parse_integer(const struct request *rq, size_t i, int64_t *out)
{
    const struct resp_arg *arg = &rq->argv[i];
    return arg->ptr != NULL && number_parse_int(arg->ptr, arg->len, out);
}

bool request_integer(struct request *rq, size_t i, int64_t *out)
{
    if (request_parse_integer(rq, i, out))
        return true;
    resp_error(rq->out, "ERR value is not an integer or out of range");
    return false;
}

bool request_is(const struct request *rq, size_t i, const char *word)
{
    const struct resp_arg *arg = &rq->argv[i];
    if (arg->ptr == NULL)
        return false;
    size_t at;
    for (at = 0; at < arg->len; at++) {
        char letter = arg->ptr[at];
        if (letter >= 'A' && letter <= 'Z')
            letter = (char)(letter - 'A' + 'a');
        if (word[at] == '\0' || letter != word[at])
            return false;
    }
    return word[at] == '\0';
}

const char *request_flat(struct request *rq, size_t i, size_t *len)
{
    const struct resp_arg *arg = &rq->argv[i];
    struct worker *w = rq->worker;
    *len = arg->len;
    if (arg->ptr != NULL || arg->len == 0)
        return arg->ptr != NULL ? arg->ptr : "";
    for (struct scratch *s = w->scratch; s != NULL; s = s->next)
        if (s->arg == arg)
            return s->bytes;
    struct scratch *s =
        cache_may_charge(rq->server->cache, arg->len) ? malloc(sizeof *s + arg->len) : NULL;
    if (s == NULL) {
        reply_oom(rq);
        return NULL;
    }
    resp_arg_copy(arg, 0, arg->len, s->bytes);
    s->arg = arg;
    s->next = w->scratch;
    w->scratch = s;
    return s->bytes;
}

void request_scratch_free(struct worker *w)
{
    while (w->scratch != NULL) {
        struct scratch *s = w->scratch;
        w->scratch = s->next;
        free(s);
    }
}
