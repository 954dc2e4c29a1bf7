/* Rules of a user, one a line: whatever they are, a user whom they make prints as rules that make
 * the same user, who decides the same. */
#include <stdlib.h>
#include <string.h>

#include "acl/acl_check.h"

#define WORDS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once; they live as long as the process. */
static const struct acl_rules *rules(void)
{
    static struct acl_rules r;
    if (r.commands == NULL)
        r.commands = command_table_create();
    if (r.commands == NULL)
        abort();
    return &r;
}

static size_t split(const char *text, size_t len, char at, struct acl_word *words)
{
    size_t n = 0;
    for (const char *end = text + len; text < end && n < WORDS_MAX; n++) {
        const char *stop = memchr(text, at, (size_t)(end - text));
        size_t word = stop == NULL ? (size_t)(end - text) : (size_t)(stop - text);
        words[n] = (struct acl_word){text, word};
        text += word + 1;
    }
    return n;
}

static struct acl_user *make(const struct acl_word *words, size_t n)
{
    struct acl_word bad;
    bool open;
    struct acl_user *u = acl_user_create("u", 1, false);
    if (u == NULL)
        abort();
    if (acl_user_apply(u, rules(), words, n, &bad, &open) != ACL_OK) {
        (void)acl_user_release(u);
        return NULL;
    }
    acl_user_finish(u);
    return u;
}

struct both {
    const struct acl_user *a, *b;
};

static void compare(void *arg, const struct command *c)
{
    const struct both *users = arg;
    struct resp_arg argv[4] = {{.ptr = c->name, .len = strlen(c->name)},
                               {.ptr = "key", .len = 3},
                               {.ptr = "1", .len = 1},
                               {.ptr = "abc", .len = 3}};
    size_t at, again;
    struct acl_request rq = {.commands = rules()->commands, .command = c, .argc = 4, .argv = argv};
    if (acl_check(users->a, &rq, &at) != acl_check(users->b, &rq, &again) || at != again)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct acl_word words[WORDS_MAX];
    struct acl_user *u = make(words, split((const char *)data, size, '\n', words));
    if (u == NULL)
        return 0;
    struct text t = {0}, t2 = {0};
    acl_user_print(u, &t);
    size_t head = strlen("user u ");
    size_t n = split(t.bytes + head, t.len - head, ' ', words);
    struct acl_user *again = n < WORDS_MAX ? make(words, n) : acl_user_copy(u);
    if (again == NULL)
        abort();
    acl_user_finish(again);
    acl_user_print(again, &t2);
    if (t.len != t2.len || memcmp(t.bytes, t2.bytes, t.len) != 0)
        abort();
    struct both users = {u, again};
    acl_commands_each(rules()->commands, compare, &users);
    (void)acl_user_release(u);
    (void)acl_user_release(again);
    text_free(&t);
    text_free(&t2);
    return 0;
}
