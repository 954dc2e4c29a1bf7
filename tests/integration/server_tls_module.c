/* The module of TLS: not loaded by a server that has no use for it, found beside the executable or
 * where it is installed, refused when it is something else. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static char dir[64];

/* Runs a shell command in the folder of the test; returns what it printed. */
static const char *shell(const char *command)
{
    static char out[8192];
    char line[1024];
    ck_assert_int_lt(snprintf(line, sizeof line, "cd %s && { %s\n} 2>&1", dir, command),
                     (int)sizeof line);
    FILE *f = popen(line, "r"); /* NOLINT: a command of our own */
    ck_assert_ptr_nonnull(f);
    size_t len = fread(out, 1, sizeof out - 1, f);
    out[len] = '\0';
    (void)pclose(f);
    return out;
}

/* An installation with nothing but the executable, which gets no further than its certificates. */
static void make(void)
{
    snprintf(dir, sizeof dir, "/tmp/zscache-module-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_str_eq(shell("mkdir -p bin lib/zscache && cp " ZSC_SERVER_PATH " bin/server"), "");
}

static void discard(void)
{
    ck_assert_str_eq(shell("rm -r bin lib && rmdir $PWD"), "");
}

#define START  "bin/server --port 0 --tls-port 1"
#define LOADED "zscache-server: TLS: tls-cert-file and tls-key-file must be given\n"

START_TEST(is_not_loaded_for_nothing)
{
    struct instance s;
    char path[64], line[512];
    instance_start(&s, NULL);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)s.pid);
    FILE *maps = fopen(path, "re");
    ck_assert_ptr_nonnull(maps);
    int lines = 0;
    for (; fgets(line, sizeof line, maps) != NULL; lines++)
        ck_assert_msg(strstr(line, "zscache-tls") == NULL && strstr(line, "libcrypto") == NULL &&
                          strstr(line, "libssl") == NULL,
                      "%s", line);
    ck_assert_int_gt(lines, 0);
    (void)fclose(maps);
    ck_assert_int_eq(instance_stop(&s), 0);
}
END_TEST

START_TEST(is_missing)
{
    char wanted[512];
    snprintf(wanted, sizeof wanted,
             "zscache-server: TLS: tls-port needs a module, which is neither %s/bin/zscache-tls.so "
             "nor %s/bin/../lib/zscache/zscache-tls.so\n",
             dir, dir);
    ck_assert_str_eq(shell(START), wanted);
    ck_assert_str_eq(shell(START " >/dev/null 2>&1; echo $?"), "1\n");
}
END_TEST

START_TEST(is_found)
{
    ck_assert_str_eq(shell("cp " ZSC_MODULE_PATH " lib/zscache/ && " START), LOADED);
    ck_assert_str_eq(shell("mv lib/zscache/zscache-tls.so bin/ && " START), LOADED);
    /* By another name of the executable, too. */
    ck_assert_str_eq(shell("ln -s $PWD/bin/server lib/server && lib/server --tls-port 1"), LOADED);
}
END_TEST

START_TEST(is_something_else)
{
    ck_assert_ptr_nonnull(strstr(shell("echo text >bin/zscache-tls.so; " START),
                                 "/bin/zscache-tls.so: file too short"));
    /* Any library that has no such symbol. */
    ck_assert_ptr_nonnull(
        strstr(shell("cp $(ldd bin/server | sed -n 's/.*libm.so.* => \\([^ ]*\\) .*/\\1/p')"
                     " bin/zscache-tls.so; " START),
               "undefined symbol: zscache_tls_module"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_tls_module");
    TCase *t = tcase_create("module");
    tcase_add_checked_fixture(t, make, discard);
    tcase_add_test(t, is_not_loaded_for_nothing);
    tcase_add_test(t, is_missing);
    tcase_add_test(t, is_found);
    tcase_add_test(t, is_something_else);
    suite_add_tcase(suite, t);
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
