/* Options as text, and mail between threads. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/mailbox.h"
#include "options/option.h"
#include "text.h"

START_TEST(sizes_of_memory)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1 = no size */
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"1b", 1},
        {"1k", 1000},
        {"1kb", 1024},
        {"2M", 2000000},
        {"2mb", 2097152},
        {"3g", 3000000000},
        {"3GB", 3221225472},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"9223372036854775807kb", -1},
        {"", -1},
        {"-1", -1},
        {" 1", -1},
        {"1 mb", -1},
        {"1tb", -1},
        {"mb", -1},
        {"1.5gb", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t bytes;
        bool ok = memory_parse(cases[i].text, &bytes);
        ck_assert_msg(ok == (cases[i].bytes >= 0), "%s", cases[i].text);
        if (ok)
            ck_assert_int_eq(bytes, cases[i].bytes);
    }
    ck_assert_int_gt(memory_of_machine(), 1 << 20);
}
END_TEST

/* What an option prints, it reads back. */
static bool reads_back(void *arg, const struct option *o)
{
    struct settings *s = arg;
    char text[4096], again[4096], error[OPTION_ERROR_MAX];
    if (o->kind == OPTION_IGNORED)
        return true;
    option_print(s, o, text, sizeof text);
    ck_assert_msg(option_set(s, o, text, error), "%s %s: %s", o->name, text, error);
    option_print(s, o, again, sizeof again);
    ck_assert_str_eq(text, again);
    ck_assert_ptr_eq(option_find(o->name, strlen(o->name)), o);
    ck_assert_str_eq(option_nearest(o->name), o->name);
    return true;
}

START_TEST(every_option)
{
    struct settings s;
    memset(&s, 0, sizeof s);
    ck_assert(options_preset(&s));
    options_each(reads_back, &s);
    ck_assert_str_eq(s.bind, "127.0.0.1 -::1");
    ck_assert_int_eq(setting_get(&s.port), 6379);
    ck_assert_int_eq(setting_get(&s.output[OUTPUT_PUBSUB].soft_seconds), 60);
    options_free(&s);
}
END_TEST

START_TEST(wrong_values)
{
    static const char *const cases[][2] = {
        {"port", "-1"},
        {"port", "65536"},
        {"port", "six"},
        {"port", ""},
        {"port", "99999999999999999999"},
        {"protected-mode", "maybe"},
        {"unixsocketperm", "888"},
        {"unixsocketperm", "1777"},
        {"maxmemory", "101%"},
        {"maxmemory", "0%"},
        {"maxmemory", "-5%"},
        {"maxmemory-policy", "none"},
        {"client-output-buffer-limit", "normal 1 2"},
        {"client-output-buffer-limit", "nobody 1 2 3"},
        {"client-output-buffer-limit", "normal 1 2 -3"},
        {"client-output-buffer-limit", "normal 1 2 9223372036854775807"},
        {"client-output-buffer-limit", ""},
    };
    struct settings s;
    char before[4096], after[4096], error[OPTION_ERROR_MAX];
    memset(&s, 0, sizeof s);
    ck_assert(options_preset(&s));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct option *o = option_find(cases[i][0], strlen(cases[i][0]));
        ck_assert_ptr_nonnull(o);
        option_print(&s, o, before, sizeof before);
        ck_assert_msg(!option_set(&s, o, cases[i][1], error), "%s %s", cases[i][0], cases[i][1]);
        ck_assert_uint_gt(strlen(error), 0);
        option_print(&s, o, after, sizeof after);
        ck_assert_str_eq(before, after);
    }
    options_free(&s);
}
END_TEST

START_TEST(nearest_names)
{
    ck_assert_str_eq(option_nearest("maxmemry"), "maxmemory");
    ck_assert_str_eq(option_nearest("trheads"), "threads");
    ck_assert_str_eq(option_nearest("max-clients"), "maxclients");
    ck_assert_ptr_null(option_nearest("what-is-this"));
    ck_assert_ptr_null(option_find("nosuch", 6));
    ck_assert_ptr_nonnull(option_find("MaxMemory", 9));
}
END_TEST

START_TEST(growing_text)
{
    struct text t = {0};
    for (int i = 0; i < 1000; i++)
        text_printf(&t, "%d %s,", i, "0123456789012345678901234567890123456789");
    ck_assert(!t.failed);
    ck_assert_uint_eq(t.len, strlen(t.bytes));
    ck_assert_uint_eq(t.len, (size_t)1000 * 42 + 10 + 180 + 2700);
    text_free(&t);
}
END_TEST

#define POSTERS 3
#define MAILS   2000

static void *post(void *arg)
{
    for (unsigned i = 0; i < MAILS; i++) {
        struct mail *m = mail_create(MAIL_KILL, sizeof i);
        ck_assert_ptr_nonnull(m);
        memcpy(m->bytes, &i, sizeof i);
        mailbox_post(arg, m);
    }
    return NULL;
}

/* Nothing is lost, and the descriptor says so whenever something is there. */
START_TEST(mail_from_several_threads)
{
    struct mailbox box;
    pthread_t threads[POSTERS];
    unsigned taken = 0;
    ck_assert(mailbox_init(&box));
    for (unsigned i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post, &box), 0);
    while (taken < POSTERS * MAILS) {
        for (struct mail *m = mailbox_take(&box), *next; m != NULL; m = next) {
            next = m->next;
            taken++;
            free(m);
        }
    }
    for (unsigned i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_ptr_null(mailbox_take(&box));
    mailbox_close(&box);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("options");
    tcase_add_test(t, sizes_of_memory);
    tcase_add_test(t, every_option);
    tcase_add_test(t, wrong_values);
    tcase_add_test(t, nearest_names);
    tcase_add_test(t, growing_text);
    tcase_add_test(t, mail_from_several_threads);
    Suite *s = suite_create("server_options");
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
