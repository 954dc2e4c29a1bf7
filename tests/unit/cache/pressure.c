/* Reading the system's files about memory, and what the cache does about them. The files are made
 * up. */
#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "cache/cache.h"
#include "cache_test.h"
#include "pressure.h"

#define NOW 1700000000000
#define MIB ((uint64_t)1 << 20)

/* ---- a made-up system ---- */

static char root[64];

static void put_file(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_file(const char *path, const char *format, ...)
{
    char full[256];
    va_list args;
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    ck_assert_ptr_nonnull(file);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    ck_assert_int_eq(fclose(file), 0);
}

static void put_stalls(const char *path, uint64_t some_us, uint64_t full_us)
{
    put_file(path,
             "some avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=%llu\n",
             (unsigned long long)some_us, (unsigned long long)full_us);
}

static void put_memory_left(unsigned percent)
{
    put_file("/proc/meminfo", "MemTotal:       1000000 kB\nMemFree: 7 kB\nMemAvailable: %u kB\n",
             percent * 10000);
}

static void put_number(const char *path, uint64_t n)
{
    put_file(path, "%llu\n", (unsigned long long)n);
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char inner[512];
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_all(inner);
    }
    closedir(dir);
    (void)rmdir(path);
}

static void make_root(void)
{
    strcpy(root, "/tmp/zscache-pressure-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void remove_root(void)
{
    remove_all(root);
}

/* ---- reading ---- */

START_TEST(nothing_to_read)
{
    struct pressure *p = pressure_create(root);
    ck_assert(!pressure_is_readable(p));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    pressure_destroy(p);
}
END_TEST

START_TEST(stalls_of_the_machine)
{
    put_memory_left(10);
    put_stalls("/proc/pressure/memory", 5000000, 1000000);
    struct pressure *p = pressure_create(root);
    ck_assert(pressure_is_readable(p));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE); /* what was before does not count */
    ck_assert_int_eq(pressure_read(p, NOW + 1000), PRESSURE_NONE);
    put_stalls("/proc/pressure/memory", 5150000, 1000000);
    ck_assert_int_eq(pressure_read(p, NOW + 2000), PRESSURE_SOME);
    put_stalls("/proc/pressure/memory", 5200000, 1150000);
    ck_assert_int_eq(pressure_read(p, NOW + 3000), PRESSURE_HARD);
    ck_assert_int_eq(pressure_read(p, NOW + 3000), PRESSURE_NONE);
    /* Somebody else's trouble, while there is plenty. */
    put_memory_left(60);
    put_stalls("/proc/pressure/memory", 9200000, 5150000);
    ck_assert_int_eq(pressure_read(p, NOW + 4000), PRESSURE_NONE);
    pressure_destroy(p);
}
END_TEST

START_TEST(memory_left_on_the_machine)
{
    put_memory_left(3);
    struct pressure *p = pressure_create(root);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_memory_left(1);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_SOME);
    put_memory_left(0);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_HARD);
    pressure_destroy(p);
}
END_TEST

START_TEST(a_group_of_version_2)
{
    const char *const g = "/sys/fs/cgroup/a/b/memory";
    char path[128];
#define IN(name) (snprintf(path, sizeof path, "%s.%s", g, name), path)
    put_file("/proc/self/cgroup", "0::/a/b\n");
    put_number(IN("current"), 500 * MIB);
    put_file(IN("max"), "max\n");
    put_file(IN("high"), "max\n");
    struct pressure *p = pressure_create(root);
    ck_assert(pressure_is_readable(p));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_number(IN("max"), 520 * MIB);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_SOME);
    put_number(IN("high"), 510 * MIB);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_HARD);
    /* What is in files that nobody uses can be dropped by the kernel. */
    put_file(IN("stat"), "anon 1\nactive_file 1048576\ninactive_file %llu\n",
             (unsigned long long)(200 * MIB));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_file(IN("events"), "low 0\nhigh 0\nmax 4\noom 0\noom_kill 0\n");
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_file(IN("stat"), "anon 1\nactive_file 1048576\ninactive_file %llu\n",
             (unsigned long long)(60 * MIB));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_file(IN("events"), "low 0\nhigh 0\nmax 5\noom 0\noom_kill 0\n");
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_SOME);
    put_file(IN("events"), "low 0\nhigh 0\nmax 5\noom 1\noom_kill 0\n");
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_HARD);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_stalls(IN("pressure"), 0, 0);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_stalls(IN("pressure"), 500000, 0);
    ck_assert_int_eq(pressure_read(p, NOW + 1000), PRESSURE_HARD);
    pressure_destroy(p);
