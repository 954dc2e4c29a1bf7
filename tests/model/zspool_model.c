/* Random operations on a pool and on a naive model of it: an array of malloc()ed copies.
 *
 * ZSC_SEED chooses the run (printed), ZSC_OPS how many operations (default: a tenth under
 * sanitizers). */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "zspool/zspool.h"

/* ck_assert() writes to a file each time. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not so: %s", #condition);                                                \
    } while (0)

#define SLOTS 20000
#define MAPS  8

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPS_DEFAULT 500000
#else
#define OPS_DEFAULT 10000000
#endif

struct slot {
    zs_handle handle; /* 0 = free */
    size_t len;
    uint8_t *copy;
};

struct mapping {
    struct zs_map map;
    unsigned slot;
    bool freed; /* zs_free() was called while it was mapped */
    bool write;
    bool used;
    uint8_t *copy; /* what it must show; owned when freed */
    size_t len;
    uint8_t buf[ZS_MAX_ALLOC_SIZE];
};

struct model {
    struct zs_pool *pool;
    struct random random;
    struct slot slot[SLOTS];
    struct mapping mapping[MAPS];
    size_t live;
    size_t mean; /* of sizes, changing over time */
};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);
    return s == NULL ? otherwise : strtoull(s, NULL, 10);
}

static size_t random_size(struct model *m)
{
    unsigned kind = random_below(&m->random, 100);
    if (kind == 0)
        return 1 + random_below(&m->random, ZS_MAX_ALLOC_SIZE);
    if (kind < 4)
        return 1 + random_below(&m->random, 16500);
    return 1 + random_below(&m->random, (uint32_t)m->mean * 2);
}

static void fill(struct model *m, uint8_t *p, size_t len)
{
    uint64_t pattern = random_next(&m->random);
    for (size_t i = 0; i < len; i += 8)
        memcpy(p + i, &pattern, len - i < 8 ? len - i : 8);
    if (len > 0)
        p[random_below(&m->random, (uint32_t)len)] ^= 0x5a;
}

static bool is_mapped(const struct model *m, unsigned slot)
{
    for (int i = 0; i < MAPS; i++)
        if (m->mapping[i].used && !m->mapping[i].freed && m->mapping[i].slot == slot)
            return true;
    return false;
}

static void allocate(struct model *m, unsigned i)
{
    struct slot *s = &m->slot[i];
    size_t len = random_size(m);
    enum zs_status status = zs_malloc(m->pool, len, &s->handle);
    if (status == ZS_ELIMIT || status == ZS_ENOMEM) {
        s->handle = 0;
        return;
    }
    EXPECT(status == ZS_OK);
    EXPECT(s->handle != 0);
    s->len = len;
    s->copy = malloc(len);
    EXPECT(s->copy != NULL);
    fill(m, s->copy, len);
    zs_obj_write(m->pool, s->handle, 0, s->copy, len);
    m->live++;
}

/* A mapping keeps what it shows. */
static void release(struct model *m, unsigned i)
{
    struct slot *s = &m->slot[i];
    bool handed_over = false;
    for (int k = 0; k < MAPS; k++) {
        struct mapping *g = &m->mapping[k];
        if (g->used && !g->freed && g->slot == i) {
            g->freed = true;
            handed_over = true;
        }
    }
    zs_free(m->pool, s->handle);
    s->handle = 0;
    m->live--;
    if (!handed_over)
        free(s->copy);
}

static void verify(struct model *m, unsigned i)
{
    static uint8_t buf[ZS_MAX_ALLOC_SIZE];
    const struct slot *s = &m->slot[i];
    struct zs_map map;
    if (random_below(&m->random, 4) > 0) {
        const uint8_t *p = zs_obj_read_begin(m->pool, s->handle, s->len, buf, &map);
        EXPECT(memcmp(p, s->copy, s->len) == 0);
    } else {
        struct zs_segment seg[ZS_SG_MAX];
        unsigned n = zs_obj_read_sg_begin(m->pool, s->handle, s->len, seg, &map);
        size_t at = 0;
        for (unsigned k = 0; k < n; at += seg[k++].len)
            EXPECT(memcmp(seg[k].ptr, s->copy + at, seg[k].len) == 0);
        EXPECT(at == s->len);
    }
    zs_obj_read_end(m->pool, &map);
}

static void overwrite(struct model *m, unsigned i)
{
    struct slot *s = &m->slot[i];
    if (is_mapped(m, i))
        return;
    size_t off = random_below(&m->random, (uint32_t)s->len);
    size_t len = random_below(&m->random, (uint32_t)(s->len - off) + 1);
    fill(m, s->copy + off, len);
    zs_obj_write(m->pool, s->handle, off, s->copy + off, len);
}

