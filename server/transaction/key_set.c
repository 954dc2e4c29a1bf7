#include "key_set.h"

#include <stdlib.h>

#include "server.h"

/* Positions that are looked for without taking memory. */
#define FEW_KEYS 64
/* So many are more than it is worth: the whole cache is locked then. */
#define MOST_KEYS 16384

bool command_is_apart(const struct command *c)
{
    if (c->flags & CMD_APART)
        return true;
    switch (c->group) {
    case GROUP_CONNECTION:
        return !(c->flags & CMD_OTHER_DB); /* SELECT: the keys after it are others */
    case GROUP_PUBSUB:
    case GROUP_TRANSACTIONS:
        return true;
    default:
        return false;
    }
}

static bool make_room(struct key_set *set, size_t n)
{
    if (set->cap - set->count >= n)
        return true;
    size_t cap = set->cap * 2 + n;
    struct cache_key *grown = realloc(set->keys, cap * sizeof *grown);
    if (grown == NULL)
        return false;
    set->keys = grown;
    set->cap = cap;
    return true;
}

/* One that is too long is none: the command will refuse it. */
static void add_key(struct key_set *set, struct request *rq, const struct resp_arg *a)
{
    if (a->ptr != NULL &&
        cache_key_init(rq->cache, &set->keys[set->count], request_db(rq), a->ptr, a->len))
        set->count++;
}

static void add_positions(struct key_set *set, struct request *rq, const struct resp_arg *argv,
                          const int *pos, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_key(set, rq, &argv[pos[i]]);
}

static bool add_many(struct key_set *set, struct request *rq, const struct command *c, size_t argc,
                     const struct resp_arg *argv, int n)
{
    int *pos = malloc((size_t)n * sizeof *pos);
    bool ok = pos != NULL && make_room(set, (size_t)n);
    if (ok) {
        (void)command_key_positions(c, argc, argv, pos, n);
        add_positions(set, rq, argv, pos, (size_t)n);
    }
    free(pos);
    return ok;
}

bool key_set_add(struct key_set *set, struct request *rq, const struct command *c, size_t argc,
                 const struct resp_arg *argv)
{
    int few[FEW_KEYS];
    if (set->whole || command_is_apart(c))
        return true;
    bool unknown = c->group == GROUP_SCRIPTING || c->flags & CMD_OTHER_DB;
    int n = unknown ? 0 : command_key_positions(c, argc, argv, few, FEW_KEYS);
    if (n <= 0 || set->count + (size_t)n > MOST_KEYS) {
        set->whole = true;
        return true;
    }
    if (n > FEW_KEYS)
        return add_many(set, rq, c, argc, argv, n);
    if (!make_room(set, (size_t)n))
        return false;
    add_positions(set, rq, argv, few, (size_t)n);
    return true;
}

bool key_set_add_arguments(struct key_set *set, struct request *rq, size_t first, size_t n)
{
    if (!make_room(set, n))
        return false;
    for (size_t i = first; i < first + n; i++)
        add_key(set, rq, &rq->argv[i]);
    return true;
}

bool key_set_lock(struct key_set *set, struct cache_thread *t)
{
    if (!set->whole)
        return cache_lock_keys(t, set->keys, set->count) == CACHE_OK;
    cache_world_lock(t);
    return true;
}

void key_set_unlock(struct key_set *set, struct cache_thread *t)
{
    if (set->whole)
        cache_world_unlock(t);
    else
        cache_unlock_keys(t);
}

void key_set_free(struct key_set *set)
{
    free(set->keys);
    *set = (struct key_set){0};
}
