/* Trainings: when one is due, whether its dictionary is worth its memory, and adopting it. */
#include "learner_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "zspool/zspool.h"

/* Enough for a training at once ... */
#define ENOUGH_BYTES ((size_t)2 << 20)
/* ... or, this long after the first sample, whatever there is, but not less than: */
#define PATIENCE_MS  1000
#define HELD_BACK    5 /* every fifth */
#define JUDGED_BYTES ((size_t)512 << 10)
#define TRAINING_MS  300

/* What a coded value takes beside its bytes: length, dictionary, checksum. */
#define CODED_COST 4

/* What a raw item takes beside key and value. */
#define ITEM_COST 3

/* A dictionary takes a part of what its family holds, and of the budget of all dictionaries; so do
 * the tables that are made for a thorough search. */
#define DICT_LEAST   ((size_t)4 << 10)
#define DICT_SHARE   32
#define BUDGET_SHARE 16
#define TABLES_SHARE 4

static bool is_due_locked(const struct learner *l, const struct learned_family *f, int64_t now_ms)
{
    if (f->samples == NULL || reservoir_count(f->samples) < LEARNER_LEAST_VALUES)
        return false;
    size_t held = reservoir_held(f->samples);
    if (held < LEARNER_LEAST_BYTES)
        return false;
    bool enough = f->asked || held >= ENOUGH_BYTES || f->gathered > 0;
    return (enough && !l->gather && !l->gathering) || now_ms - f->since_ms >= PATIENCE_MS;
}

/* What one training works on, outside the lock. */
struct training {
    unsigned family;
    unsigned place_generation;
    struct samples train, held;
    uint64_t met;   /* bytes the family has met */
    uint64_t holds; /* bytes it is expected to hold */
    const struct codec_dict *current;
    struct codec_training how;
    size_t room; /* bytes of the budget that are left */
    struct codec_dict *candidate;
    struct key_frame keys;
    struct beside {
        size_t raw, coded; /* bytes of an item beside the value */
    } beside;
    struct measured {
        size_t bytes;   /* of encoded samples held back */
        size_t objects; /* that the pool would take for them */
    } before, after;
};

static bool begin_locked(struct learner *l, int64_t now_ms, struct training *t)
{
    unsigned i = 0;
    while (i < FAMILY_MAX && !is_due_locked(l, &l->family[i], now_ms))
        i++;
    if (i == FAMILY_MAX)
        return false;
    struct learned_family *f = &l->family[i];
    *t = (struct training){.family = i, .place_generation = f->place_generation};
    if (!reservoir_split(f->samples, HELD_BACK, &t->train, &t->held)) {
        learner_rest_locked(l, i);
        return false;
    }
    if (f->shape != NULL && f->shape->met > 0) {
        t->keys = key_shape_frame(f->shape);
        size_t key = (size_t)(f->shape->bytes / f->shape->met);
        size_t common = (size_t)t->keys.head_len + t->keys.tail_len;
        t->beside.raw = ITEM_COST + key;
        t->beside.coded = key > common ? key - common : 0;
    }
    t->met = family_bytes(l->table, i);
    t->holds = t->met;
    if (l->part > 0 && f->gathered > 0)
        t->holds = (uint64_t)((double)f->gathered / l->part);
    if (t->met < t->holds)
        t->met = t->holds; /* they are about to come */
    unsigned current = atomic_load(&f->current);
    t->current = learner_dict(l, current);
    /* A new one takes the place of the family's old one, and those that have retired are on their
     * way out; but they must not pile up. */
    size_t used = learner_dict_bytes(l, DICT_CURRENT, current);
    size_t budget = atomic_load(&l->budget);
    if (used < budget && learner_dict_bytes(l, DICT_RETIRED, 0) <= budget)
        t->room = budget - used;
    size_t len = (size_t)(t->holds / DICT_SHARE);
    if (len > budget / BUDGET_SHARE)
        len = budget / BUDGET_SHARE;
    t->how = (struct codec_training){.max_len = len < DICT_LEAST ? DICT_LEAST : len,
                                     .budget_ms = TRAINING_MS,
                                     .expected = t->holds,
                                     .tables_max = budget / TABLES_SHARE};
    return true;
}

/* What the family must hold for the candidate to save twice its memory; 0 = it does not save a
 * twentieth, or none of the memory that the pool takes. */
static double worth_from(const struct training *t)
{
    if (t->candidate == NULL || t->held.total == 0 ||
        t->after.bytes + t->before.bytes / 20 >= t->before.bytes ||
        t->after.objects >= t->before.objects)
        return 0;
    double saved = (double)(t->before.objects - t->after.objects) / (double)t->held.total;
    return 2.0 * (double)codec_dict_kept(t->candidate) / saved;
}

/* Saves at least a twentieth, and more than its memory on what the family is expected to hold. */
static bool is_worth_it(const struct training *t)
{
    double from = worth_from(t);
    return from > 0 && (double)t->holds > from && codec_dict_bytes(t->candidate) <= t->room;
}

/* Too little had been met for a dictionary, perhaps: how much it is to be for another try. */
static uint64_t try_again_from(const struct training *t)
{
    double from = worth_from(t), twice = 2.0 * (double)t->met;
    return (uint64_t)(from > (double)t->met && from < twice ? from : twice);
}

static unsigned free_id_locked(const struct learner *l)
{
    for (unsigned i = 1; i < LEARNER_DICTS; i++)
        if (atomic_load(&l->dicts[i].state) == DICT_FREE)
            return i;
    return 0;
}

