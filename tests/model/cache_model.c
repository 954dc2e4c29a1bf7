/* Random operations on a cache and on a naive model of it: an array of values. What the cache holds
 * must be what the model holds; under a cap it may hold less, but nothing else.
 *
 * ZSC_SEED and ZSC_OPS choose the seed and the number of operations. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cache/cache.h"

#define KEYS      600
#define DATABASES 3
#define LONGEST   ((size_t)300 << 10)

struct entry {
    uint8_t *value;
    size_t len;
    int64_t expire_ms;
    enum cache_type type;
    bool there;
};

struct model {
    struct random random;
    struct cache *cache;
    struct cache_thread *t;
    int64_t now;
    bool may_lose; /* evictions happen */
    struct entry entry[DATABASES][KEYS];
    uint8_t buf[LONGEST * 2], other[LONGEST * 2];
};

struct where {
    unsigned db, n;
    char name[300];
    struct cache_key key;
    struct entry *e;
};

static uint32_t below(struct model *m, uint32_t n)
{
    return random_below(&m->random, n);
}

/* Keys of different lengths and families. */
static struct where *pick(struct model *m, struct where *w)
{
    w->db = below(m, DATABASES);
    w->n = below(m, KEYS);
    int len = w->n % 50 == 7 ? snprintf(w->name, sizeof w->name, "long:%0250u", w->n)
                             : snprintf(w->name, sizeof w->name, "f%u:%u", w->n % 3, w->n);
    w->e = &m->entry[w->db][w->n];
    ck_assert(cache_key_init(m->t, &w->key, w->db, w->name, (size_t)len));
    if (w->e->there && w->e->expire_ms <= m->now)
        w->e->there = false;
    return w;
}

static size_t pick_len(struct model *m)
{
    switch (below(m, 12)) {
    case 0:
        return 0;
    case 1:
        return below(m, (uint32_t)LONGEST);
    case 2:
        return CACHE_SEGMENT - 2 + below(m, 5);
    case 3:
        return below(m, 20000);
    default:
        return below(m, 400);
    }
}

/* Text that shrinks, or bytes that do not. */
static void fill(struct model *m, uint8_t *p, size_t len)
{
    bool random = below(m, 4) == 0;
    for (size_t i = 0; i < len; i++)
        p[i] = random ? (uint8_t)random_next(&m->random) : (uint8_t)("{\"id\":, name}"[i % 13]);
    for (size_t i = 0; !random && i + 8 < len; i += 40)
        p[i] = (uint8_t)('0' + below(m, 10));
}

static int64_t pick_expiry(struct model *m)
{
    return below(m, 3) != 0 ? CACHE_NO_EXPIRY : m->now - 5 + below(m, 30000);
}

static void model_store(struct entry *e, const uint8_t *p, size_t len, enum cache_type type,
                        int64_t expire_ms, int64_t now)
{
    uint8_t *copy = malloc(len + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, p, len);
    free(e->value);
    *e = (struct entry){copy, len, expire_ms, type, expire_ms > now};
}

struct chunks {
    struct model *m;
    const uint8_t *at;
    size_t left;
};

static const void *next_chunk(void *arg, size_t *len)
{
    struct chunks *c = arg;
    const uint8_t *p = c->at;
    *len = c->left == 0 ? 0 : 1 + below(c->m, (uint32_t)(c->left < 9000 ? c->left : 9000));
    c->at += *len;
    c->left -= *len;
    return p;
}

/* In one piece, or in many. */
static struct cache_source source(struct model *m, struct chunks *c, const uint8_t *p, size_t len)
{
    *c = (struct chunks){m, p, len};
    if (below(m, 2) == 0)
        return (struct cache_source){.flat = p, .total = len};
    return (struct cache_source){.next = next_chunk, .arg = c, .total = len};
}

/* Whether the cache has it; a loss under a cap goes into the model. */
static bool agree(struct model *m, struct where *w, enum cache_status status)
{
    if (w->e->there && status == CACHE_MISS && m->may_lose)
        w->e->there = false;
    if (w->e->there)
        ck_assert_int_eq(status, CACHE_OK);
    else
        ck_assert_int_eq(status, CACHE_MISS);
    return w->e->there;
}

