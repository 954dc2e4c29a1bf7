/* Choosing a dictionary for a value, sampling it, and noticing when results get worse. */
#include "learner_state.h"

#include <stdlib.h>

/* A family collects again when it has met LEARNER_GROWTH times the bytes of its last training, or
 * when this many raw bytes were coded ... */
#define DRIFT_WINDOW ((uint64_t)1 << 20)
/* ... to more than this many percent of what its dictionary did when it was new. */
#define DRIFT_PERCENT 115

/* Others may wait for a first dictionary, when a family has this many samples ... */
#define WORTH_WAITING 64
/* ... for this long. */
#define WAIT_MS 3000

/* After so many failures in a row, only one value in SKIP is tried until one shrinks. */
#define HOPELESS 64
#define SKIP     255

#define SAMPLES_LEAST ((size_t)256 << 10)
#define SAMPLES_MOST  ((size_t)4 << 20)

struct learner *learner_create(uint64_t seed, unsigned lock_rank)
{
    struct learner *l = calloc(1, sizeof *l);
    struct family_table *table = family_table_create();
    if (l == NULL || table == NULL) {
        free(l);
        family_table_destroy(table);
        return NULL;
    }
    lock_init(&l->lock, lock_rank);
    l->seed = seed;
    l->table = table;
    l->budget = SAMPLES_MOST;
    return l;
}

void learner_destroy(struct learner *l)
{
    if (l == NULL)
        return;
    for (unsigned i = 0; i < FAMILY_MAX; i++) {
        reservoir_destroy(l->family[i].samples);
        free(l->family[i].shape);
    }
    for (unsigned i = 1; i < LEARNER_DICTS; i++)
        codec_dict_destroy(atomic_load(&l->dicts[i].dict));
    family_table_destroy(l->table);
    free(l);
}

void learner_set_budget(struct learner *l, size_t bytes)
{
    atomic_store(&l->budget, bytes);
}

/* Prepared forms are made when first needed, so their bytes are summed anew each time. */
size_t learner_dict_bytes(const struct learner *l, enum dict_state state, unsigned but)
{
    size_t bytes = 0;
    for (unsigned i = 1; i < LEARNER_DICTS; i++) {
        if (i == but || atomic_load_explicit(&l->dicts[i].state, memory_order_relaxed) != state)
            continue;
        const struct codec_dict *d = atomic_load_explicit(&l->dicts[i].dict, memory_order_acquire);
        bytes += d == NULL ? 0 : codec_dict_bytes(d);
    }
    return bytes;
}

size_t learner_bytes(const struct learner *l)
{
    return sizeof *l + atomic_load_explicit(&l->sample_bytes, memory_order_relaxed) +
           learner_dict_bytes(l, DICT_CURRENT, 0) + learner_dict_bytes(l, DICT_RETIRED, 0);
}

unsigned learner_count(const struct learner *l)
{
    unsigned n = 0;
    for (unsigned i = 1; i < LEARNER_DICTS; i++)
        n += atomic_load_explicit(&l->dicts[i].state, memory_order_relaxed) != DICT_FREE;
    return n;
}

uint64_t learner_trainings(const struct learner *l)
{
    return atomic_load_explicit(&l->trainings, memory_order_relaxed);
}

/* ---- the two states of a family ---- */

static bool is_first(const struct learned_family *f)
{
    return f->trained_bytes == 0;
}

void learner_rest_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    if (f->samples == NULL)
        return;
    atomic_fetch_sub(&l->sample_bytes, reservoir_bytes(f->samples));
    reservoir_destroy(f->samples);
    f->samples = NULL;
    atomic_fetch_sub(&l->sample_bytes, f->shape != NULL ? sizeof *f->shape : 0);
    free(f->shape);
    f->shape = NULL;
    f->asked = false;
}

void learner_collect_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    if (f->samples != NULL)
        return;
    size_t most = l->budget / 2;
    if (most > SAMPLES_MOST)
        most = SAMPLES_MOST;
    size_t taken = atomic_load(&l->sample_bytes);
    size_t left = taken < l->budget ? l->budget - taken : 0;
    if (most > left)
        most = left;
    if (most < SAMPLES_LEAST && (taken > 0 || family != FAMILY_SHARED))
        return; /* later, when others have done */
    f->samples = reservoir_create(most < SAMPLES_LEAST ? SAMPLES_LEAST : most,
                                  l->seed ^ (family * 0x9e3779b97f4a7c15u));
    if (f->samples == NULL)
        return;
    atomic_fetch_add(&l->sample_bytes, reservoir_bytes(f->samples));
    f->shape = calloc(1, sizeof *f->shape);
    atomic_fetch_add(&l->sample_bytes, f->shape != NULL ? sizeof *f->shape : 0);
    f->since_ms = 0;
    f->gathered = 0;
    l->gather = true;
}

