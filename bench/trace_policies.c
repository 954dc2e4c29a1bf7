#include "trace_policies.h"

#include <stdlib.h>
#include <string.h>

/* Keys are small numbers, so every structure is an array indexed by key. Lists are linked through
 * them, the head is the newest:
 *
 *   list.newest -> key -> older[key] -> ... -> list.oldest      NONE ends it
 */
#define NONE UINT32_MAX

enum place { OUT, SMALL, MAIN };

struct key_state {
    uint32_t newer, older;
    uint8_t place, counter;
    uint64_t ghost_at; /* number of the insertion into the ghost + 1; 0 = not in it */
};

struct list {
    uint32_t newest, oldest;
    size_t count;
};

struct trace_cache {
    enum trace_policy policy;
    size_t room, small_room, ghost_room, keys;
    struct key_state *state;
    struct list small, main;
    uint64_t ghosts;
    size_t hand; /* of the hash-order clock: a key, as keys stand for hashes */
};

const char *trace_policy_name(enum trace_policy p)
{
    static const char *const name[] = {"lru", "clock", "s3fifo", "hash-clock"};
    return name[p];
}

struct trace_cache *trace_create(enum trace_policy p, size_t room, size_t keys)
{
    struct trace_cache *c = calloc(1, sizeof(*c));
    struct key_state *state = calloc(keys, sizeof(*state));
    if (!c || !state) {
        free(c);
        free(state);
        return NULL;
    }
    c->policy = p;
    c->room = room;
    c->small_room = room / 10 ? room / 10 : 1;
    c->ghost_room = room - c->small_room;
    c->keys = keys;
    c->state = state;
    c->small = c->main = (struct list){NONE, NONE, 0};
    return c;
}

void trace_destroy(struct trace_cache *c)
{
    if (c)
        free(c->state);
    free(c);
}

static void list_add(struct trace_cache *c, struct list *l, uint32_t key)
{
    c->state[key].newer = NONE;
    c->state[key].older = l->newest;
    if (l->newest != NONE)
        c->state[l->newest].newer = key;
    else
        l->oldest = key;
    l->newest = key;
    l->count++;
}

static void list_remove(struct trace_cache *c, struct list *l, uint32_t key)
{
    struct key_state *s = &c->state[key];
    if (s->newer != NONE)
        c->state[s->newer].older = s->older;
    else
        l->newest = s->older;
    if (s->older != NONE)
        c->state[s->older].newer = s->newer;
    else
        l->oldest = s->newer;
    l->count--;
}

static bool lru_access(struct trace_cache *c, uint32_t key)
{
    bool hit = c->state[key].place == MAIN;
    if (hit) {
        list_remove(c, &c->main, key);
    } else if (c->main.count == c->room) {
        uint32_t victim = c->main.oldest;
        list_remove(c, &c->main, victim);
        c->state[victim].place = OUT;
    }
    c->state[key].place = MAIN;
    list_add(c, &c->main, key);
    return hit;
}

/* Main in order of arrival: what was used goes round again. */
static void fifo_evict(struct trace_cache *c)
{
    for (;;) {
        uint32_t key = c->main.oldest;
        struct key_state *s = &c->state[key];
        list_remove(c, &c->main, key);
        if (s->counter == 0) {
            s->place = OUT;
            return;
        }
        s->counter--;
        list_add(c, &c->main, key);
    }
}

static bool clock_access(struct trace_cache *c, uint32_t key)
{
    struct key_state *s = &c->state[key];
    if (s->place == MAIN) {
        s->counter = 1;
        return true;
    }
    if (c->main.count == c->room)
        fifo_evict(c);
    s->place = MAIN;
    s->counter = 0;
    list_add(c, &c->main, key);
    return false;
}

/* Main without a list: the hand goes over all places in hash order. Newcomers land where their
 * hash says. */
static void sweep_evict(struct trace_cache *c)
{
    for (;; c->hand = (c->hand + 1) % c->keys) {
        struct key_state *s = &c->state[c->hand];
        if (s->place != MAIN)
            continue;
        if (s->counter == 0) {
            s->place = OUT;
            c->main.count--;
            return;
        }
        s->counter--;
    }
}

static bool main_is_list(const struct trace_cache *c)
{
    return c->policy == TRACE_S3FIFO;
}

static void main_add(struct trace_cache *c, uint32_t key)
{
    c->state[key].place = MAIN;
    c->state[key].counter = 0;
    if (main_is_list(c))
        list_add(c, &c->main, key);
    else
        c->main.count++;
}

/* One item leaves the small queue: to main when it was used again, else out and into the ghost.
 * Returns whether an item went out. */
static bool small_leave(struct trace_cache *c)
{
    uint32_t key = c->small.oldest;
    struct key_state *s = &c->state[key];
    list_remove(c, &c->small, key);
    if (s->counter > 0) {
        main_add(c, key);
        return false;
    }
    s->place = OUT;
    s->ghost_at = ++c->ghosts;
    return true;
}

static void s3_evict(struct trace_cache *c)
{
    while (c->small.count > 0 && (c->small.count >= c->small_room || c->main.count == 0)) {
        if (small_leave(c))
            return;
    }
    if (main_is_list(c))
        fifo_evict(c);
    else
        sweep_evict(c);
}

static bool s3_access(struct trace_cache *c, uint32_t key)
{
    struct key_state *s = &c->state[key];
    if (s->place != OUT) {
        if (s->counter < 3)
            s->counter++;
        return true;
    }
    if (c->small.count + c->main.count >= c->room)
        s3_evict(c);
    if (s->ghost_at && c->ghosts - s->ghost_at < c->ghost_room) {
        main_add(c, key);
    } else {
        s->place = SMALL;
        s->counter = 0;
        list_add(c, &c->small, key);
    }
    s->ghost_at = 0;
    return false;
}

bool trace_access(struct trace_cache *c, uint32_t key)
{
    switch (c->policy) {
    case TRACE_LRU:
        return lru_access(c, key);
    case TRACE_CLOCK:
        return clock_access(c, key);
    default:
        return s3_access(c, key);
    }
}
