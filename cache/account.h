/* What every insertion and removal changes. */
#ifndef CACHE_ACCOUNT_H
#define CACHE_ACCOUNT_H

#include "find.h"

/* Adds n bytes to a counter, or takes them away when sign is -1. */
void count_bytes(struct cache_thread *t, unsigned what, size_t n, int sign);
/* Counts an item in (sign 1) or out (-1). `s` is locked; NULL for an item of a flushed table, which
 * counts for no database any more. */
void account(struct cache_thread *t, unsigned db, struct shard *s, const struct item *it, int sign);
/* Takes the item out of its slot and frees it. The pin of f is ended. */
void drop_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f);

enum cache_gone { GONE_EXPIRED, GONE_EVICTED, GONE_DAMAGED };
/* The same, counted, and told to who listens. Returns the bytes it had: of its object, or of the
 * raw value when it is a long one. */
size_t drop_as_locked(struct cache_thread *t, unsigned db, struct shard *s, struct found *f,
                      enum cache_gone why);
/* Frees the object of f, which is in no slot any more, when its pin ends: a free under a pin costs
 * the pool much more. A long value that somebody still reads stays for the last of them. */
void found_free_locked(struct cache_thread *t, struct found *f);

#endif
