/* A dictionary is shared: threads that meet its unmade forms at once all get right answers. */
#include "codec/codec.h"

#include "values.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 12, VALUES = 60, LEN_MAX = 2000 };

struct job {
    const struct codec_dict *dict;
    pthread_barrier_t *start;
    uint64_t seed;
    bool ok;
};

static bool come_back(struct codec_ctx *ctx, const struct job *job)
{
    uint8_t raw[LEN_MAX], coded[LEN_MAX], back[LEN_MAX];
    for (uint64_t i = 0; i < VALUES; i++) {
        size_t len = 50 + (size_t)(job->seed + i) * 67 % (LEN_MAX - 50);
        value_text(job->seed + i, raw, len);
        enum codec_id id;
        enum codec_effort effort = i % 4 ? CODEC_CLOSE : CODEC_FAST;
        size_t n = codec_encode(ctx, effort, job->dict, raw, len, coded, len, &id);
        if (n == 0 || !codec_decode(ctx, id, job->dict, coded, n, back, len) ||
            memcmp(raw, back, len) != 0 || codec_dict_bytes(job->dict) < 4096)
            return false;
    }
    return true;
}

static void *work(void *arg)
{
    struct job *job = arg;
    struct codec_ctx *ctx = codec_ctx_create();
    pthread_barrier_wait(job->start);
    job->ok = ctx && come_back(ctx, job);
    codec_ctx_destroy(ctx);
    return NULL;
}

START_TEST(first_use_at_once)
{
    static uint8_t bytes[16384];
    value_text(1, bytes, sizeof(bytes));
    pthread_barrier_t start;
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct codec_dict *dict = codec_dict_create(bytes, sizeof(bytes));
        ck_assert_ptr_nonnull(dict);
        pthread_t threads[THREADS];
        struct job jobs[THREADS];
        for (unsigned i = 0; i < THREADS; i++) {
            jobs[i] = (struct job){dict, &start, round * 100 + i, false};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert(jobs[i].ok);
        }
        codec_dict_destroy(dict);
    }
    pthread_barrier_destroy(&start);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec threads");
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, first_use_at_once);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
