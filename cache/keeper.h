/* What the keeper does in the background, a slice at a time, and where it stands with it.
 *
 * The keeper's thread alone calls all this, but for what is said to be a writer's, from inside the
 * cache and without a shard's lock. Times that end in _ms are those of cache_enter(); end_us is a
 * time of clock_mono_us(), and budget_us a length. A slice may pass either by the step it is at. */
#ifndef CACHE_KEEPER_H
#define CACHE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct cache;
struct cache_thread;
struct pressure;

/* Answering to pressure; see shrink.c. */
struct shrink {
    struct pressure *source;
    int64_t read_ms; /* last reading; 0 = never */
    int64_t seen_ms; /* last sign of pressure */
    int64_t step_ms; /* last step of the ceiling */
    uint64_t began;  /* bytes in use when the pressure began */
};

/* Where the background work stands. */
struct keeper {
    int64_t measured_ms;       /* last memory_measure() */
    int64_t walk_ms;           /* when the walk through the index began */
    uint64_t walk_at;          /* shard of the walk */
    uint64_t sweep_at;         /* shard of the expiry sweep */
    int64_t sweep_ms;          /* when that began */
    uint64_t fit_at;           /* shard of fit_slice() */
    int64_t fit_ms;            /* when its round began */
    uint32_t fit_goal;         /* bucket of the store from which on runs move down in it */
    uint64_t walk_trainings;   /* that there had been when it began */
    unsigned walk_compression; /* the option when it began */
    unsigned walk_how;         /* enum recode_how, for all items of this walk; 0 = for idle ones */
    bool walk_idle;            /* it looks at all idle items, too */
    bool walk_haste;           /* it is the first while all is quiet, to code in haste */
    int64_t compact_ms;        /* last compact_slice() that did something */
    bool compact_more;         /* it left something to compact */
    int64_t busy_ms;           /* when requests were last waiting */
    int64_t rest_coded;        /* what had been coded when the last rest began; see rest.c */
    int64_t trained;           /* trainings, whatever came of them */
    uint64_t rests;            /* so far */
    int64_t trim_ms;           /* last memory_trim_heap() */
    uint64_t heap_bytes;       /* of other_bytes, what is of no file: the heap as a rule */
    uint64_t trimmed_to;       /* the same at the end of the last trim, or less */
    uint64_t trimmed_holes;    /* bytes of the heap that nobody had then */
    int64_t cpu_us;            /* CPU that coding may take still; less than 0 = was taken already */
    int64_t cpu_at_us;         /* when that was reckoned */
    uint64_t gather_at;        /* shard of gather_slice(); past the last = not at it */
    bool taught;               /* the learner was shown the first nursery */
    struct shrink shrink;
    struct reduction reduction;
};

/* ---- gather.c ---- */

/* Offers the learner samples from all that is held, until end_us, when there are families that
 * collect. True when there is more to do. */
bool gather_slice(struct cache_thread *t, int64_t end_us);

/* ---- teach.c ---- */

/* Once, when many values have come before there was any training: shows them to the learner and has
 * it train at once. */
void teach(struct cache_thread *t);

/* ---- dict.c ---- */

/* Keeps the dictionaries within their budget, and frees retired ones that no item has any more: for
 * that it stops the world. */
void dict_release(struct cache_thread *t);

/* ---- compact.c ---- */

/* Moves objects together until end_us. True when there is more to do. */
bool compact_slice(struct cache_thread *t, int64_t end_us);

/* ---- idle.c ---- */

/* Finds out whether coding is behind. */
void idle_measure(struct cache *c);
/* A writer's: codes a few items of main while coding is behind. */
void idle_help(struct cache_thread *t);

/* Walks on through the index for at most budget_us: lets items age and recodes what is idle.
 * True when the round is not done. */
bool idle_walk(struct cache_thread *t, int64_t budget_us);

/* ---- expire.c, flush.c, fit.c ---- */

/* Sweeps for at most budget_us; returns items dropped. */
size_t expire_sweep(struct cache_thread *t, int64_t budget_us);
/* Empties flushed tables for at most budget_us; true when some are left. */
bool flush_slice(struct cache_thread *t, int64_t budget_us);
/* Once a second, for at most budget_us a slice, makes the index as small as its items. */
void fit_slice(struct cache_thread *t, int64_t budget_us);

/* ---- rest.c ---- */

/* Begins a rest when the cache is quiet and all is coded, and ends it when that is no longer so.
 * `coding` = something is left to code, or not all was looked at. */
void rest_watch(struct cache_thread *t, bool coding);

/* ---- shrink.c ---- */

/* Looks once a second whether the machine is short of memory, and gives back what it can. */
void shrink_watch(struct cache_thread *t);

#endif
