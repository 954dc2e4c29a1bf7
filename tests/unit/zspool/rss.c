/* What the pool says it holds is what the system says. */
#include "pool_test.h"

#include <string.h>
#include <unistd.h>

#define OBJECTS 400000

/* Resident bytes of this process. */
static size_t rss(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long total = 0;
    unsigned long resident = 0;
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2)
        ck_abort_msg("no /proc/self/statm");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void expect_told(const struct zs_pool *pool, size_t before)
{
    double held = (double)rss() - (double)before;
    double told = (double)zs_resident_bytes(pool);
    ck_assert_double_ge_tol(held, told * 0.98 - 1e6, 1);
    ck_assert_double_le_tol(held, told * 1.02 + 1e6, 1);
}

START_TEST(test_resident_bytes)
{
    static zs_handle handle[OBJECTS];
    static uint8_t bytes[600];
    memset(handle, 1, sizeof handle); /* so that it is not counted */
    struct random random = {1};
    size_t before = rss();
    struct zs_pool *pool = new_pool();
    for (unsigned i = 0; i < OBJECTS; i++) {
        size_t size = 1 + random_below(&random, sizeof bytes);
        handle[i] = get(pool, size);
        zs_obj_write(pool, handle[i], 0, bytes, size);
    }
    expect_told(pool, before);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 3 != 0)
            zs_free(pool, handle[i]);
    expect_told(pool, before);
    size_t full = rss();
    zs_compact(pool, (struct zs_budget){0});
    expect_told(pool, before);
    zs_migrate(pool, (struct zs_budget){0});
    zs_trim(pool, 0);
    expect_told(pool, before);
    ck_assert_uint_lt(rss() - before, (full - before) / 2); /* it did go back */
    for (unsigned i = 0; i < OBJECTS; i += 3)
        zs_free(pool, handle[i]);
    destroy_empty(pool);
    ck_assert_uint_lt(rss(), before + (4u << 20));
}
END_TEST

static void add(TCase *c)
{
    tcase_add_test(c, test_resident_bytes);
}

int main(void)
{
    return run_suite("zspool rss", add);
}
