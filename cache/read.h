/* Views of items. */
#ifndef CACHE_READ_H
#define CACHE_READ_H

#include "find.h"

void view_begin_locked(struct cache_thread *t, const struct cache_key *k, struct found *f,
                       struct cache_view *v);
/* With the shard locked. */
void view_end_locked(struct cache_thread *t, struct shard *s, struct cache_view *v);

#endif