static bool adopt_locked(struct learner *l, struct training *t, int64_t now_ms)
{
    struct learned_family *f = &l->family[t->family];
    unsigned id = free_id_locked(l);
    if (id == 0)
        return false;
    learner_retire_locked(l, t->family);
    struct learned_dict *d = &l->dicts[id];
    d->mark = ++l->adopted;
    d->keys = t->keys;
    d->family = t->family;
    d->generation = ++f->generation;
    d->born_ms = now_ms;
    snprintf(d->name, sizeof d->name, "%s", family_name(l->table, t->family));
    atomic_store(&d->dict, t->candidate);
    atomic_store(&d->state, DICT_CURRENT);
    atomic_store(&f->current, (uint8_t)id);
    f->reference = (double)t->after.bytes / (double)t->held.total;
    family_keep(l->table, t->family, true);
    t->candidate = NULL;
    return true;
}

static void end_locked(struct learner *l, struct training *t, int64_t now_ms)
{
    struct learned_family *f = &l->family[t->family];
    if (f->place_generation != t->place_generation)
        return;
    if (is_worth_it(t) && adopt_locked(l, t, now_ms))
        atomic_fetch_add(&l->trainings, 1);
    else if (t->current != NULL && t->before.bytes > 0 && t->held.total > 0)
        f->reference = (double)t->before.bytes / (double)t->held.total; /* no better can be had */
    learner_rest_locked(l, t->family);
    f->trained_bytes = t->met > 0 ? t->met : 1;
    if (atomic_load(&f->current) == 0 && t->met > LEARNER_GROWTH)
        f->trained_bytes = try_again_from(t) / LEARNER_GROWTH;
    f->raw = f->stored = 0;
}

static void keep_first(struct samples *s, size_t bytes)
{
    unsigned n = 0;
    size_t total = 0;
    while (n < s->n && total < bytes)
        total += s->lens[n++];
    s->n = n;
    s->total = total;
}

/* The steps of the pool are fine, but none is smaller than the first. */
static size_t object_bytes(size_t bytes)
{
    return bytes < ZS_MIN_ALLOC_SIZE ? ZS_MIN_ALLOC_SIZE : bytes;
}

/* As idle values are coded: LZ4 does nothing for a number or a UUID, packing does much. An item
 * stays raw when its object would be no smaller. Zeros when memory is short. */
static struct measured measure(struct codec_ctx *ctx, const struct codec_dict *dict,
                               const struct samples *s, const struct beside *beside)
{
    uint8_t *out = malloc(CODEC_MAX_RAW);
    const uint8_t *value = s->bytes;
    struct measured m = {0, 0};
    for (unsigned i = 0; out != NULL && i < s->n; value += s->lens[i++]) {
        enum codec_id id;
        size_t raw = s->lens[i], object = object_bytes(beside->raw + raw);
        size_t len = codec_encode(ctx, CODEC_HASTY, dict, value, raw, out, CODEC_MAX_RAW, &id);
        bool coded = len > 0 && len + CODED_COST <= raw;
        size_t smaller = coded ? object_bytes(beside->coded + len + CODED_COST) : object;
        m.bytes += coded ? len + CODED_COST : raw;
        m.objects += smaller < object ? smaller : object;
    }
    free(out);
    return m;
}

bool learner_train(struct learner *l, struct codec_ctx *ctx, int64_t now_ms)
{
    struct training t;
    lock_acquire(&l->lock);
    bool due = begin_locked(l, now_ms, &t);
    lock_release(&l->lock);
    if (!due)
        return false;

    t.candidate = codec_dict_train(t.train.bytes, t.train.lens, t.train.n, &t.how);
    if (t.candidate != NULL) {
        keep_first(&t.held, JUDGED_BYTES);
        t.before = measure(ctx, t.current, &t.held, &t.beside);
        t.after = measure(ctx, t.candidate, &t.held, &t.beside);
    }

    lock_acquire(&l->lock);
    end_locked(l, &t, now_ms);
    lock_release(&l->lock);
    codec_dict_destroy(t.candidate);
    samples_free(&t.train);
    samples_free(&t.held);
    return true;
}

unsigned learner_retired(const struct learner *l, uint8_t out[LEARNER_DICTS])
{
    unsigned n = 0;
    for (unsigned i = 1; i < LEARNER_DICTS; i++)
        if (learner_is_retired(l, i))
            out[n++] = (uint8_t)i;
    return n;
}

void learner_free(struct learner *l, unsigned id)
{
    lock_acquire(&l->lock);
    struct learned_dict *d = &l->dicts[id];
    struct codec_dict *dict = atomic_load(&d->dict);
    atomic_store(&d->dict, NULL);
    atomic_store(&d->state, DICT_FREE);
    lock_release(&l->lock);
    codec_dict_destroy(dict);
}

void learner_rest(struct learner *l)
{
    lock_acquire(&l->lock);
    for (unsigned i = 0; i < FAMILY_MAX; i++) {
        struct reservoir *r = l->family[i].samples;
        if (r == NULL)
            continue;
        atomic_fetch_sub(&l->sample_bytes, reservoir_bytes(r));
        reservoir_pack(r);
        atomic_fetch_add(&l->sample_bytes, reservoir_bytes(r));
    }
    lock_release(&l->lock);
    for (unsigned i = 1; i < LEARNER_DICTS; i++) {
        struct codec_dict *dict = atomic_load(&l->dicts[i].dict);
        if (dict != NULL)
            codec_dict_rest(dict);
    }
}