#undef IN
}
END_TEST

START_TEST(a_group_above_is_full)
{
    put_file("/proc/self/cgroup", "0::/a/b\n");
    put_number("/sys/fs/cgroup/a/b/memory.current", 5 * MIB);
    put_number("/sys/fs/cgroup/a/memory.current", 99 * MIB);
    put_number("/sys/fs/cgroup/a/memory.max", 100 * MIB);
    struct pressure *p = pressure_create(root);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_HARD);
    pressure_destroy(p);
}
END_TEST

/* In a container the name of the group is that outside, and the mount is the group. */
START_TEST(a_group_of_version_1)
{
    put_file("/proc/self/cgroup", "12:cpu:/docker/x\n5:memory:/docker/x\n0::/docker/x\n");
    put_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", 95 * MIB);
    put_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", 100 * MIB);
    struct pressure *p = pressure_create(root);
    ck_assert(pressure_is_readable(p));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_SOME);
    put_file("/sys/fs/cgroup/memory/memory.stat",
             "cache 5\ntotal_inactive_file %llu\ntotal_active_file 2097152\n",
             (unsigned long long)(8 * MIB));
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    put_number("/sys/fs/cgroup/memory/memory.failcnt", 7);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_SOME);
    ck_assert_int_eq(pressure_read(p, NOW), PRESSURE_NONE);
    pressure_destroy(p);
}
END_TEST

/* ---- the cache ---- */

static struct cache *cache;
static struct cache_thread *t;
static int64_t now;

static struct cache_stats tick(unsigned seconds)
{
    struct cache_stats s;
    for (unsigned i = 0; i < seconds * 5; i++) {
        now += 200;
        cache_tick(t, now, 100000, false);
    }
    cache_stats(cache, &s);
    return s;
}

/* Goes on until no more than this is used: how much a slice gets done depends on who else wants the
 * processor. */
static struct cache_stats tick_until(uint64_t used)
{
    struct cache_stats s = tick(1);
    for (unsigned i = 0; i < 600 && s.used_memory > used; i++)
        s = tick(1);
    return s;
}

/* Goes on until the background has done all that it has to do. */
static struct cache_stats tick_until_steady(void)
{
    struct cache_stats s = tick(2);
    for (unsigned i = 0, still = 0; i < 600 && still < 3; i++) {
        uint64_t before = s.used_memory;
        s = tick(1);
        still =
            s.used_memory + MIB / 4 > before && s.used_memory < before + MIB / 4 ? still + 1 : 0;
    }
    return s;
}

/* Values that do not shrink. */
static void fill(unsigned n)
{
    struct random random = {.state = 5};
    cache_enter(t, now);
    for (unsigned i = 0; i < n; i++) {
        uint64_t value[100];
        char name[32];
        struct cache_key k;
        struct cache_source src = {.flat = value, .total = sizeof value};
        for (unsigned w = 0; w < 100; w++)
            value[w] = random_next(&random);
        size_t len = (size_t)snprintf(name, sizeof name, "k:%u", i);
        ck_assert(cache_key_init(t, &k, 0, name, len));
        ck_assert_int_eq(cache_set(t, &k, CACHE_STRING, &src, CACHE_NO_EXPIRY, 0), CACHE_OK);
    }
    cache_exit(t);
}

static void begin(struct cache_opts opts)
{
    now = NOW;
    opts.psi = true;
    opts.system_root = root;
    cache = cache_create(&opts);
    ck_assert_ptr_nonnull(cache);
    t = cache_thread_create(cache);
    ck_assert_ptr_nonnull(t);
}

