/* Items that are being updated: between cache_update_begin() and its end, the shard locked. */
#ifndef CACHE_UPDATE_H
#define CACHE_UPDATE_H

#include "find.h"

/* Pins the item of an update once more. False when it is absent. */
bool update_open(struct cache_thread *t, struct cache_update *u, struct found *f);
/* Ends that pin; what is to be freed after it passes to the view, which has the last one. */
void update_close(struct cache_thread *t, struct cache_update *u, struct found *f);

#endif