static void compare_view(struct model *m, struct where *w, struct cache_view *v)
{
    ck_assert_uint_eq(v->raw_len, w->e->len);
    ck_assert_int_eq(v->type, w->e->type);
    ck_assert_int_eq(v->expire_ms, w->e->expire_ms);
    size_t off = below(m, 2) == 0 ? 0 : below(m, (uint32_t)w->e->len + 1);
    size_t len = off == 0 ? w->e->len : below(m, (uint32_t)(w->e->len - off) + 1);
    ck_assert_int_eq(cache_view_read(m->t, v, off, len, m->buf), CACHE_OK);
    ck_assert_int_eq(memcmp(m->buf, w->e->value + off, len), 0);
}

static void op_get(struct model *m, struct where *w)
{
    struct cache_view v;
    if (!agree(m, w, cache_get(m->t, &w->key, below(m, 2), &v)))
        return;
    compare_view(m, w, &v);
    cache_view_end(m->t, &v);
}

/* Sends a long value while it is replaced. */
static void op_stream(struct model *m, struct where *w)
{
    struct cache_view v;
    if (!agree(m, w, cache_get(m->t, &w->key, 0, &v)))
        return;
    if (!v.segmented) {
        cache_view_end(m->t, &v);
        return;
    }
    struct cache_stream *s = cache_stream_open(m->t, &v);
    ck_assert_ptr_nonnull(s);
    size_t changed = below(m, 4);
    for (size_t at = 0, n = 0; cache_stream_left(s) > 0; at += n) {
        struct cache_source src = {.flat = "xyz", .total = 3};
        struct cache_update u;
        size_t len;
        ck_assert_int_eq(cache_stream_next(m->t, s, m->other, &n), CACHE_OK);
        ck_assert(at + n <= w->e->len && memcmp(m->other, w->e->value + at, n) == 0);
        if (at == 0 && changed == 1)
            cache_delete(m->t, &w->key);
        if (at != 0 || changed != 2)
            continue;
        cache_update_begin(m->t, &w->key, &u);
        cache_update_patch(m->t, &u, 1, &src, &len);
        cache_update_end(m->t, &u);
        cache_delete(m->t, &w->key);
    }
    cache_stream_close(m->t, s);
    if (changed == 1 || changed == 2)
        w->e->there = false;
}

static void op_set(struct model *m, struct where *w)
{
    static const unsigned choices[] = {0, 0, 0, CACHE_SET_NX, CACHE_SET_XX, CACHE_SET_KEEPTTL};
    unsigned flags = choices[below(m, 6)];
    size_t len = pick_len(m);
    int64_t expire_ms = pick_expiry(m);
    enum cache_type type = below(m, 2) ? CACHE_HASH : CACHE_STRING;
    struct chunks c;
    struct cache_view v;
    if (flags != 0 && agree(m, w, cache_get(m->t, &w->key, 0, &v)))
        cache_view_end(m->t, &v);
    fill(m, m->buf, len);
    struct cache_source src = source(m, &c, m->buf, len);
    enum cache_status status = cache_set(m->t, &w->key, type, &src, expire_ms, flags);
    if (status == CACHE_OOM && m->may_lose)
        return;
    if (flags == CACHE_SET_NX && w->e->there) {
        ck_assert_int_eq(status, CACHE_EXISTS);
    } else if (flags == CACHE_SET_XX && !w->e->there) {
        ck_assert_int_eq(status, CACHE_MISS);
    } else {
        ck_assert_int_eq(status, CACHE_OK);
        if (flags == CACHE_SET_KEEPTTL && w->e->there && expire_ms > m->now)
            expire_ms = w->e->expire_ms;
        else if (flags == CACHE_SET_KEEPTTL && w->e->there)
            expire_ms = w->e->expire_ms;
        model_store(w->e, m->buf, len, type, expire_ms, m->now);
    }
}

static void op_delete(struct model *m, struct where *w)
{
    if (agree(m, w, cache_delete(m->t, &w->key)))
        w->e->there = false;
}

