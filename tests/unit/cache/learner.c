/* Training, adoption, retirement and the budget, with values as a cache sees them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "learner.h"

#define RANK 1

struct bench {
    struct learner *l;
    struct codec_ctx *ctx;
    struct random random;
    int64_t now;
};

static struct bench begin(void)
{
    struct bench b = {learner_create(1, RANK), codec_ctx_create(), {7}, 1000};
    ck_assert_ptr_nonnull(b.l);
    ck_assert_ptr_nonnull(b.ctx);
    learner_set_budget(b.l, 4 << 20);
    return b;
}

static void end(struct bench *b)
{
    codec_ctx_destroy(b->ctx);
    learner_destroy(b->l);
}

/* A record of one of two kinds that share nothing. */
static int record(struct bench *b, int kind, char *out, size_t cap)
{
    unsigned n = random_below(&b->random, 1000000);
    if (kind == 0)
        return snprintf(out, cap,
                        "{\"id\":%u,\"name\":\"user-%u\",\"email\":\"user%u@mail.invalid\","
                        "\"active\":true,\"role\":\"member\"}",
                        n, n / 3, n / 7);
    return snprintf(out, cap, "<li class=entry><a href=/page/%u>Page %u</a><span>%u</span></li>", n,
                    n / 5, n / 11);
}

/* Encodes n values as a cache would; returns stored/raw. */
static double encode(struct bench *b, const char *prefix, int kind, int n)
{
    size_t raw = 0;
    size_t stored = 0;
    for (int i = 0; i < n; i++) {
        char key[64];
        char value[256];
        uint8_t coded[256];
        enum codec_id id;
        size_t key_len = (size_t)snprintf(key, sizeof key, "%s%d", prefix, i);
        size_t len = (size_t)record(b, kind, value, sizeof value);
        struct learner_choice choice;
        learner_choose(b->l, key, key_len, len, true, &choice);
        if (choice.wanted)
            learner_sample(b->l, &choice, value, len, b->now);
        size_t got =
            codec_encode(b->ctx, CODEC_HASTY, choice.dict, value, len, coded, sizeof coded, &id);
        learner_coded(b->l, &choice, len, got ? got : len);
        raw += len;
        stored += got ? got : len;
    }
    return (double)stored / (double)raw;
}

static void train_all(struct bench *b)
{
    b->now += 5000;
    while (learner_train(b->l, b->ctx, b->now))
        ;
}

START_TEST(test_a_dictionary_is_learned)
{
    struct bench b = begin();
    double before = encode(&b, "user:", 0, 20000);
    ck_assert(learner_is_waiting(b.l, b.now));
    train_all(&b);
    ck_assert(!learner_is_waiting(b.l, b.now));
    ck_assert_uint_ge(learner_count(b.l), 1);
    ck_assert_uint_eq(learner_trainings(b.l), learner_count(b.l));
    double after = encode(&b, "user:", 0, 1000);
    ck_assert(after < before * 0.7);
    unsigned id = learner_current(b.l, "user:5", 6);
    ck_assert_uint_ne(id, 0);
    ck_assert_ptr_nonnull(learner_dict(b.l, id));
    end(&b);
}
END_TEST

START_TEST(test_few_values_are_not_worth_a_dictionary)
{
    struct bench b = begin();
    encode(&b, "user:", 0, 100);
    train_all(&b);
    ck_assert_uint_eq(learner_count(b.l), 0);
    end(&b);
}
END_TEST

START_TEST(test_random_values_are_not_worth_a_dictionary)
{
    struct bench b = begin();
    for (int i = 0; i < 20000; i++) {
        uint64_t value[16];
        struct learner_choice choice;
        for (int j = 0; j < 16; j++)
            value[j] = random_next(&b.random);
        learner_choose(b.l, "user:1", 6, sizeof value, true, &choice);
        if (choice.wanted)
            learner_sample(b.l, &choice, value, sizeof value, b.now);
    }
    train_all(&b);
    ck_assert_uint_eq(learner_count(b.l), 0);
    end(&b);
}
END_TEST

/* Numbers of 13 digits under keys of `digits` digits; returns how many dictionaries there are. */
static unsigned learn_numbers(int digits)
{
    struct bench b = begin();
    for (int i = 0; i < 600000; i++) {
        char key[64], value[32];
        struct learner_choice choice;
        size_t key_len = (size_t)snprintf(key, sizeof key, "n:%0*d", digits, i);
        size_t len = (size_t)snprintf(value, sizeof value, "17%011llu",
                                      (unsigned long long)(random_next(&b.random) % 100000000000));
        learner_choose(b.l, key, key_len, len, true, &choice);
        if (choice.wanted)
            learner_sample(b.l, &choice, value, len, b.now);
    }
    train_all(&b);
    unsigned n = learner_count(b.l);
    end(&b);
    return n;
}

/* What makes a value shorter is worth nothing when the smallest object of the pool holds it and its
 * key as they are. */
START_TEST(test_the_smallest_objects_are_not_worth_a_dictionary)
{
    ck_assert_uint_eq(learn_numbers(8), 0);
    ck_assert_uint_eq(learn_numbers(40), 1);
}
END_TEST

