#include "reservoir.h"

#include <stdlib.h>
#include <string.h>

struct value {
    uint32_t len;
    bool packed; /* in `pack`, and not a block of its own */
    uint8_t bytes[];
};

struct reservoir {
    size_t max_bytes, held;
    uint64_t seen;
    uint64_t random;
    struct value **values;
    size_t count, room;
    size_t loose;  /* what values take that are blocks of their own */
    uint8_t *pack; /* values that reservoir_pack() put together; NULL = none */
    size_t pack_bytes;
};

/* What malloc() adds to a block, about. */
enum { BLOCK_COST = 16, FIRST_ROOM = 64 };

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

static size_t block_bytes(size_t len)
{
    return sizeof(struct value) + len + BLOCK_COST;
}

static void value_free(struct reservoir *r, struct value *v)
{
    if (v->packed)
        return;
    r->loose -= block_bytes(v->len);
    free(v);
}

static void drop_random(struct reservoir *r)
{
    size_t i = random_below(r, r->count);
    r->held -= r->values[i]->len;
    value_free(r, r->values[i]);
    r->values[i] = r->values[--r->count];
}

static bool grow(struct reservoir *r)
{
    if (r->count < r->room)
        return true;
    size_t room = r->room ? r->room * 2 : FIRST_ROOM;
    struct value **values = realloc(r->values, room * sizeof(struct value *));
    if (!values)
        return false;
    r->values = values;
    r->room = room;
    return true;
}

void reservoir_put(struct reservoir *r, const void *value, size_t len)
{
    if (len == 0 || len > r->max_bytes || len > UINT32_MAX || !grow(r))
        return;
    struct value *v = malloc(sizeof(*v) + len);
    if (!v)
        return;
    v->len = (uint32_t)len;
    v->packed = false;
    memcpy(v->bytes, value, len);
    while (r->held + len > r->max_bytes)
        drop_random(r);
    r->values[r->count++] = v;
    r->held += len;
    r->loose += block_bytes(len);
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
    return sizeof(*r) + r->room * sizeof(struct value *) + r->loose + r->pack_bytes;
}

static size_t packed_size(const struct value *v)
{
    size_t align = _Alignof(struct value);
    return (sizeof(*v) + v->len + align - 1) / align * align;
}

void reservoir_pack(struct reservoir *r)
{
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < r->count; i++)
        bytes += packed_size(r->values[i]);
    uint8_t *pack = r->loose > 0 ? malloc(bytes) : NULL;
    if (!pack)
        return;
    for (size_t i = 0; i < r->count; i++) {
        struct value *v = r->values[i], *moved = (struct value *)(void *)(pack + at);
        memcpy(moved, v, sizeof(*v) + v->len);
        moved->packed = true;
        at += packed_size(v);
        r->values[i] = moved;
        value_free(r, v);
    }
    free(r->pack);
    r->pack = pack;
    r->pack_bytes = bytes;
}

void reservoir_clear(struct reservoir *r)
{
    for (size_t i = 0; i < r->count; i++)
        value_free(r, r->values[i]);
    free(r->pack);
    r->pack = NULL;
    r->pack_bytes = 0;
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

static void samples_add(struct samples *s, const struct value *v)
{
    memcpy(s->bytes + s->total, v->bytes, v->len);
    s->lens[s->n++] = v->len;
    s->total += v->len;
}

bool reservoir_split(const struct reservoir *r, unsigned every, struct samples *train,
                     struct samples *held_back)
{
    size_t back_bytes = 0;
    for (size_t i = 0; i < r->count; i += every)
        back_bytes += r->values[i]->len;
    bool ok = samples_alloc(train, r->held - back_bytes, r->count);
    ok = samples_alloc(held_back, back_bytes, r->count / every + 1) && ok;
    if (!ok) {
        samples_free(train);
        samples_free(held_back);
        return false;
    }
    for (size_t i = 0; i < r->count; i++)
        samples_add(i % every == 0 ? held_back : train, r->values[i]);
    return true;
}