static void patch_model(struct model *m, struct where *w, size_t off, size_t len, size_t new_len)
{
    bool had = w->e->there;
    size_t old = had ? w->e->len : 0;
    size_t total = old > off + len ? old : off + len;
    ck_assert_uint_eq(new_len, total);
    memset(m->other, 0, total);
    if (had)
        memcpy(m->other, w->e->value, old);
    memcpy(m->other + off, m->buf, len);
    model_store(w->e, m->other, total, had ? w->e->type : CACHE_STRING,
                had ? w->e->expire_ms : CACHE_NO_EXPIRY, m->now);
}

static void op_update(struct model *m, struct where *w)
{
    struct cache_update u;
    struct chunks c;
    enum cache_status status = CACHE_OK;
    size_t len = pick_len(m), off, new_len = 0;
    int64_t expire_ms = pick_expiry(m);
    fill(m, m->buf, len);
    struct cache_source src = source(m, &c, m->buf, len);
    cache_update_begin(m->t, &w->key, &u);
    agree(m, w, u.found ? CACHE_OK : CACHE_MISS);
    off = w->e->there && below(m, 2) ? w->e->len : below(m, (uint32_t)LONGEST / 2);
    if (w->e->there && off + len > LONGEST)
        off = 0;
    switch (below(m, 4)) {
    case 0:
        status = cache_update_store(m->t, &u, CACHE_STRING, &src, expire_ms);
        if (status == CACHE_OK)
            model_store(w->e, m->buf, len, CACHE_STRING, expire_ms, m->now);
        break;
    case 1:
        cache_update_delete(m->t, &u);
        w->e->there = false;
        break;
    case 2:
        status = w->e->there ? cache_update_expire(m->t, &u, expire_ms) : CACHE_OK;
        if (status == CACHE_OK && w->e->there) {
            w->e->expire_ms = expire_ms;
            w->e->there = expire_ms > m->now;
        }
        break;
    default:
        if (len == 0)
            break;
        status = cache_update_patch(m->t, &u, off, &src, &new_len);
        if (status == CACHE_OK)
            patch_model(m, w, off, len, new_len);
    }
    ck_assert(status == CACHE_OK || (m->may_lose && status == CACHE_OOM));
    cache_update_end(m->t, &u);
}

/* Two keys in one step: the second gets the value of the first. */
static void op_two(struct model *m, struct where *w)
{
    struct where to;
    struct cache_view v;
    pick(m, &to);
    const struct cache_key keys[] = {w->key, to.key, w->key};
    ck_assert_int_eq(cache_lock_keys(m->t, keys, 3), CACHE_OK);
    if (agree(m, w, cache_get(m->t, &w->key, CACHE_GET_TOUCH, &v))) {
        enum cache_status status;
        ck_assert_int_eq(cache_view_read(m->t, &v, 0, v.raw_len, m->buf), CACHE_OK);
        struct cache_source src = {.flat = m->buf, .total = v.raw_len};
        status = cache_set(m->t, &to.key, v.type, &src, v.expire_ms, 0);
        ck_assert(status == CACHE_OK || m->may_lose);
        /* The view is good even when its own key was deleted or replaced. */
        ck_assert_int_eq(cache_view_read(m->t, &v, 0, v.raw_len, m->other), CACHE_OK);
        ck_assert_int_eq(memcmp(m->buf, m->other, v.raw_len), 0);
        if (status == CACHE_OK && to.e != w->e)
            model_store(to.e, m->buf, v.raw_len, v.type, v.expire_ms, m->now);
        cache_view_end(m->t, &v);
    }
    cache_unlock_keys(m->t);
}

struct seen {
    struct model *m;
    unsigned db;
    unsigned count[KEYS];
};

static void on_scan(void *arg, const void *key, size_t len, enum cache_type type)
{
    struct seen *s = arg;
    char name[300];
    memcpy(name, key, len);
    name[len] = '\0';
    unsigned n = (unsigned)strtoul(strchr(name, ':') + 1, NULL, 10);
    ck_assert_uint_lt(n, KEYS);
    ck_assert_int_eq(s->m->entry[s->db][n].type, type);
    s->count[n]++;
}

