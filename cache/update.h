/* Items that are being updated. */
#ifndef CACHE_UPDATE_H
#define CACHE_UPDATE_H

#include "find.h"

/* Pins the item of an update once more. False when it is absent. */
bool update_open(struct cache_thread *t, struct cache_update *u, struct found *f);
void update_close(struct cache_thread *t, struct cache_update *u, struct found *f);

#endif