/* The place was given to another pattern: nothing that is known is about it. */
static void forget_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    learner_rest_locked(l, family);
    f->place_generation = family_generation(l->table, family);
    f->trained_bytes = 0;
    f->generation = 0;
    f->raw = f->stored = 0;
    f->failures[0] = f->failures[1] = f->skip[0] = f->skip[1] = 0;
    f->reference = 0;
}

void learner_retire_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    unsigned id = atomic_load(&f->current);
    if (id == 0)
        return;
    atomic_store(&l->dicts[id].state, DICT_RETIRED);
    atomic_store(&f->current, 0);
    f->reference = 0;
    family_keep(l->table, family, family == FAMILY_SHARED);
}

/* ---- encoding ---- */

static void watch_growth_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    if (f->samples != NULL)
        return;
    uint64_t met = family_bytes(l->table, family);
    if (is_first(f) || met / LEARNER_GROWTH >= f->trained_bytes)
        learner_collect_locked(l, family);
}

void learner_choose(struct learner *l, const void *key, size_t len, size_t raw_len, bool close,
                    struct learner_choice *out)
{
    lock_acquire(&l->lock);
    unsigned family = family_meet(l->table, key, len, raw_len);
    struct learned_family *f = &l->family[family];
    if (f->place_generation != family_generation(l->table, family))
        forget_locked(l, family);
    watch_growth_locked(l, family);
    unsigned id = atomic_load(&f->current);
    /* A family without a dictionary of its own uses the common one. */
    if (id == 0)
        id = atomic_load(&l->family[FAMILY_SHARED].current);
    out->family = family;
    out->id = id;
    out->dict = learner_dict(l, id);
    out->close = close;
    out->promising = f->skip[close] == 0;
    if (f->skip[close] > 0)
        f->skip[close]--;
    /* What is met in the index as well would be twice among the samples. */
    bool stream = f->samples != NULL && !l->gathering && f->gathered == 0;
    out->wanted = stream && reservoir_wants(f->samples, raw_len);
    if (f->shape != NULL)
        key_shape_meet(f->shape, (struct key_text){key, len});
    lock_release(&l->lock);
}

void learner_sample(struct learner *l, const struct learner_choice *choice, const void *value,
                    size_t len, int64_t now_ms)
{
    lock_acquire(&l->lock);
    struct learned_family *f = &l->family[choice->family];
    if (f->samples != NULL) {
        size_t before = reservoir_bytes(f->samples);
        reservoir_put(f->samples, value, len);
        atomic_fetch_add(&l->sample_bytes, reservoir_bytes(f->samples) - before);
        if (f->since_ms == 0)
            f->since_ms = now_ms;
    }
    lock_release(&l->lock);
}

void learner_coded(struct learner *l, const struct learner_choice *choice, size_t raw,
                   size_t stored)
{
    lock_acquire(&l->lock);
    struct learned_family *f = &l->family[choice->family];
    bool close = choice->close;
    f->raw += close ? raw : 0;
    f->stored += close ? stored : 0;
    if (choice->promising) {
        f->failures[close] = stored < raw ? 0 : f->failures[close] + 1;
        f->skip[close] = f->failures[close] >= HOPELESS ? SKIP : 0;
    }
    if (f->raw >= DRIFT_WINDOW) {
        double now = (double)f->stored / (double)f->raw;
        f->raw = f->stored = 0;
        if (f->reference > 0 && now * 100 > f->reference * DRIFT_PERCENT)
            learner_collect_locked(l, choice->family);
    }
    lock_release(&l->lock);
}

/* ---- samples from all that is held ---- */

bool learner_gather_begin(struct learner *l)
{
    lock_acquire(&l->lock);
    bool begin = l->gather;
    l->gather = false;
    l->gathering = begin;
    l->part = 0;
    for (unsigned i = 0; begin && i < FAMILY_MAX; i++) {
        struct learned_family *f = &l->family[i];
        f->gathered = 0;
        if (f->samples == NULL)
            continue;
        atomic_fetch_sub(&l->sample_bytes, reservoir_bytes(f->samples));
        reservoir_clear(f->samples);
        atomic_fetch_add(&l->sample_bytes, reservoir_bytes(f->samples));
    }
    lock_release(&l->lock);
    return begin;
}

