/* Views of items, for those who have the shard locked. Others use cache_get() and
 * cache_view_end(). */
#ifndef CACHE_READ_H
#define CACHE_READ_H

#include "find.h"

/* Makes a view of a found item; the pin of f passes to it, so that f is not to be ended. */
void view_begin_locked(struct cache_thread *t, const struct cache_key *k, struct found *f,
                       struct cache_view *v);
/* Ends it, once or again. An item that proved damaged is dropped. */
void view_end_locked(struct cache_thread *t, struct shard *s, struct cache_view *v);

#endif
