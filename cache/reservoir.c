#include "reservoir.h"

#include <stdlib.h>
#include <string.h>

/* Where it stands in the block. */
struct value {
    uint32_t at, len;
};

/* All values are in one block: thousands of small ones would leave holes all over the heap when
 * they are freed.
 *
 *   bytes   |-- values, and holes of those that were replaced --|-- free --|
 *           0                                                   end        cap
 */
struct reservoir {
    size_t max_bytes, held;
    uint64_t seen;
    uint64_t random;
    struct value *values;
    size_t count, room;
    uint8_t *bytes;
    size_t end, cap;
};

enum { FIRST_ROOM = 64, FIRST_BYTES = 4096 };

struct reservoir *reservoir_create(size_t max_bytes, uint64_t seed)
{
    struct reservoir *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->max_bytes = max_bytes;
    r->random = seed;
    return r;
}

void reservoir_destroy(struct reservoir *r)
{
    if (!r)
        return;
    reservoir_clear(r);
    free(r->values);
    free(r);
}

/* splitmix64 */
static uint64_t random_next(struct reservoir *r)
{
    uint64_t z = (r->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t random_below(struct reservoir *r, size_t n)
{
    return (size_t)(random_next(r) % n);
}

bool reservoir_wants(struct reservoir *r, size_t len)
{
    r->seen++;
    if (len == 0 || len > r->max_bytes)
        return false;
    if (r->held + len <= r->max_bytes)
        return true;
    return random_next(r) % r->seen < r->count;
}

static void drop_random(struct reservoir *r)
{
    size_t i = random_below(r, r->count);
    r->held -= r->values[i].len;
    r->values[i] = r->values[--r->count];
}

static bool grow(struct reservoir *r)
{
    if (r->count < r->room)
        return true;
    size_t room = r->room ? r->room * 2 : FIRST_ROOM;
    struct value *values = realloc(r->values, room * sizeof(*values));
    if (!values)
        return false;
    r->values = values;
    r->room = room;
    return true;
}

/* Another block, without holes. */
static bool move(struct reservoir *r, size_t cap)
{
    uint8_t *bytes = malloc(cap);
    if (!bytes)
        return false;
    size_t end = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct value *v = &r->values[i];
        memcpy(bytes + end, r->bytes + v->at, v->len);
        v->at = (uint32_t)end;
        end += v->len;
    }
    free(r->bytes);
    r->bytes = bytes;
    r->end = end;
    r->cap = cap;
    return true;
}

/* Room for len bytes at the end. */
static bool make_room(struct reservoir *r, size_t len)
{
    if (len <= r->cap - r->end)
        return true;
    size_t need = r->held + len, most = r->max_bytes + r->max_bytes / 8;
    size_t cap = need * 2 < FIRST_BYTES ? FIRST_BYTES : need * 2;
    if (cap > most)
        cap = most;
    return move(r, cap > need ? cap : need);
}

void reservoir_put(struct reservoir *r, const void *value, size_t len)
{
    if (len == 0 || len > r->max_bytes || !grow(r) || !make_room(r, len))
        return;
    while (r->held + len > r->max_bytes)
        drop_random(r);
    memcpy(r->bytes + r->end, value, len);
    r->values[r->count++] = (struct value){(uint32_t)r->end, (uint32_t)len};
    r->end += len;
    r->held += len;
}

size_t reservoir_count(const struct reservoir *r)
{
    return r->count;
}

size_t reservoir_held(const struct reservoir *r)
{
    return r->held;
}

bool reservoir_is_full(const struct reservoir *r)
{
    return r->held >= r->max_bytes / 16 * 15;
}

uint64_t reservoir_seen(const struct reservoir *r)
{
    return r->seen;
}

size_t reservoir_bytes(const struct reservoir *r)
{
    return sizeof(*r) + r->room * sizeof(*r->values) + r->cap;
}

void reservoir_pack(struct reservoir *r)
{
    if (r->held < r->cap && r->held > 0)
        (void)move(r, r->held);
}

void reservoir_clear(struct reservoir *r)
{
    free(r->bytes);
    r->bytes = NULL;
    r->end = 0;
    r->cap = 0;
    r->count = 0;
    r->held = 0;
    r->seen = 0;
}

static bool samples_alloc(struct samples *s, size_t bytes, size_t n)
{
    memset(s, 0, sizeof(*s));
    s->bytes = malloc(bytes ? bytes : 1);
    s->lens = malloc((n ? n : 1) * sizeof(*s->lens));
    return s->bytes && s->lens;
}

void samples_free(struct samples *s)
{
    free(s->bytes);
    free(s->lens);
    memset(s, 0, sizeof(*s));
}

static void samples_add(struct samples *s, const struct reservoir *r, const struct value *v)
{
    memcpy(s->bytes + s->total, r->bytes + v->at, v->len);
    s->lens[s->n++] = v->len;
    s->total += v->len;
}

bool reservoir_split(const struct reservoir *r, unsigned every, struct samples *train,
                     struct samples *held_back)
{
    size_t back_bytes = 0;
    for (size_t i = 0; i < r->count; i += every)
        back_bytes += r->values[i].len;
    bool ok = samples_alloc(train, r->held - back_bytes, r->count);
    ok = samples_alloc(held_back, back_bytes, r->count / every + 1) && ok;
    if (!ok) {
        samples_free(train);
        samples_free(held_back);
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        samples_add(i % every == 0 ? held_back : train, r, &r->values[i]);
    return true;
}