static void op_scan(struct model *m)
{
    struct seen s = {.m = m, .db = below(m, DATABASES)};
    uint64_t cursor = 0;
    do
        cursor = cache_scan(m->t, s.db, cursor, 1 + below(m, 100), on_scan, &s);
    while (cursor != 0);
    for (unsigned n = 0; n < KEYS; n++) {
        const struct entry *e = &m->entry[s.db][n];
        bool there = e->there && e->expire_ms > m->now;
        ck_assert(s.count[n] <= 1);
        ck_assert(s.count[n] == there || (m->may_lose && there));
    }
}

static void op_whole(struct model *m)
{
    char key[CACHE_MAX_KEY];
    size_t len;
    switch (below(m, 8)) {
    case 0: {
        int db = (int)below(m, DATABASES);
        if (below(m, 4) != 0)
            break;
        cache_flush(m->t, db, below(m, 2) == 0);
        ck_assert_uint_eq(cache_count(m->cache, (unsigned)db), 0);
        for (unsigned n = 0; n < KEYS; n++)
            m->entry[db][n].there = false;
        break;
    }
    case 1:
        if (cache_random_key(m->t, 0, key, &len))
            ck_assert_uint_gt(cache_count(m->cache, 0), 0);
        break;
    case 2:
        ck_assert_str_eq(cache_check(m->t) == NULL ? "good" : cache_check(m->t), "good");
        break;
    case 3:
        op_scan(m);
        break;
    default:
        cache_exit(m->t);
        m->now += below(m, 2000);
        cache_tick(m->t, m->now, 20000, false);
        cache_enter(m->t, m->now);
    }
}

static void step(struct model *m)
{
    static void (*const ops[])(struct model *, struct where *) = {
        op_get,    op_get,    op_get,    op_set, op_set,   op_set,
        op_update, op_update, op_delete, op_two, op_stream};
    struct where w;
    unsigned n = below(m, 200);
    if (n == 0)
        op_whole(m);
    else
        ops[n % (sizeof ops / sizeof ops[0])](m, pick(m, &w));
    if (below(m, 50) == 0) {
        cache_exit(m->t);
        m->now += below(m, 300);
        cache_enter(m->t, m->now);
    }
}

static uint64_t option(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void run(struct cache_opts opts, uint64_t ops)
{
    struct model *m = calloc(1, sizeof *m);
    ck_assert_ptr_nonnull(m);
    m->random.state = option("ZSC_SEED", 20261124);
    printf("seed %llu\n", (unsigned long long)m->random.state);
    fflush(stdout);
    m->may_lose = opts.maxmemory != 0;
    m->now = 1000000000000;
    m->cache = cache_create(&opts);
    ck_assert_ptr_nonnull(m->cache);
    m->t = cache_thread_create(m->cache);
    ck_assert_ptr_nonnull(m->t);
    cache_enter(m->t, m->now);
    for (uint64_t i = 0; i < ops; i++)
        step(m);
    const char *wrong = cache_check(m->t);
    ck_assert_str_eq(wrong == NULL ? "good" : wrong, "good");
    cache_exit(m->t);
    cache_thread_destroy(m->t);
    cache_destroy(m->cache);
    for (unsigned db = 0; db < DATABASES; db++)
        for (unsigned n = 0; n < KEYS; n++)
            free(m->entry[db][n].value);
    free(m);
}

START_TEST(adaptive)
{
    run((struct cache_opts){.hash_seed = "model"}, option("ZSC_OPS", 25000));
}
END_TEST

START_TEST(on_write)
{
    run((struct cache_opts){.hash_seed = "model", .compression = CACHE_ON_WRITE},
        option("ZSC_OPS", 12000));
}
END_TEST

START_TEST(under_a_cap)
{
    run((struct cache_opts){.hash_seed = "model", .maxmemory = (uint64_t)40 << 20},
        option("ZSC_OPS", 12000));
}
END_TEST

START_TEST(policies)
{
    run((struct cache_opts){.hash_seed = "model",
                            .maxmemory = (uint64_t)40 << 20,
                            .policy = (enum cache_policy)_i},
        option("ZSC_OPS", 2500));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache model");
    TCase *c = tcase_create("model");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, adaptive);
    tcase_add_test(c, on_write);
    tcase_add_test(c, under_a_cap);
    tcase_add_loop_test(c, policies, CACHE_ALLKEYS_LRU, CACHE_POLICIES);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