static void end_mapping(struct model *m, struct mapping *g)
{
    if (g->write)
        fill(m, g->map.ptr, g->len);
    if (g->write)
        memcpy(g->copy, g->map.ptr, g->len);
    else
        EXPECT(memcmp(g->map.ptr, g->copy, g->len) == 0);
    zs_unmap_object(m->pool, &g->map);
    g->used = false;
    if (g->freed)
        free(g->copy);
}

static void map_or_unmap(struct model *m, unsigned i)
{
    struct mapping *g = &m->mapping[random_below(&m->random, MAPS)];
    if (g->used) {
        end_mapping(m, g);
        return;
    }
    if (is_mapped(m, i))
        return;
    *g = (struct mapping){.used = true, .slot = i, .copy = m->slot[i].copy, .len = m->slot[i].len};
    unsigned mode = random_below(&m->random, 3);
    g->write = mode != ZS_MM_RO;
    zs_map_object(m->pool, m->slot[i].handle, (enum zs_mapmode)mode, g->len, g->buf, &g->map);
    if (mode != ZS_MM_WO)
        EXPECT(memcmp(g->map.ptr, g->copy, g->len) == 0);
}

static void work(struct model *m)
{
    struct zs_budget budget = {.max_moves = random_below(&m->random, 300)};
    switch (random_below(&m->random, 4)) {
    case 0:
        zs_compact(m->pool, budget);
        break;
    case 1:
        zs_migrate(m->pool, (struct zs_budget){.max_bytes = random_below(&m->random, 1 << 20)});
        break;
    case 2:
        zs_trim(m->pool, random_below(&m->random, 500));
        break;
    default:
        zs_shrinker_scan(m->pool, random_below(&m->random, 50));
    }
}

static void step(struct model *m)
{
    unsigned i = random_below(&m->random, SLOTS);
    unsigned what = random_below(&m->random, 1000);
    if (what == 0)
        work(m);
    else if (what == 1 && random_below(&m->random, 50) == 0)
        m->mean = 8u << random_below(&m->random, 9);
    else if (m->slot[i].handle == 0)
        allocate(m, i);
    else if (what < 400)
        release(m, i);
    else if (what < 700)
        verify(m, i);
    else if (what < 850)
        overwrite(m, i);
    else
        map_or_unmap(m, i);
}

/* Empties it in random order, with compaction in between. */
static void drain(struct model *m)
{
    for (int k = 0; k < MAPS; k++)
        if (m->mapping[k].used)
            end_mapping(m, &m->mapping[k]);
    for (unsigned i = 0; i < SLOTS; i++) {
        unsigned s = (i * 7919u) % SLOTS;
        if (m->slot[s].handle != 0) {
            verify(m, s);
            release(m, s);
        }
        if (i % 2000 == 0) {
            zs_compact(m->pool, (struct zs_budget){0});
            zs_migrate(m->pool, (struct zs_budget){0});
            ck_assert_pstr_eq(zs_check(m->pool), NULL);
        }
    }
}

static void run(uint64_t seed, uint64_t ops, size_t limit)
{
    static struct model m;
    memset(&m, 0, sizeof m);
    m.pool = zs_create_pool(&(struct zs_pool_opts){.max_pages = limit});
    ck_assert_ptr_nonnull(m.pool);
    m.random.state = seed;
    m.mean = 100;
    for (uint64_t i = 0; i < ops; i++) {
        step(&m);
        if (i % (ops / 40 + 1) == 0)
            ck_assert_pstr_eq(zs_check(m.pool), NULL);
    }
    ck_assert_pstr_eq(zs_check(m.pool), NULL);
    drain(&m);
    ck_assert_uint_eq(zs_get_total_pages(m.pool), 0);
    ck_assert_uint_eq(zs_destroy_pool(m.pool, stderr), 0);
}

START_TEST(test_against_model)
{
    uint64_t seed = from_environment("ZSC_SEED", 1);
    uint64_t ops = from_environment("ZSC_OPS", OPS_DEFAULT);
    printf("seed %" PRIu64 ", %" PRIu64 " operations\n", seed, ops);
    run(seed, ops * 3 / 4, 0);
    run(seed + 1, ops / 4, 3000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("zspool model");
    TCase *c = tcase_create("model");
    tcase_set_timeout(c, 600 + (double)from_environment("ZSC_OPS", 0) / 20000);
    tcase_add_test(c, test_against_model);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
