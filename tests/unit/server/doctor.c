/* MEMORY DOCTOR: each thing that could be better has its sentence, and only then. */
#include <check.h>
#include <string.h>

#include "metrics/memory_doctor.h"

#define MIB ((uint64_t)1 << 20)

/* A cache with which nothing is wrong. */
static struct doctor_facts healthy(void)
{
    return (struct doctor_facts){
        .cache = {.items = 100000,
                  .hits = 900,
                  .misses = 100,
                  .raw_bytes = 60 * MIB,
                  .stored_bytes = 20 * MIB,
                  .key_bytes = 2 * MIB,
                  .used_memory = 30 * MIB,
                  .other_bytes = 3 * MIB,
                  .cap = 100 * MIB},
        .pool = {.pages_used = 24 * 256, .objects_bytes = 23 * MIB},
        .rss = 32 * MIB,
        .machine = 1024 * MIB,
        .maxmemory = 100 * MIB,
        .expiring = 50000,
        .cpu_percent = 25,
    };
}

static struct text text;

static bool says(const struct doctor_facts *f, const char *words)
{
    text_free(&text);
    text = (struct text){0};
    doctor_write(f, &text);
    ck_assert(!text.failed && text.bytes[text.len - 1] == '\n');
    return memmem(text.bytes, text.len, words, strlen(words)) != NULL;
}

START_TEST(what_is_there)
{
    struct doctor_facts f = healthy();
    ck_assert(says(&f, "100000 items with 60.0 MiB of values and 2.0 MiB of keys; the values are "
                       "stored in 20.0 MiB (ratio 3.00).\n"));
    ck_assert(says(&f, "Memory in use is 30.0 MiB, 30% of a cap of 100.0 MiB; the process has "
                       "32.0 MiB resident.\n"));
    ck_assert(says(&f, "items 23.0 MiB, room in their pages 1.0 MiB, free pages 0 bytes"));
    ck_assert(says(&f, "Nothing to improve.\n"));
    memset(&f, 0, sizeof f);
    ck_assert(says(&f, "0 items"));
    text_free(&text);
}
END_TEST

/* A change to the healthy cache, and what is said then. */
struct complaint {
    size_t at;      /* a uint64_t of the facts */
    uint64_t value; /* its new value */
    size_t also_at;
    uint64_t also;
    const char *words;
};

#define CACHE(field) offsetof(struct doctor_facts, cache.field)
#define FACT(field)  offsetof(struct doctor_facts, field)
#define NO           SIZE_MAX

static const struct complaint complaints[] = {
    {FACT(maxmemory), 0, CACHE(cap), 0, "No cap is set"},
    {FACT(maxmemory), 1 * MIB, CACHE(cap), 1 * MIB, "maxmemory leaves no room for data"},
    {FACT(machine), 105 * MIB, NO, 0, "maxmemory is 95% of the 105.0 MiB"},
    {CACHE(refused), 7, NO, 0, "7 writes were refused"},
    {CACHE(evicted), 9, NO, 0, "9 items were evicted to stay below the cap, and 10% of the reads"},
    {FACT(pool.objects_bytes), 18 * MIB, NO, 0, "25% of the pages of items is room"},
    {CACHE(nursery_bytes), 10 * MIB, NO, 0, "10.0 MiB of new values are not compressed yet"},
    {CACHE(incompressible), 50000, NO, 0, "50% of the values do not shrink"},
    {CACHE(dict_bytes), 5 * MIB, NO, 0, "Dictionaries and samples for training take 17%"},
    {CACHE(key_bytes), 21 * MIB, NO, 0, "Keys take more than the values"},
    {CACHE(used_memory), 95 * MIB, FACT(expiring), 0, "No key has an expiry"},
    {CACHE(charged_bytes), 6 * MIB, NO, 0, "Connections hold 6.0 MiB"},
    {FACT(rss), 60 * MIB, NO, 0, "Resident memory is 30.0 MiB more than what is counted"},
    {CACHE(lazyfree_pending), 3, NO, 0, "3 items of flushed databases"},
    {CACHE(damaged), 2, NO, 0, "2 values did not decode"},
};

static void put(struct doctor_facts *f, size_t at, uint64_t value)
{
    if (at != NO)
        memcpy((char *)f + at, &value, sizeof value);
}

START_TEST(each_complaint)
{
    const struct complaint *c = &complaints[_i];
    struct doctor_facts f = healthy();
    ck_assert(!says(&f, c->words));
    put(&f, c->at, c->value);
    put(&f, c->also_at, c->also);
    ck_assert_msg(says(&f, c->words), "%s", c->words);
    ck_assert(!says(&f, "Nothing to improve"));
    text_free(&text);
}
END_TEST

START_TEST(policies_and_modes)
{
    struct doctor_facts f = healthy();
    f.cache.used_memory = 95 * MIB;
    f.policy = CACHE_NOEVICTION;
    ck_assert(says(&f, "The cap is near and the policy is noeviction"));
    f.policy = CACHE_VOLATILE_LRU;
    ck_assert(!says(&f, "evicts only keys with an expiry"));
    f.expiring = 100;
    ck_assert(says(&f, "The policy volatile-lru evicts only keys with an expiry, which 100 of "
                       "100000 have"));
    f.cache.used_memory = 30 * MIB;
    ck_assert(!says(&f, "evicts only keys with an expiry"));
    f = healthy();
    f.compression = CACHE_UNCOMPRESSED;
    ck_assert(says(&f, "Compression is off"));
    f = healthy();
    f.cache.pressure = 2;
    f.cache.cap = 50 * MIB;
    ck_assert(says(&f, "is very short of memory, so memory is given back and the cap is lowered to "
                       "50.0 MiB for now"));
    text_free(&text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("doctor");
    TCase *c = tcase_create("doctor");
    tcase_add_test(c, what_is_there);
    tcase_add_loop_test(c, each_complaint, 0, (int)(sizeof complaints / sizeof complaints[0]));
    tcase_add_test(c, policies_and_modes);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
