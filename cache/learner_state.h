/* The insides of a learner, shared by learner.c, learner_train.c and learner_list.c. */
#ifndef CACHE_LEARNER_STATE_H
#define CACHE_LEARNER_STATE_H

#include <stdatomic.h>

#include "base/lock.h"
#include "family.h"
#include "key_shape.h"
#include "learner.h"
#include "reservoir.h"

enum dict_state { DICT_FREE, DICT_CURRENT, DICT_RETIRED };

struct learned_dict {
    _Atomic(struct codec_dict *) dict;
    _Atomic uint8_t state; /* enum dict_state */
    struct key_frame keys; /* as mark */
    uint32_t mark;         /* of all dictionaries: 1, 2, ...; written before others can see them */
    unsigned family;
    unsigned generation; /* of the family's dictionaries: 1, 2, ... */
    int64_t born_ms;
    char name[64]; /* of the family at that time */
};

/* A family collects again when it has met this many times the bytes of its last training. */
#define LEARNER_GROWTH 8

struct learned_family {
    struct reservoir *samples; /* not NULL = COLLECTING */
    struct key_shape *shape;   /* of the keys met meanwhile; NULL when memory was short */
    int64_t since_ms;          /* first sample of this collection; 0 = none yet */
    uint64_t gathered;      /* bytes met by learner_gather_wants(); 0 = samples are of the stream */
    uint64_t trained_bytes; /* bytes the family had met at its last training; 0 = never */
    unsigned place_generation; /* of the place in the family table that this state is about */
    unsigned generation;       /* of the last dictionary adopted */
    bool asked;                /* not to wait for more samples */
    _Atomic uint8_t current;   /* dictionary id */
    /* Results with more effort than CODEC_FAST since the last look: drift. */
    uint64_t raw, stored;
    /* Values in a row that were not worth coding, and how many of those to come are not tried; [1]
     * with more effort. */
    unsigned failures[2], skip[2];
    double reference; /* stored/raw when the dictionary was adopted; 0 = none */
};

struct learner {
    struct lock lock; /* all below but the atomics */
    uint64_t seed;
    _Atomic size_t budget;
    _Atomic size_t sample_bytes;
    _Atomic uint64_t trainings;
    bool gather;    /* some family began to collect */
    bool gathering; /* from learner_gather_begin() to the end of it */
    double part;    /* of what is held, learner_gather_wants() has met */
    struct family_table *table;
    uint32_t adopted; /* dictionaries so far */
    struct learned_family family[FAMILY_MAX];
    struct learned_dict dicts[LEARNER_DICTS]; /* [0] stays free */
};

/* What a training needs at least. */
#define LEARNER_LEAST_VALUES 64
#define LEARNER_LEAST_BYTES  ((size_t)8 << 10)

/* ---- learner.c ---- */

/* The family collects no more: its samples go. */
void learner_rest_locked(struct learner *l, unsigned family);
/* It begins to collect. Without memory for that it stays as it is. */
void learner_collect_locked(struct learner *l, unsigned family);
/* Current -> retired; the family has none then. */
void learner_retire_locked(struct learner *l, unsigned family);
/* Bytes of the dictionaries in a state, prepared forms included, but for one id. */
size_t learner_dict_bytes(const struct learner *l, enum dict_state state, unsigned but);

#endif