bool learner_gather_wants(struct learner *l, const void *key, size_t key_len, size_t len,
                          size_t bytes, struct learner_choice *out)
{
    lock_acquire(&l->lock);
    unsigned family = family_find(l->table, key, key_len);
    struct learned_family *f = &l->family[family];
    f->gathered += bytes;
    *out = (struct learner_choice){.family = family, .wanted = false};
    if (f->samples != NULL)
        out->wanted = reservoir_wants(f->samples, len);
    if (f->shape != NULL)
        key_shape_meet(f->shape, (struct key_text){key, key_len});
    lock_release(&l->lock);
    return out->wanted;
}

/* When all there is does not suffice for a training, there will be another try when the family has
 * met twice as much. */
static void give_up_locked(struct learner *l, unsigned family)
{
    struct learned_family *f = &l->family[family];
    if (f->samples == NULL || (reservoir_count(f->samples) >= LEARNER_LEAST_VALUES &&
                               reservoir_held(f->samples) >= LEARNER_LEAST_BYTES))
        return;
    uint64_t again = family_bytes(l->table, family) * 2 / LEARNER_GROWTH;
    learner_rest_locked(l, family);
    if (f->trained_bytes < again || f->trained_bytes == 0)
        f->trained_bytes = again > 0 ? again : 1;
}

bool learner_gather_part(struct learner *l, double part)
{
    bool full = true;
    lock_acquire(&l->lock);
    l->part = part;
    for (unsigned i = 0; i < FAMILY_MAX && full; i++)
        full = l->family[i].samples == NULL || reservoir_is_full(l->family[i].samples);
    if (full || part >= 1)
        l->gathering = false;
    for (unsigned i = 0; i < FAMILY_MAX && !l->gathering; i++)
        give_up_locked(l, i);
    lock_release(&l->lock);
    return full;
}

/* ---- by id ---- */

const struct codec_dict *learner_dict(const struct learner *l, unsigned id)
{
    return atomic_load_explicit(&l->dicts[id].dict, memory_order_acquire);
}

uint32_t learner_dict_mark(const struct learner *l, unsigned id)
{
    return l->dicts[id].mark;
}

const struct key_frame *learner_keys(const struct learner *l, unsigned id)
{
    return id == 0 ? NULL : &l->dicts[id].keys;
}

bool learner_is_retired(const struct learner *l, unsigned id)
{
    return atomic_load_explicit(&l->dicts[id].state, memory_order_relaxed) == DICT_RETIRED;
}

unsigned learner_current(struct learner *l, const void *key, size_t len)
{
    lock_acquire(&l->lock);
    unsigned family = family_find(l->table, key, len);
    unsigned id = atomic_load(&l->family[family].current);
    if (id == 0)
        id = atomic_load(&l->family[FAMILY_SHARED].current);
    lock_release(&l->lock);
    return id;
}

bool learner_fit(struct learner *l, const struct learner_items counts[LEARNER_DICTS])
{
    unsigned least = 0;
    int64_t least_saved = INT64_MAX;
    lock_acquire(&l->lock);
    bool over = learner_dict_bytes(l, DICT_CURRENT, 0) > l->budget;
    for (unsigned i = 1; over && i < LEARNER_DICTS; i++) {
        int64_t saved = counts[i].raw - counts[i].stored;
        if (atomic_load(&l->dicts[i].state) != DICT_CURRENT || saved >= least_saved)
            continue;
        least = i;
        least_saved = saved;
    }
    if (least != 0)
        learner_retire_locked(l, l->dicts[least].family);
    lock_release(&l->lock);
    return over;
}

bool learner_is_over(const struct learner *l)
{
    return learner_dict_bytes(l, DICT_CURRENT, 0) >
           atomic_load_explicit(&l->budget, memory_order_relaxed);
}

void learner_hurry(struct learner *l)
{
    lock_acquire(&l->lock);
    for (unsigned i = 0; i < FAMILY_MAX; i++) {
        struct learned_family *f = &l->family[i];
        if (f->samples != NULL && reservoir_held(f->samples) >= SAMPLES_LEAST)
            f->asked = true;
    }
    lock_release(&l->lock);
}

bool learner_is_waiting(struct learner *l, int64_t now_ms)
{
    bool waiting = false;
    lock_acquire(&l->lock);
    for (unsigned i = 0; i < FAMILY_MAX && !waiting; i++) {
        const struct learned_family *f = &l->family[i];
        waiting = f->samples != NULL && is_first(f) &&
                  reservoir_count(f->samples) >= WORTH_WAITING && now_ms - f->since_ms < WAIT_MS;
    }
    lock_release(&l->lock);
    return waiting;
}
