/* Every allocation fails once, of the heap as of the pool: each operation is then done or not done,
 * the old value is intact, and nothing is lost, but for what cannot be decoded without memory: that
 * is dropped like a damaged value. Then the same with all that follow failing, too. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/* Check allocates, too: it is called only while this is not armed. */
static struct {
    bool armed, onwards;
    unsigned left; /* until the one that fails */
    unsigned failed;
} fault;

static bool fails(void)
{
    if (!fault.armed || (fault.left > 0 && --fault.left > 0) || (fault.failed && !fault.onwards))
        return false;
    fault.failed++;
    return true;
}

static bool pool_fails(void *arg)
{
    (void)arg;
    return fails();
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* libzstd's trainer does not look at what it allocates; so the codec looks before whether there is
 * room for all of it. */
struct trainer;
size_t __real_ZDICT_optimizeTrainFromBuffer_fastCover(void *dict, size_t max, const void *samples,
                                                      const size_t *lens, unsigned n,
                                                      struct trainer *how);
size_t __wrap_ZDICT_optimizeTrainFromBuffer_fastCover(void *dict, size_t max, const void *samples,
                                                      const size_t *lens, unsigned n,
                                                      struct trainer *how);
size_t __wrap_ZDICT_optimizeTrainFromBuffer_fastCover(void *dict, size_t max, const void *samples,
                                                      const size_t *lens, unsigned n,
                                                      struct trainer *how)
{
    bool armed = fault.armed;
    fault.armed = false;
    size_t len = __real_ZDICT_optimizeTrainFromBuffer_fastCover(dict, max, samples, lens, n, how);
    fault.armed = armed;
    return len;
}

#define NOW  1700000000000
#define KEYS 12
#define MOST 60000

/* What the cache must hold. */
static struct {
    bool there;
    size_t len;
    uint8_t byte; /* all of them */
} model[2][KEYS];
static struct cache *cache;
static struct cache_thread *t;
static int64_t now;
static uint8_t bytes[MOST], got[MOST];
static char wrong[200];

static void expect(bool right, const char *what)
{
    if (!right && wrong[0] == '\0')
        snprintf(wrong, sizeof wrong, "%s", what);
}

static struct cache_key key(unsigned db, unsigned i)
{
    static char name[KEYS][16];
    struct cache_key k;
    int len = snprintf(name[i], sizeof name[i], "family:%u", i);
    cache_key_init(t, &k, db, name[i], (size_t)len);
    return k;
}

static void store(unsigned db, unsigned i, size_t len, uint8_t byte, int64_t expire_ms)
{
    struct cache_key k = key(db, i);
    struct cache_source src = {.flat = bytes, .total = len};
    memset(bytes, byte, len);
    enum cache_status status = cache_set(t, &k, CACHE_STRING, &src, expire_ms, 0);
    expect(status == CACHE_OK || status == CACHE_OOM, "a store gave an odd status");
    if (status != CACHE_OK)
        return;
    model[db][i].there = true;
    model[db][i].len = len;
    model[db][i].byte = byte;
}

/* The same byte behind the end, or over a part. */
static void patch(unsigned i, size_t off, size_t len)
{
    struct cache_key k = key(0, i);
    struct cache_source src = {.flat = bytes, .total = len};
    struct cache_update u;
    size_t new_len = 0;
    cache_update_begin(t, &k, &u);
    expect(u.found == model[0][i].there, "an item is lost, or came back");
    if (!u.found || off > model[0][i].len) {
        cache_update_end(t, &u);
        return;
    }
    memset(bytes, model[0][i].byte, len);
    enum cache_status status = cache_update_patch(t, &u, off, &src, &new_len);
    cache_update_end(t, &u);
    expect(status != CACHE_UNMET && status != CACHE_TOOBIG, "a patch gave an odd status");
    if (status == CACHE_DAMAGED)
        model[0][i].there = false;
    if (status == CACHE_OK && off + len > model[0][i].len)
        model[0][i].len = off + len;
}

static void expire(unsigned i, int64_t expire_ms)
{
    struct cache_key k = key(0, i);
    struct cache_update u;
    cache_update_begin(t, &k, &u);
    if (u.found) {
        enum cache_status status = cache_update_expire(t, &u, expire_ms);
        expect(status == CACHE_OK || status == CACHE_OOM, "an expiry gave an odd status");
    }
    cache_update_end(t, &u);
}

static void remove_key(unsigned i)
{
    struct cache_key k = key(0, i);
    expect((cache_delete(t, &k) == CACHE_OK) == model[0][i].there, "a deletion went wrong");
    model[0][i].there = false;
}

static bool all_are(size_t len, uint8_t byte)
{
    for (size_t i = 0; i < len; i++)
        if (got[i] != byte)
            return false;
    return true;
}

static void stream(unsigned i)
{
    struct cache_key k = key(0, i);
    struct cache_view v;
    if (cache_get(t, &k, CACHE_GET_TOUCH, &v) != CACHE_OK)
        return;
    struct cache_stream *s = v.segmented ? cache_stream_open(t, &v) : NULL;
    if (s == NULL) {
        cache_view_end(t, &v);
        return;
    }
    for (size_t len; cache_stream_left(s) > 0;) {
        if (cache_stream_next(t, s, got, &len) != CACHE_OK) {
            model[0][i].there = false;
            break;
        }
        expect(all_are(len, model[0][i].byte), "a stream gave wrong bytes");
    }
    cache_stream_close(t, s);
}

static void lock_all(void)
{
    struct cache_key keys[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = key(0, i);
    if (cache_lock_keys(t, keys, KEYS) != CACHE_OK)
        return;
    store(0, 1, 300, 'L', CACHE_NO_EXPIRY);
    cache_unlock_keys(t);
}

static void pass(int64_t ms)
{
    now += ms;
    cache_exit(t);
    for (int i = 0; i < 4 && cache_tick(t, now, 10000, false) == 0; i++)
        continue;
    cache_enter(t, now);
}

static void work(void)
{
    for (unsigned i = 0; i < KEYS; i++)
        store(0, i, i % 4 == 3 ? 20000 + i : 50 + i * 40, (uint8_t)('a' + i), CACHE_NO_EXPIRY);
    for (unsigned i = 0; i < KEYS; i += 2)
        store(0, i, 700, (uint8_t)('A' + i), now + 1000000);
    for (unsigned i = 0; i < KEYS; i += 3)
        patch(i, i % 2 ? 10 : 30, 17000);
    for (unsigned i = 0; i < KEYS; i += 5)
        expire(i, now + 2000000);
    pass(2000);
    for (unsigned i = 0; i < KEYS; i++)
        stream(i);
    lock_all();
    remove_key(7);
    store(1, 3, 100, 'z', CACHE_NO_EXPIRY);
    pass(20000);
    for (unsigned i = 1; i < KEYS; i += 4)
        store(0, i, 90, 'q', CACHE_NO_EXPIRY);
    cache_flush(t, 1, false);
    memset(model[1], 0, sizeof model[1]);
    pass(2000);
}

static void verify(unsigned db, unsigned i)
{
    struct cache_key k = key(db, i);
    struct cache_view v;
    bool there = cache_get(t, &k, 0, &v) == CACHE_OK;
    expect(there == model[db][i].there, "an item is lost, or came back");
    if (!there)
        return;
    expect(v.raw_len == model[db][i].len, "a value has a wrong length");
    if (v.raw_len == model[db][i].len)
        expect(cache_view_read(t, &v, 0, v.raw_len, got) == CACHE_OK &&
                   all_are(v.raw_len, model[db][i].byte),
               "a value is wrong");
    cache_view_end(t, &v);
}

static void verify_all(void)
{
    for (unsigned db = 0; db < 2; db++)
        for (unsigned i = 0; i < KEYS; i++)
            verify(db, i);
    const char *what = cache_check(t);
    expect(what == NULL, what == NULL ? "" : what);
    /* And it goes on as if nothing had been. */
    store(0, 0, 50000, '!', CACHE_NO_EXPIRY);
    expect(model[0][0].byte == '!', "there is memory again, but not for a store");
    verify(0, 0);
}

static bool run(unsigned nth, bool onwards, enum cache_compression compression, bool creating)
{
    struct cache_opts opts = {
        .compression = compression, .hash_seed = "no memory", .pool_fail = pool_fails};
    memset(model, 0, sizeof model);
    wrong[0] = '\0';
    now = NOW;
    fault.left = nth;
    fault.failed = 0;
    fault.onwards = onwards;
    fault.armed = creating;
    cache = cache_create(&opts);
    t = cache == NULL ? NULL : cache_thread_create(cache);
    if (t != NULL) {
        cache_enter(t, now);
        fault.armed = !creating;
        work();
    }
    fault.armed = false;
    if (t != NULL) {
        verify_all();
        cache_exit(t);
        cache_thread_destroy(t);
    }
    cache_destroy(cache);
    if (wrong[0] != '\0')
        ck_abort_msg("allocation %u%s: %s", nth, onwards ? " and all after it" : "", wrong);
    return fault.failed > 0;
}

START_TEST(every_allocation_fails)
{
    static const enum cache_compression modes[] = {CACHE_ADAPTIVE, CACHE_ON_WRITE};
    unsigned n = 1;
    bool onwards = _i % 2 == 1;
    while (run(n, onwards, modes[_i / 2], false))
        n++;
    ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(creating_fails)
{
    unsigned n = 1;
    while (run(n, false, CACHE_ADAPTIVE, true))
        n++;
    ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cache without memory");
    TCase *c = tcase_create("no memory");
    tcase_set_timeout(c, 0);
    tcase_add_loop_test(c, every_allocation_fails, 0, 4);
    tcase_add_test(c, creating_fails);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