START_TEST(test_drift_leads_to_a_new_dictionary)
{
    struct bench b = begin();
    encode(&b, "doc:", 0, 20000);
    train_all(&b);
    unsigned first = learner_current(b.l, "doc:5", 5);
    ck_assert_uint_ne(first, 0);
    double drifted = encode(&b, "doc:", 1, 60000);
    train_all(&b);
    unsigned second = learner_current(b.l, "doc:5", 5);
    ck_assert_uint_ne(second, first);
    ck_assert(learner_is_retired(b.l, first));
    ck_assert(encode(&b, "doc:", 1, 1000) < drifted * 0.8);

    uint8_t retired[LEARNER_DICTS];
    unsigned n = learner_retired(b.l, retired);
    ck_assert_uint_ge(n, 1);
    size_t bytes = learner_bytes(b.l);
    for (unsigned i = 0; i < n; i++)
        learner_free(b.l, retired[i]);
    ck_assert_ptr_null(learner_dict(b.l, first));
    ck_assert_uint_lt(learner_bytes(b.l), bytes);
    end(&b);
}
END_TEST

START_TEST(test_asked_and_dropped)
{
    struct bench b = begin();
    static struct learner_items none[LEARNER_DICTS];
    struct cache_dict_info info[8];
    encode(&b, "user:", 0, 20000);
    train_all(&b);
    size_t n = learner_list(b.l, none, info, 8, b.now);
    ck_assert_uint_eq(n, learner_count(b.l));
    ck_assert(info[0].current);
    ck_assert_uint_gt(info[0].size, 0);
    ck_assert(!learner_ask(b.l, "nobody", 6));
    ck_assert(learner_ask(b.l, info[0].family, strlen(info[0].family)));
    ck_assert(learner_drop(b.l, NULL, 0));
    ck_assert_uint_eq(learner_current(b.l, "user:5", 6), 0);
    ck_assert(learner_ask(b.l, NULL, 0));
    encode(&b, "user:", 0, 2000);
    train_all(&b);
    ck_assert_uint_ne(learner_current(b.l, "user:5", 6), 0);
    end(&b);
}
END_TEST

START_TEST(test_budget_holds)
{
    struct bench b = begin();
    learner_set_budget(b.l, 1 << 20);
    for (int f = 0; f < 40; f++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "kind%c:", 'a' + f % 26);
        encode(&b, prefix, f % 2, 3000);
        train_all(&b);
        ck_assert_uint_le(learner_bytes(b.l), (5u << 20) / 2);
    }
    end(&b);
}
END_TEST

/* Offers values as the walk over the index does; they stand for a part of all there is. */
static void gather(struct bench *b, int n, double part)
{
    ck_assert(learner_gather_begin(b->l));
    ck_assert(!learner_gather_begin(b->l));
    for (int i = 0; i < n; i++) {
        char key[64], value[256];
        size_t key_len = (size_t)snprintf(key, sizeof key, "user:%d", i);
        size_t len = (size_t)record(b, 0, value, sizeof value);
        struct learner_choice choice;
        if (learner_gather_wants(b->l, key, key_len, len, len, &choice))
            learner_sample(b->l, &choice, value, len, b->now);
    }
    learner_gather_part(b->l, part);
}

START_TEST(test_what_is_held_is_gathered)
{
    struct bench b = begin();
    struct cache_dict_info info;
    static const struct learner_items none[LEARNER_DICTS];
    encode(&b, "user:", 0, 100);
    gather(&b, 4000, 1.0 / 64); /* so there must be 20 MB */
    ck_assert(learner_train(b.l, b.ctx, b.now));
    ck_assert_uint_eq(learner_list(b.l, none, &info, 1, b.now), 1);
    ck_assert_uint_gt(info.size, 16 << 10);
    end(&b);
}
END_TEST

START_TEST(test_too_little_is_given_up)
{
    struct bench b = begin();
    encode(&b, "user:", 0, 300);
    gather(&b, 10, 1);
    b.now += 60000;
    ck_assert(!learner_train(b.l, b.ctx, b.now));
    encode(&b, "user:", 0, 100);
    ck_assert(!learner_gather_begin(b.l)); /* not for so little more */
    encode(&b, "user:", 0, 400);
    gather(&b, 4000, 1);
    ck_assert(learner_train(b.l, b.ctx, b.now));
    end(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("learner");
    TCase *c = tcase_create("learner");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, test_a_dictionary_is_learned);
    tcase_add_test(c, test_few_values_are_not_worth_a_dictionary);
    tcase_add_test(c, test_random_values_are_not_worth_a_dictionary);
    tcase_add_test(c, test_the_smallest_objects_are_not_worth_a_dictionary);
    tcase_add_test(c, test_drift_leads_to_a_new_dictionary);
    tcase_add_test(c, test_asked_and_dropped);
    tcase_add_test(c, test_budget_holds);
    tcase_add_test(c, test_what_is_held_is_gathered);
    tcase_add_test(c, test_too_little_is_given_up);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
