#include "family.h"

#include <stdlib.h>
#include <string.h>

enum {
    ADMIT = 64,             /* sightings before a pattern gets a place */
    CANDIDATES = 256,       /* patterns that are counted before they have one */
    SLOTS = 4 * FAMILY_MAX, /* open addressing, a quarter full */
    FADE = 1 << 16,         /* sightings after which all counts are halved */
};

struct family {
    char name[KEY_PATTERN_MAX + 1];
    uint64_t hash;
    uint64_t bytes;
    uint32_t recent; /* sightings, halved now and then */
    unsigned generation;
    bool used, keep;
};

/* Counts sightings of patterns that have no place (a hash each, two ways: the rarer gives way). */
struct candidate {
    uint64_t hash;
    uint32_t count;
};

struct family_table {
    struct family family[FAMILY_MAX];
    struct candidate candidate[CANDIDATES];
    uint8_t slot[SLOTS]; /* family number; 0 = none */
    uint32_t met;
};

struct family_table *family_table_create(void)
{
    struct family_table *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    memcpy(t->family[FAMILY_SHARED].name, "*", 2);
    t->family[FAMILY_SHARED].used = t->family[FAMILY_SHARED].keep = true;
    return t;
}

void family_table_destroy(struct family_table *table)
{
    free(table);
}

/* FNV-1a, finished: patterns are few and a collision only mixes two families. */
static uint64_t pattern_hash(const char *s, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h ? h : 1;
}

static unsigned lookup(const struct family_table *t, uint64_t hash)
{
    for (size_t i = hash % SLOTS; t->slot[i]; i = (i + 1) % SLOTS) {
        if (t->family[t->slot[i]].hash == hash)
            return t->slot[i];
    }
    return FAMILY_SHARED;
}

static void rebuild_slots(struct family_table *t)
{
    memset(t->slot, 0, sizeof(t->slot));
    for (unsigned f = 1; f < FAMILY_MAX; f++) {
        if (!t->family[f].used)
            continue;
        size_t i = t->family[f].hash % SLOTS;
        while (t->slot[i])
            i = (i + 1) % SLOTS;
        t->slot[i] = (uint8_t)f;
    }
}

static void fade(struct family_table *t)
{
    t->met = 0;
    for (unsigned f = 0; f < FAMILY_MAX; f++)
        t->family[f].recent /= 2;
    for (unsigned c = 0; c < CANDIDATES; c++)
        t->candidate[c].count /= 2;
}

/* A sighting of a pattern without a place. True when it has earned one. */
static bool candidate_meet(struct family_table *t, uint64_t hash, uint32_t *count)
{
    struct candidate *pair = &t->candidate[(hash % CANDIDATES) & ~(uint64_t)1];
    struct candidate *c = pair[0].hash == hash ? &pair[0] : &pair[1];
    if (c->hash != hash) {
        c = pair[0].count <= pair[1].count ? &pair[0] : &pair[1];
        /* Wear the rarer one down before its place is taken: the frequent survive a flood. */
        if (c->count > 0) {
            c->count--;
            return false;
        }
        c->hash = hash;
    }
    *count = ++c->count;
    return c->count >= ADMIT;
}

/* A free place, or that of the family met least of late, if clearly rarer than `count`. */
static unsigned place_for(const struct family_table *t, uint32_t count)
{
    unsigned best = FAMILY_SHARED;
    for (unsigned f = 1; f < FAMILY_MAX; f++) {
        const struct family *it = &t->family[f];
        if (!it->used)
            return f;
        if (!it->keep && it->recent < count / 2 &&
            (best == FAMILY_SHARED || it->recent < t->family[best].recent))
            best = f;
    }
    return best;
}

static unsigned admit(struct family_table *t, uint64_t hash, uint32_t count, const char *pattern,
                      size_t len)
{
    unsigned f = place_for(t, count);
    if (f == FAMILY_SHARED)
        return FAMILY_SHARED;
    struct family *it = &t->family[f];
    unsigned generation = it->generation + 1;
    memset(it, 0, sizeof(*it));
    memcpy(it->name, pattern, len);
    it->hash = hash;
    it->recent = count;
    it->generation = generation;
    it->used = true;
    rebuild_slots(t);
    return f;
}

unsigned family_meet(struct family_table *table, const void *key, size_t len, size_t raw_len)
{
    char pattern[KEY_PATTERN_MAX];
    size_t n = key_pattern(key, len, pattern);
    unsigned f = FAMILY_SHARED;
    if (n > 0) {
        uint64_t hash = pattern_hash(pattern, n);
        uint32_t count = 0;
        f = lookup(table, hash);
        if (f == FAMILY_SHARED && candidate_meet(table, hash, &count))
            f = admit(table, hash, count, pattern, n);
    }
    table->family[f].recent++;
    table->family[f].bytes += raw_len;
    if (++table->met >= FADE)
        fade(table);
    return f;
}

unsigned family_find(const struct family_table *table, const void *key, size_t len)
{
    char pattern[KEY_PATTERN_MAX];
    size_t n = key_pattern(key, len, pattern);
    return n > 0 ? lookup(table, pattern_hash(pattern, n)) : FAMILY_SHARED;
}

unsigned family_named(const struct family_table *table, const char *name, size_t len)
{
    for (unsigned f = 0; f < FAMILY_MAX; f++) {
        const struct family *it = &table->family[f];
        if (it->used && strlen(it->name) == len && memcmp(it->name, name, len) == 0)
            return f;
    }
    return FAMILY_MAX;
}

const char *family_name(const struct family_table *table, unsigned family)
{
    return table->family[family].used ? table->family[family].name : NULL;
}

uint64_t family_bytes(const struct family_table *table, unsigned family)
{
    return table->family[family].bytes;
}

unsigned family_generation(const struct family_table *table, unsigned family)
{
    return table->family[family].generation;
}

void family_keep(struct family_table *table, unsigned family, bool keep)
{
    if (family != FAMILY_SHARED)
        table->family[family].keep = keep;
}
