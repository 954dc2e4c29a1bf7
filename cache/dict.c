/* Trained dictionaries as the server sees them, and letting go of those nobody uses any more. */
#include <stdlib.h>

#include "internal.h"

size_t cache_dict_list(struct cache *cache, struct cache_dict_info *out, size_t n, int64_t now_ms)
{
    struct learner_items counts[LEARNER_DICTS];
    for (unsigned i = 0; i < LEARNER_DICTS; i++)
        counts[i] = (struct learner_items){counter_sum(cache, N_DICT_ITEMS + i),
                                           counter_sum(cache, N_DICT_RAW + i),
                                           counter_sum(cache, N_DICT_STORED + i)};
    return learner_list(cache->learner, counts, out, n, now_ms);
}

bool cache_dict_train(struct cache *cache, const char *family, size_t len)
{
    return learner_ask(cache->learner, family, len);
}

bool cache_dict_drop(struct cache *cache, const char *family, size_t len)
{
    return learner_drop(cache->learner, family, len);
}

/* An item may be counted down before another is counted up, so the world is stopped for the last
 * look. */
void dict_release(struct cache_thread *t)
{
    struct cache *c = t->cache;
    uint8_t retired[LEARNER_DICTS];
    unsigned n = learner_retired(c->learner, retired);
    bool any = false;
    for (unsigned i = 0; i < n && !any; i++)
        any = counter_sum(c, N_DICT_ITEMS + retired[i]) == 0;
    if (!any)
        return;
    cache_world_lock(t);
    for (unsigned i = 0; i < n; i++)
        if (counter_sum(c, N_DICT_ITEMS + retired[i]) == 0)
            learner_free(c->learner, retired[i]);
    cache_world_unlock(t);
}
