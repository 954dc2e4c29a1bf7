/* Operations on a pool, chosen by the input, against what each object must hold.
 *
 * The input is a list of operations of four bytes: what, object, and a number of two bytes. After
 * the last one, every object is checked, then every invariant, and nothing may be left when all is
 * freed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "zspool/zspool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OBJECTS     64
#define MAPS        4
#define OPS_MOST    2000
#define CHECK_EVERY 64

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

struct object {
    zs_handle handle; /* 0 = none */
    uint32_t len;
    uint8_t mark;    /* every byte of it is that */
    uint8_t mapped;  /* how often */
    uint8_t written; /* it is mapped for writing */
};

struct mapping {
    struct zs_map map;
    struct object what; /* as it was; the object may be freed meanwhile */
    unsigned object;
    uint8_t buf[ZS_MAX_ALLOC_SIZE];
};

struct state {
    struct zs_pool *pool;
    struct object object[OBJECTS];
    struct mapping mapping[MAPS];
    unsigned fail_in; /* 0 = never */
};

static bool fail(void *arg)
{
    struct state *s = arg;
    return s->fail_in > 0 && --s->fail_in == 0;
}

static void expect_mark(const uint8_t *p, size_t len, uint8_t mark)
{
    for (size_t i = 0; i < len; i++)
        EXPECT(p[i] == mark);
}

static void write_mark(struct state *s, struct object *o, uint8_t mark)
{
    uint8_t bytes[512];
    memset(bytes, mark, sizeof bytes);
    o->mark = mark;
    for (size_t at = 0; at < o->len; at += sizeof bytes)
        zs_obj_write(s->pool, o->handle, at, bytes,
                     o->len - at < sizeof bytes ? o->len - at : sizeof bytes);
}

static void allocate(struct state *s, struct object *o, unsigned number, uint8_t mark)
{
    if (o->handle != 0)
        return;
    /* Small sizes more often. */
    size_t size = (number & 3) != 0 ? number >> 6 : (size_t)number + number / 8;
    enum zs_status status = zs_malloc(s->pool, size, &o->handle);
    EXPECT((status == ZS_EINVAL) == (size == 0));
    EXPECT((status == ZS_ETOOBIG) == (size > ZS_MAX_ALLOC_SIZE));
    if (status != ZS_OK) {
        EXPECT(o->handle == 0);
        return;
    }
    o->len = (uint32_t)size;
    o->mapped = o->written = 0;
    EXPECT(zs_usable_size(s->pool, o->handle) >= size);
    write_mark(s, o, mark);
}

static void release(struct state *s, struct object *o)
{
    zs_free(s->pool, o->handle);
    *o = (struct object){0};
}

static void verify(struct state *s, const struct object *o)
{
    static uint8_t buf[ZS_MAX_ALLOC_SIZE];
    struct zs_segment seg[ZS_SG_MAX];
    struct zs_map map;
    if (o->handle == 0 || o->written)
        return;
    expect_mark(zs_obj_read_begin(s->pool, o->handle, o->len, buf, &map), o->len, o->mark);
    zs_obj_read_end(s->pool, &map);
    unsigned n = zs_obj_read_sg_begin(s->pool, o->handle, o->len, seg, &map);
    size_t len = 0;
    for (unsigned i = 0; i < n; len += seg[i++].len)
        expect_mark(seg[i].ptr, seg[i].len, o->mark);
    EXPECT(len == o->len);
    zs_obj_read_end(s->pool, &map);
}

static void map(struct state *s, unsigned i, struct mapping *m, enum zs_mapmode mode)
{
    struct object *o = &s->object[i];
    if (o->handle == 0 || o->written || (mode != ZS_MM_RO && o->mapped > 0))
        return;
    zs_map_object(s->pool, o->handle, mode, o->len, m->buf, &m->map);
    EXPECT(m->map.ptr != NULL && m->map.len == o->len);
    m->what = *o;
    m->object = i;
    o->mapped++;
    o->written = mode != ZS_MM_RO;
}

static void unmap(struct state *s, struct mapping *m, uint8_t mark)
{
    struct object *o = &s->object[m->object];
    bool freed = o->handle != m->what.handle;
    if (m->map.mode == ZS_MM_RO || (m->map.mode == ZS_MM_RW && (mark & 1) != 0)) {
        expect_mark(m->map.ptr, m->map.len, m->what.mark);
    } else {
        memset(m->map.ptr, mark, m->map.len);
        if (!freed)
            o->mark = mark;
    }
    zs_unmap_object(s->pool, &m->map);
    m->what.handle = 0;
    if (!freed) {
        o->mapped--;
        o->written = 0;
    }
}

static void map_or_unmap(struct state *s, unsigned i, unsigned number)
{
    struct mapping *m = &s->mapping[number % MAPS];
    if (m->what.handle != 0)
        unmap(s, m, (uint8_t)(number >> 8));
    else
        map(s, i, m, (enum zs_mapmode)(number / MAPS % 3));
}

static void operate(struct state *s, const uint8_t *op)
{
    unsigned i = op[1] % OBJECTS;
    unsigned number = op[2] | (unsigned)op[3] << 8;
    switch (op[0] % 16) {
    case 0:
        zs_compact(s->pool, (struct zs_budget){.max_moves = number});
        break;
    case 1:
        zs_migrate(s->pool, (struct zs_budget){.max_bytes = number});
        break;
    case 2:
        zs_trim(s->pool, number & 0xff);
        break;
    case 3:
        zs_set_page_limit(s->pool, number & 0x3ff);
        break;
    case 4:
        s->fail_in = number & 0xf;
        break;
    case 5:
        zs_shrinker_scan(s->pool, number & 0x3f);
        break;
    case 6:
    case 7:
        release(s, &s->object[i]);
        break;
    case 8:
    case 9:
        map_or_unmap(s, i, number);
        break;
    case 10:
        verify(s, &s->object[i]);
        break;
    case 11:
        if (s->object[i].handle != 0 && s->object[i].mapped == 0)
            write_mark(s, &s->object[i], op[2]);
        break;
    default:
        allocate(s, &s->object[i], number, op[0]);
    }
}

static void finish(struct state *s)
{
    for (unsigned i = 0; i < OBJECTS; i++)
        verify(s, &s->object[i]);
    for (unsigned i = 0; i < MAPS; i++)
        if (s->mapping[i].what.handle != 0)
            unmap(s, &s->mapping[i], 0);
    for (unsigned i = 0; i < OBJECTS; i++)
        release(s, &s->object[i]);
    EXPECT(zs_check(s->pool) == NULL);
    EXPECT(zs_get_total_pages(s->pool) == 0);
    EXPECT(zs_destroy_pool(s->pool, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state s;
    if (size == 0)
        return 0;
    memset(s.object, 0, sizeof s.object);
    for (unsigned i = 0; i < MAPS; i++)
        s.mapping[i].what.handle = 0;
    s.fail_in = 0;
    s.pool = zs_create_pool(&(struct zs_pool_opts){.reserve_bytes = 2 * ZS_BLOCK_SIZE,
                                                   .chain_pages = data[0] % 17,
                                                   .fail = fail,
                                                   .fail_arg = &s});
    if (s.pool == NULL)
        return 0;
    unsigned n = 0;
    for (size_t at = 1; at + 4 <= size && n < OPS_MOST; at += 4, n++) {
        operate(&s, data + at);
        if (n % CHECK_EVERY == 0)
            EXPECT(zs_check(s.pool) == NULL);
    }
    finish(&s);
    return 0;
}
