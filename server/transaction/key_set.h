/* The keys that several commands touch together, and locking them, so that the commands are one
 * step for all others. Where the arguments do not tell which keys a command touches, the whole
 * cache is locked. */
#ifndef SERVER_KEY_SET_H
#define SERVER_KEY_SET_H

#include "command.h"

/* Whether a command looks at no key and changes nothing but what belongs to its client or to
 * channels. */
bool command_is_apart(const struct command *c);

struct key_set {
    struct cache_key *keys;
    size_t count, cap;
    bool whole; /* more than these keys */
};

/* Adds the keys that a command touches. False without memory. */
bool key_set_add(struct key_set *set, struct request *rq, const struct command *c, size_t argc,
                 const struct resp_arg *argv);
/* Adds n arguments of the request. False without memory. */
bool key_set_add_arguments(struct key_set *set, struct request *rq, size_t first, size_t n);
/* Locks them, or the whole cache. False without memory. */
bool key_set_lock(struct key_set *set, struct cache_thread *t);
void key_set_unlock(struct key_set *set, struct cache_thread *t);
void key_set_free(struct key_set *set);

#endif
