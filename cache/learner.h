/* What compression has learned: families of keys, samples of their values, and the dictionaries
 * that were trained from them.
 *
 *   family  COLLECTING: values are sampled into a reservoir until a training is due: those that are
 *                       coded, and those that learner_gather_wants()
 *           RESTING:    no samples; results are watched: when values code worse than they did, or
 *                       the family has grown eightfold, it collects again
 *
 *   dictionary id 1..255 (0 = none):
 *           FREE -> CURRENT (of one family) -> RETIRED (items are recoded) -> FREE
 *
 * A candidate is adopted when, on samples held back from its training, it saves at least a
 * twentieth of what is stored now, and when its memory is paid for twice by what the family is
 * expected to save, in objects of the pool. The dictionaries in use, with their prepared forms,
 * stay within a budget: when it shrinks or more forms are made than was foreseen, the one that
 * saves least retires. Samples, which are there while a family collects, have a budget of the same
 * size.
 *
 * Thread safety: any thread, but where said otherwise. Choosing and sampling take one lock, so they
 * are for those who encode, not for those who read: learner_dict() takes none.
 */
#ifndef CACHE_LEARNER_H
#define CACHE_LEARNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "codec/codec.h"
#include "key_form.h"

#define LEARNER_DICTS 256

struct learner;

/* `rank`: of its lock. NULL when memory is short. */
struct learner *learner_create(uint64_t seed, unsigned lock_rank);
/* Frees the dictionaries too: nothing may decode any more. */
void learner_destroy(struct learner *l);
/* Most bytes that the dictionaries in use may take, and the samples another time. */
void learner_set_budget(struct learner *l, size_t bytes);
/* Bytes they take. */
size_t learner_bytes(const struct learner *l);
unsigned learner_count(const struct learner *l);
uint64_t learner_trainings(const struct learner *l);

/* ---- encoding ---- */

struct learner_choice {
    unsigned family;
    unsigned id;                   /* 0 = no dictionary */
    const struct codec_dict *dict; /* NULL for id 0 */
    bool wanted;                   /* pass the value to learner_sample() */
    bool close;                    /* with more effort than CODEC_FAST */
    bool promising;                /* false: values of this family do not shrink, do not try */
};
/* For a value that is about to be encoded; `close` with more effort than CODEC_FAST. */
void learner_choose(struct learner *l, const void *key, size_t len, size_t raw_len, bool close,
                    struct learner_choice *out);
void learner_sample(struct learner *l, const struct learner_choice *choice, const void *value,
                    size_t len, int64_t now_ms);
/* How it went; stored = raw for what was not worth it. */
void learner_coded(struct learner *l, const struct learner_choice *choice, size_t raw,
                   size_t stored);

/* ---- samples from all that is held, for the families that collect ---- */

/* True when some began to collect since the last time; forgets what was met before. */
bool learner_gather_begin(struct learner *l);
/* Meets a value of `len` bytes that stands for `bytes` of its family. True when it is to be passed
 * to learner_sample(). */
bool learner_gather_wants(struct learner *l, const void *key, size_t key_len, size_t len,
                          size_t bytes, struct learner_choice *out);
/* Which part of all there is has been met, 0 to 1. True when there are samples enough. */
bool learner_gather_part(struct learner *l, double part);

/* ---- by id, without a lock ---- */

/* NULL for 0 and for a free id. Stays valid while an item has the id and the caller is inside. */
const struct codec_dict *learner_dict(const struct learner *l, unsigned id);
/* Tells it from all that have had the id before; 0 for id 0. */
uint32_t learner_dict_mark(const struct learner *l, unsigned id);
/* What keys of items with this id are stored without; NULL for id 0. */
const struct key_frame *learner_keys(const struct learner *l, unsigned id);
/* Items with this id are to be recoded. */
bool learner_is_retired(const struct learner *l, unsigned id);
/* Which id an item of this key would get now. */
unsigned learner_current(struct learner *l, const void *key, size_t len);
/* Whether families wait for their first dictionary, so that it pays to leave values raw for a
 * moment. */
bool learner_is_waiting(struct learner *l, int64_t now_ms);
/* Lets families that have many samples not wait for more. */
void learner_hurry(struct learner *l);

/* ---- background: one thread ---- */

/* Carries out at most one training that is due. True when it did; it then took some hundred
 * milliseconds of CPU. */
bool learner_train(struct learner *l, struct codec_ctx *ctx, int64_t now_ms);
/* Ids that are retired. Returns how many. */
unsigned learner_retired(const struct learner *l, uint8_t out[LEARNER_DICTS]);
/* Frees a retired id: no item has it, and no other thread is inside the cache. */
void learner_free(struct learner *l, unsigned id);
/* Frees what only encoding needs, until it is needed again, and puts samples together. No other
 * thread is inside the cache. */
void learner_rest(struct learner *l);

/* ---- for ZDICT ---- */

/* What the caller counts of the items that have a dictionary. */
struct learner_items {
    int64_t items, raw, stored;
};
/* Whether the dictionaries in use take more than they may. Takes no lock. */
bool learner_is_over(const struct learner *l);
/* When they do, retires the one that saves least. True when it did. */
bool learner_fit(struct learner *l, const struct learner_items counts[LEARNER_DICTS]);
size_t learner_list(struct learner *l, const struct learner_items counts[LEARNER_DICTS],
                    struct cache_dict_info *out, size_t n, int64_t now_ms);
/* A training soon, of one family or (NULL) all. False when there is no such family. */
bool learner_ask(struct learner *l, const char *family, size_t len);
/* Retires the dictionaries of one family or (NULL) all. */
bool learner_drop(struct learner *l, const char *family, size_t len);

#endif
