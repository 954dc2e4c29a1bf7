/* Users and their rules: what rules become, which are refused, what they allow. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "acl/acl_check.h"
#include "acl/acl_log.h"

static struct command_table *table;
static struct acl_rules rules;

static void begin(void)
{
    table = command_table_create();
    ck_assert_ptr_nonnull(table);
    rules = (struct acl_rules){.commands = table};
}

static void end(void)
{
    command_table_destroy(table);
}

/* Applies the words of the text. */
static enum acl_error apply(struct acl_user *u, const char *text)
{
    struct acl_word words[32], bad;
    char copy[512], *rest = NULL;
    size_t n = 0;
    bool open;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
        words[n++] = (struct acl_word){w, strlen(w)};
    return acl_user_apply(u, &rules, words, n, &bad, &open);
}

static struct acl_user *user_of(const char *text)
{
    struct acl_user *u = acl_user_create("u", 1, false);
    ck_assert_ptr_nonnull(u);
    ck_assert_msg(apply(u, text) == ACL_OK, "%s", text);
    acl_user_finish(u);
    return u;
}

#define X_HASH "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

START_TEST(rules_are_printed)
{
    static const char *const cases[][2] = {
        {"", "user u off sanitize-payload resetchannels -@all"},
        {"on nopass ~* &* +@all", "user u on nopass sanitize-payload ~* &* +@all"},
        {"ON NoPass AllKeys AllChannels AllCommands",
         "user u on nopass sanitize-payload ~* &* +@all"},
        {"on >x", "user u on sanitize-payload #" X_HASH " resetchannels -@all"},
        {">x >x #" X_HASH, "user u off sanitize-payload #" X_HASH " resetchannels -@all"},
        {">x <x", "user u off sanitize-payload resetchannels -@all"},
        {">x !" X_HASH, "user u off sanitize-payload resetchannels -@all"},
        {"nopass >x", "user u off sanitize-payload #" X_HASH " resetchannels -@all"},
        {">x nopass", "user u off nopass sanitize-payload resetchannels -@all"},
        {"nopass resetpass", "user u off sanitize-payload resetchannels -@all"},
        {"skip-sanitize-payload", "user u off skip-sanitize-payload resetchannels -@all"},
        {"~a ~b ~a", "user u off sanitize-payload ~a ~b resetchannels -@all"},
        {"%R~a %W~b %rw~c", "user u off sanitize-payload %R~a %W~b ~c resetchannels -@all"},
        {"%R~a %W~a", "user u off sanitize-payload ~a resetchannels -@all"},
        {"~a allkeys", "user u off sanitize-payload ~* resetchannels -@all"},
        {"~* resetkeys ~b", "user u off sanitize-payload ~b resetchannels -@all"},
        {"&a &b", "user u off sanitize-payload resetchannels &a &b -@all"},
        {"&a &*", "user u off sanitize-payload &* -@all"},
        {"&* resetchannels &c", "user u off sanitize-payload resetchannels &c -@all"},
        {"+get +SET -get", "user u off sanitize-payload resetchannels -@all +set -get"},
        {"+@read -get +@READ", "user u off sanitize-payload resetchannels -@all -get +@read"},
        {"+config|get +config", "user u off sanitize-payload resetchannels -@all +config"},
        {"+config -config|set +config|set",
         "user u off sanitize-payload resetchannels -@all +config +config|set"},
        {"+get +@all -set", "user u off sanitize-payload resetchannels +@all -set"},
        {"+@all -set nocommands", "user u off sanitize-payload resetchannels -@all"},
        {"+select|0 +select|1",
         "user u off sanitize-payload resetchannels -@all +select|0 +select|1"},
        {"+zadd -debug +cluster|info",
         "user u off sanitize-payload resetchannels -@all +zadd -debug +cluster|info"},
        {"+get ~a (+set ~b) (%R~c +get)",
         "user u off sanitize-payload ~a resetchannels -@all +get (~b resetchannels -@all +set) "
         "(%R~c resetchannels -@all +get)"},
        {"(+get) clearselectors", "user u off sanitize-payload resetchannels -@all"},
        {"on >x ~a &b +get (+set) reset", "user u off sanitize-payload resetchannels -@all"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct acl_user *u = user_of(cases[i][0]), *again;
        struct text t = {0}, t2 = {0};
        acl_user_print(u, &t);
        ck_assert_msg(strcmp(t.bytes, cases[i][1]) == 0, "%s: %s", cases[i][0], t.bytes);
        /* What is printed makes the same user, and so does a copy. */
        again = user_of(t.bytes + strlen("user u "));
        acl_user_print(again, &t2);
        ck_assert_str_eq(t.bytes, t2.bytes);
        ck_assert(acl_user_release(again));
        again = acl_user_copy(u);
        t2.len = 0;
        acl_user_print(again, &t2);
        ck_assert_str_eq(t.bytes, t2.bytes);
        ck_assert(acl_user_release(again));
        ck_assert(acl_user_release(u));
        text_free(&t);
        text_free(&t2);
    }
}
END_TEST

START_TEST(wrong_rules_are_refused)
{
    static const struct {
        const char *text;
        enum acl_error error;
    } cases[] = {
        {"nonsense", ACL_SYNTAX},
        {"+nosuch", ACL_UNKNOWN},
        {"-nosuch", ACL_UNKNOWN},
        {"+", ACL_UNKNOWN},
        {"+@nosuch", ACL_UNKNOWN},
        {"+@", ACL_UNKNOWN},
        {"+get|", ACL_SYNTAX},
        {"-select|0", ACL_UNKNOWN},
        {"+config|nosuch", ACL_UNKNOWN},
        {"+config|get|x", ACL_FIRST_ARG_OF_SUB},
        {"~* ~a", ACL_AFTER_ALL_KEYS},
        {"&* &a", ACL_AFTER_ALL_CHANNELS},
        {"%~a", ACL_SYNTAX},
        {"%R", ACL_SYNTAX},
        {"%RR~a", ACL_SYNTAX},
        {"%X~a", ACL_SYNTAX},
        {"<x", ACL_NO_SUCH_PASSWORD},
        {"#abc", ACL_BAD_HASH},
        {"#2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881", ACL_BAD_HASH},
        {"!" X_HASH, ACL_NO_SUCH_PASSWORD},
        {"(+get", ACL_SYNTAX},
        {"(+nosuch)", ACL_UNKNOWN},
        {"(on)", ACL_SYNTAX},
        {"(", ACL_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct acl_user *u = acl_user_create("u", 1, false);
        enum acl_error e = apply(u, cases[i].text);
        ck_assert_msg(e == cases[i].error, "%s: %d", cases[i].text, e);
        ck_assert(acl_user_release(u));
    }
    ck_assert(acl_user_name_is_valid("a-b:c", 5));
    ck_assert(!acl_user_name_is_valid("a b", 3));
    ck_assert(!acl_user_name_is_valid("a\0b", 3));
}
END_TEST

static enum acl_verdict verdict(const struct acl_user *u, const char *request, size_t *at)
{
    struct resp_arg argv[32];
    char copy[512], *rest = NULL;
    size_t argc = 0;
    snprintf(copy, sizeof copy, "%s", request);
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
        argv[argc++] = (struct resp_arg){.ptr = w, .len = strlen(w)};
    struct acl_request asked = {.commands = table, .argc = argc, .argv = argv};
    asked.command = acl_command_find(table, argv[0].ptr, argv[0].len);
    ck_assert_ptr_nonnull(asked.command);
    if (asked.command->subcommands != NULL && argc > 1)
        asked.command = command_find_sub(asked.command, argv[1].ptr, argv[1].len);
    ck_assert_ptr_nonnull(asked.command);
    return acl_check(u, &asked, at);
}

START_TEST(rules_decide)
{
    static const struct {
        const char *rules, *request;
        enum acl_verdict verdict;
        size_t at;
    } cases[] = {
        {"", "get a", ACL_DENIED_COMMAND, 0},
        {"", "auth x", ACL_ALLOWED, 0},
        {"~* +@all", "get a", ACL_ALLOWED, 0},
        {"~* +get", "get a", ACL_ALLOWED, 0},
        {"~* +get", "set a b", ACL_DENIED_COMMAND, 0},
        {"~* +@all -set", "set a b", ACL_DENIED_COMMAND, 0},
        {"~* +@read", "get a", ACL_ALLOWED, 0},
        {"~* +@read", "set a b", ACL_DENIED_COMMAND, 0},
        {"~* +@all -@write", "set a b", ACL_DENIED_COMMAND, 0},
        {"~* +@all -@write +set", "set a b", ACL_ALLOWED, 0},
        {"~* +@all -@dangerous", "flushall", ACL_DENIED_COMMAND, 0},
        {"~* +@all -@dangerous", "config get x", ACL_DENIED_COMMAND, 0},
        {"+config", "config set a b", ACL_ALLOWED, 0},
        {"+config -config|set", "config set a b", ACL_DENIED_COMMAND, 0},
        {"+config -config|set", "config get a", ACL_ALLOWED, 0},
        {"+config|get", "config get a", ACL_ALLOWED, 0},
        {"+config|get", "config resetstat", ACL_DENIED_COMMAND, 0},
        {"+select|0", "select 0", ACL_ALLOWED, 0},
        {"+select|0", "select 1", ACL_DENIED_COMMAND, 0},
        {"+select|0 -select", "select 0", ACL_DENIED_COMMAND, 0},
        /* keys */
        {"+@all", "get a", ACL_DENIED_KEY, 1},
        {"~a* +@all", "get ab", ACL_ALLOWED, 0},
        {"~a* +@all", "get ba", ACL_DENIED_KEY, 1},
        {"~a* +@all", "mget a1 a2 b", ACL_DENIED_KEY, 3},
        {"~a* +@all", "mset a1 b a2 b", ACL_ALLOWED, 0},
        {"~a* +@all", "mset a1 b b2 b", ACL_DENIED_KEY, 3},
        {"~a* +@all", "msetex 2 a1 x b y", ACL_DENIED_KEY, 4},
        {"~a* +@all", "dbsize", ACL_ALLOWED, 0},
        {"~a* +@all", "object encoding b", ACL_DENIED_KEY, 2},
        {"~a[12] +@all", "get a2", ACL_ALLOWED, 0},
        {"~a[12] +@all", "get a3", ACL_DENIED_KEY, 1},
        {"~a? ~b? +@all", "copy a1 b1", ACL_ALLOWED, 0},
        /* reading and writing */
        {"%R~a +@all", "get a", ACL_ALLOWED, 0},
        {"%R~a +@all", "set a b", ACL_DENIED_KEY, 1},
        {"%W~a +@all", "set a b", ACL_ALLOWED, 0},
        {"%W~a +@all", "get a", ACL_DENIED_KEY, 1},
        {"%W~a +@all", "set a b get", ACL_DENIED_KEY, 1},
        {"%W~a +@all", "set a b ifeq c", ACL_DENIED_KEY, 1},
        {"%W~a +@all", "set a b ex 10", ACL_ALLOWED, 0},
        {"%W~a +@all", "incr a", ACL_DENIED_KEY, 1},
        {"%RW~a +@all", "incr a", ACL_ALLOWED, 0},
        {"%W~a +@all", "append a b", ACL_ALLOWED, 0},
        {"%W~a +@all", "exists a", ACL_ALLOWED, 0},
        {"%R~a +@all", "strlen a", ACL_ALLOWED, 0},
        {"%W~a +@all", "getdel a", ACL_DENIED_KEY, 1},
        {"%R~a +@all", "eval x 1 a", ACL_DENIED_KEY, 3},
        {"%R~a +@all", "eval_ro x 1 a", ACL_ALLOWED, 0},
        {"%RW~a +@all", "eval x 2 a b", ACL_DENIED_KEY, 4},
        {"%R~a %W~b +@all", "copy a b", ACL_ALLOWED, 0},
        {"%R~a %W~b +@all", "copy b a", ACL_DENIED_KEY, 1},
        {"%RW~a %W~b +@all", "rename a b", ACL_ALLOWED, 0},
        {"%R~a %W~b +@all", "rename a b", ACL_DENIED_KEY, 1},
        /* one selector must allow all of it */
        {"+get ~a (+set ~b)", "set b x", ACL_ALLOWED, 0},
        {"+get ~a (+set ~b)", "set a x", ACL_DENIED_KEY, 1},
        {"+get ~a (+set ~b)", "get b", ACL_DENIED_KEY, 1},
        {"+mget ~a (+mget ~b)", "mget a b", ACL_DENIED_KEY, 2},
        {"+get ~a (+set ~b)", "del a", ACL_DENIED_COMMAND, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t at = 99;
        struct acl_user *u = user_of(cases[i].rules);
        enum acl_verdict v = verdict(u, cases[i].request, &at);
        ck_assert_msg(v == cases[i].verdict && (v == ACL_ALLOWED || at == cases[i].at),
                      "%s: %s: %d at %zu", cases[i].rules, cases[i].request, v, at);
        ck_assert(acl_user_release(u));
    }
}
END_TEST

START_TEST(channels_are_patterns)
{
    struct acl_user *u = user_of("&news.* &a (&b*)");
    ck_assert(acl_check_channel(u, "news.x", 6, false));
    ck_assert(acl_check_channel(u, "a", 1, false));
    ck_assert(acl_check_channel(u, "bb", 2, false));
    ck_assert(!acl_check_channel(u, "new", 3, false));
    /* Of patterns only those that are there by the letter. */
    ck_assert(acl_check_channel(u, "news.*", 6, true));
    ck_assert(!acl_check_channel(u, "news.x*", 7, true));
    ck_assert(!acl_check_channel(u, "*", 1, true));
    ck_assert(acl_user_release(u));
    u = user_of("&*");
    ck_assert(acl_check_channel(u, "*", 1, true));
    ck_assert(acl_user_release(u));
}
END_TEST

START_TEST(a_user_who_may_do_everything_is_known)
{
    static const struct {
        const char *rules;
        bool all;
    } cases[] = {
        {"~* &* +@all", true},      {"~* &* +@all -get", false},  {"~a &* +@all", false},
        {"~* +@all", false},        {"+get (~* &* +@all)", true}, {"~* &* +@all -get +get", false},
        {"~* &* -get +@all", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct acl_user *u = user_of(cases[i].rules);
        ck_assert_msg(u->allows_all == cases[i].all, "%s", cases[i].rules);
        ck_assert(acl_user_release(u));
    }
}
END_TEST

START_TEST(passwords_are_hashes)
{
    uint8_t hash[ACL_HASH_BYTES], again[ACL_HASH_BYTES];
    char text[ACL_HASH_LETTERS + 1];
    acl_hash("x", 1, hash);
    acl_hash_print(hash, text);
    ck_assert_str_eq(text, X_HASH);
    ck_assert(acl_hash_parse(text, ACL_HASH_LETTERS, again));
    ck_assert(acl_hash_equals(hash, again));
    again[31] ^= 1;
    ck_assert(!acl_hash_equals(hash, again));
    struct acl_user *u = user_of(">x >y");
    ck_assert(acl_user_has_secret(u, hash));
    ck_assert(!acl_user_has_secret(u, again));
    acl_hash("y", 1, hash);
    ck_assert(acl_user_has_secret(u, hash));
    ck_assert(acl_user_release(u));
}
END_TEST

static void note(struct acl_log *log, const char *object, int64_t now_ms, size_t most)
{
    struct acl_log_entry *e = calloc(1, sizeof *e);
    ck_assert_ptr_nonnull(e);
    e->reason = ACL_DENIED_KEY;
    e->context = "toplevel";
    e->count = 1;
    e->created_ms = e->updated_ms = now_ms;
    e->object_len = strlen(object);
    memcpy(e->object, object, e->object_len);
    acl_log_add(log, e, most);
}

START_TEST(the_log_is_bounded)
{
    struct acl_log log = {0};
    note(&log, "a", 1000, 3);
    note(&log, "b", 2000, 3);
    note(&log, "a", 3000, 3);
    ck_assert_uint_eq(log.count, 2);
    ck_assert_int_eq(log.first->object[0], 'a');
    ck_assert_uint_eq(log.first->count, 2);
    ck_assert_int_eq(log.first->created_ms, 1000);
    note(&log, "b", 62001, 3); /* a minute later it is another entry */
    ck_assert_uint_eq(log.count, 3);
    ck_assert_uint_eq(log.first->count, 1);
    note(&log, "c", 62001, 3);
    ck_assert_uint_eq(log.count, 3);
    ck_assert_int_eq(log.first->object[0], 'c');
    note(&log, "d", 62001, 1);
    ck_assert_uint_eq(log.count, 1);
    note(&log, "e", 62001, 0);
    ck_assert_uint_eq(log.count, 0);
    ck_assert_ptr_null(log.first);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("acl");
    TCase *t = tcase_create("acl");
    tcase_add_unchecked_fixture(t, begin, end);
    tcase_add_test(t, rules_are_printed);
    tcase_add_test(t, wrong_rules_are_refused);
    tcase_add_test(t, rules_decide);
    tcase_add_test(t, channels_are_patterns);
    tcase_add_test(t, a_user_who_may_do_everything_is_known);
    tcase_add_test(t, passwords_are_hashes);
    tcase_add_test(t, the_log_is_bounded);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
