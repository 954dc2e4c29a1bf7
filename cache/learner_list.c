/* What ZDICT shows and asks for. */
#include "learner_state.h"

#include <stdio.h>

static void describe(const struct learned_dict *d, unsigned id, const struct learner_items *count,
                     int64_t now_ms, struct cache_dict_info *out)
{
    const struct codec_dict *dict = atomic_load(&d->dict);
    *out = (struct cache_dict_info){
        .id = id,
        .generation = d->generation,
        .size = codec_dict_len(dict),
        .memory = codec_dict_bytes(dict),
        .items = count->items > 0 ? (size_t)count->items : 0,
        .ratio = count->stored > 0 ? (double)count->raw / (double)count->stored : 0,
        .age_ms = now_ms - d->born_ms,
        .current = atomic_load(&d->state) == DICT_CURRENT,
    };
    snprintf(out->family, sizeof out->family, "%s", d->name);
}

size_t learner_list(struct learner *l, const struct learner_items counts[LEARNER_DICTS],
                    struct cache_dict_info *out, size_t n, int64_t now_ms)
{
    size_t found = 0;
    lock_acquire(&l->lock);
    for (unsigned i = 1; i < LEARNER_DICTS; i++) {
        if (atomic_load(&l->dicts[i].state) == DICT_FREE)
            continue;
        if (found < n)
            describe(&l->dicts[i], i, &counts[i], now_ms, &out[found]);
        found++;
    }
    lock_release(&l->lock);
    return found;
}

/* Calls fn for the family of this name, or for all. False when there is none. */
static bool each_family(struct learner *l, const char *name, size_t len,
                        void (*fn)(struct learner *l, unsigned family))
{
    lock_acquire(&l->lock);
    unsigned only = name == NULL ? FAMILY_MAX : family_named(l->table, name, len);
    bool known = name == NULL || only < FAMILY_MAX;
    for (unsigned i = 0; known && i < FAMILY_MAX; i++)
        if ((name == NULL || i == only) && family_name(l->table, i) != NULL)
            fn(l, i);
    lock_release(&l->lock);
    return known;
}

static void ask_locked(struct learner *l, unsigned family)
{
    learner_collect_locked(l, family);
    l->family[family].asked = l->family[family].samples != NULL;
}

static void drop_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    learner_rest_locked(l, family);
    learner_retire_locked(l, family);
    /* As after a training: the next comes when the family has grown, or is asked for. */
    uint64_t met = family_bytes(l->table, family);
    f->trained_bytes = met > 0 ? met : 1;
}

bool learner_ask(struct learner *l, const char *family, size_t len)
{
    return each_family(l, family, len, ask_locked);
}

bool learner_drop(struct learner *l, const char *family, size_t len)
{
    return each_family(l, family, len, drop_locked);
}
