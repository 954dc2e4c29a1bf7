/* Trained dictionaries as the server sees them, and letting go of those nobody uses any more. */
#include <stdlib.h>

#include "cache/cache.h"
#include "counters.h"
#include "keeper.h"
#include "learner.h"
#include "state.h"
#include "stats.h"

static void count_items(struct cache *c, struct learner_items counts[LEARNER_DICTS])
{
    for (unsigned i = 0; i < LEARNER_DICTS; i++)
        counts[i] =
            (struct learner_items){counter_sum(c, N_DICT_ITEMS + i), counter_sum(c, N_DICT_RAW + i),
                                   counter_sum(c, N_DICT_STORED + i)};
}

size_t cache_dict_list(struct cache *cache, struct cache_dict_info *out, size_t n, int64_t now_ms)
{
    struct learner_items counts[LEARNER_DICTS];
    count_items(cache, counts);
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
    struct learner_items counts[LEARNER_DICTS];
    uint8_t retired[LEARNER_DICTS];
    if (learner_is_over(c->learner)) {
        count_items(c, counts);
        learner_fit(c->learner, counts);
    }
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