static void end(void)
{
    cache_enter(t, now);
    const char *wrong = cache_check(t);
    ck_assert_str_eq(wrong == NULL ? "good" : wrong, "good");
    cache_exit(t);
    cache_thread_destroy(t);
    cache_destroy(cache);
}

START_TEST(memory_is_given_back_and_taken_again)
{
    uint64_t cap = _i == 0 ? 0 : 256 * MIB;
    put_memory_left(50);
    begin((struct cache_opts){.maxmemory = cap});
    fill(60000);
    struct cache_stats s = tick_until_steady();
    ck_assert(s.pressure == 0 && s.cap == cap && s.pressure_readable);
    uint64_t items = s.items, used = s.used_memory;

    put_memory_left(1); /* some: no growth at first, then slowly less */
    s = tick(2);
    ck_assert_uint_eq(s.pressure, 1);
    ck_assert(s.cap != 0 && s.cap <= used + MIB);
    ck_assert_uint_eq(s.pressure_times, 1);
    (void)tick(12);
    s = tick_until(used - used / 20);
    ck_assert_uint_le(s.used_memory, used - used / 20);
    ck_assert_uint_gt(s.used_memory, used / 2);

    put_memory_left(0); /* hard: down to a half, not further */
    s = tick(30);
    if (!UNDER_SANITIZER)
        s = tick_until(used / 100 * 52);
    ck_assert_uint_eq(s.pressure, 2);
    ck_assert_uint_le(s.cap, used / 100 * 52);
    ck_assert_uint_gt(s.cap, used / 100 * 45);
    ck_assert(UNDER_SANITIZER || s.used_memory <= used / 100 * 52);
    ck_assert_uint_gt(s.used_memory, used / 100 * 40);
    ck_assert_uint_lt(s.items, items);
    uint64_t low = s.cap;

    put_memory_left(50); /* it stays for a while, then rises until it is gone */
    s = tick(8);
    ck_assert(s.pressure == 1 && s.cap == low);
    s = tick(5);
    ck_assert(s.pressure == 0 && s.cap > low);
    put_memory_left(1); /* back again meanwhile */
    s = tick(2);
    ck_assert(s.pressure == 1 && s.pressure_times == 2 && s.cap <= s.used_memory + MIB);
    put_memory_left(50);
    s = tick(80);
    ck_assert(s.pressure == 0 && s.cap == cap);
    fill(60000);
    s = tick(1);
    /* A sanitizer keeps what was freed, and that counts. */
    ck_assert((UNDER_SANITIZER && cap != 0) || s.items == items);
    end();
}
END_TEST

START_TEST(without_eviction_there_is_no_ceiling)
{
    put_memory_left(0);
    begin((struct cache_opts){.maxmemory = 256 * MIB, .policy = CACHE_NOEVICTION});
    fill(20000);
    struct cache_stats s = tick(5);
    ck_assert(s.pressure == 2 && s.cap == 256 * MIB && s.items == 20000);
    end();
}
END_TEST

START_TEST(turning_it_off_lifts_the_ceiling)
{
    struct cache_opts opts = {.maxmemory = 256 * MIB};
    put_memory_left(0);
    begin(opts);
    fill(20000);
    struct cache_stats s = tick(3);
    ck_assert(s.pressure == 2 && s.cap < 256 * MIB);
    cache_configure(cache, &opts);
    s = tick(1);
    ck_assert(s.pressure == 0 && s.cap == 256 * MIB);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pressure");
    TCase *c = tcase_create("pressure");
    tcase_set_timeout(c, 0);
    tcase_add_checked_fixture(c, make_root, remove_root);
    tcase_add_test(c, nothing_to_read);
    tcase_add_test(c, stalls_of_the_machine);
    tcase_add_test(c, memory_left_on_the_machine);
    tcase_add_test(c, a_group_of_version_2);
    tcase_add_test(c, a_group_above_is_full);
    tcase_add_test(c, a_group_of_version_1);
    tcase_add_loop_test(c, memory_is_given_back_and_taken_again, 0, 2);
    tcase_add_test(c, without_eviction_there_is_no_ceiling);
    tcase_add_test(c, turning_it_off_lifts_the_ceiling);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
