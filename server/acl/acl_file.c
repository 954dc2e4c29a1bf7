/* Users as lines of text: the aclfile, and the option "user". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acl.h"
#include "server.h"

#define FILE_MAX  ((size_t)64 << 20)
#define WORDS_MAX 4096 /* of one line */

/* ---- reading ---- */

/* A set of users while it grows, sorted by name. */
struct reading {
    struct server *server;
    struct acl_user **users;
    size_t count, cap;
    const char *file; /* NULL = the option "user" */
    unsigned line;
    char *error;
};

static bool fault(struct reading *r, const char *what, const char *detail)
{
    if (r->file == NULL)
        snprintf(r->error, ACL_FILE_ERROR, "option user: %s%s", what, detail);
    else
        snprintf(r->error, ACL_FILE_ERROR, "%s:%u: %s%s. ", r->file, r->line, what, detail);
    return false;
}

/* Of a line of the option, which has no place of its own, the user and the rule are told. */
static bool wrong_rule(struct reading *r, const struct acl_user *u, const struct acl_word *rule,
                       const char *what)
{
    if (r->file != NULL)
        return fault(r, what, "");
    snprintf(r->error, ACL_FILE_ERROR, "option user: %s: '%.*s': %s", u->name,
             (int)(rule->len < 128 ? rule->len : 128), rule->text, what);
    return false;
}

static int by_name(const struct acl_user *a, const char *name, size_t len)
{
    int order = memcmp(a->name, name, a->name_len < len ? a->name_len : len);
    return order != 0 ? order : (a->name_len > len) - (a->name_len < len);
}

static bool insert(struct reading *r, struct acl_user *u)
{
    if (r->count == r->cap) {
        size_t cap = r->cap == 0 ? 16 : r->cap * 2;
        struct acl_user **users = realloc(r->users, cap * sizeof(struct acl_user *));
        if (users == NULL)
            return fault(r, "out of memory", "");
        r->users = users;
        r->cap = cap;
    }
    size_t at = r->count;
    while (at > 0 && by_name(r->users[at - 1], u->name, u->name_len) >= 0)
        at--;
    if (at < r->count && by_name(r->users[at], u->name, u->name_len) == 0)
        return fault(r, "Duplicate user found. A user can only be defined once: ", u->name);
    memmove(r->users + at + 1, r->users + at, (r->count - at) * sizeof *r->users);
    r->users[at] = u;
    r->count++;
    return true;
}

/* Makes the user of words[0] with the rules behind it. NULL with the error said. */
static struct acl_user *make_user(struct reading *r, const struct acl_word *words, size_t n)
{
    struct acl_rules rules = acl_rules(r->server);
    struct acl_word bad;
    bool open;
    if (!acl_user_name_is_valid(words[0].text, words[0].len)) {
        (void)fault(r, "the username contains invalid characters", "");
        return NULL;
    }
    struct acl_user *u = acl_user_create(words[0].text, words[0].len, rules.all_channels);
    if (u == NULL) {
        (void)fault(r, "out of memory", "");
        return NULL;
    }
    enum acl_error e = acl_user_apply(u, &rules, words + 1, n - 1, &bad, &open);
    if (e == ACL_OK) {
        acl_user_finish(u);
        return u;
    }
    (void)wrong_rule(r, u, &bad,
                     open ? "Unmatched parenthesis in selector definition" : acl_error_text(e));
    (void)acl_user_release(u);
    return NULL;
}

/* Cuts the line at blanks, in place. False when there are too many words. */
static bool split(char *line, struct acl_word *words, size_t *n)
{
    char *rest = NULL;
    *n = 0;
    for (char *word = strtok_r(line, " \t\r\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (*n == WORDS_MAX)
            return false;
        words[(*n)++] = (struct acl_word){word, strlen(word)};
    }
    return true;
}

/* "name rules..."; with `keyword`, "user name rules...", an empty line or a comment. */
static bool read_line(struct reading *r, char *line, struct acl_word *words, bool keyword)
{
    size_t n, first = keyword ? 1 : 0;
    r->line++;
    if (!split(line, words, &n))
        return fault(r, "too many rules", "");
    if (n == 0 || (keyword && words[0].text[0] == '#'))
        return true;
    if (n <= first || (keyword && !acl_word_is(words[0].text, words[0].len, "user")))
        return fault(r, "should start with user keyword followed by the username", "");
    struct acl_user *u = make_user(r, words + first, n - first);
    if (u == NULL || insert(r, u))
        return u != NULL;
    (void)acl_user_release(u);
    return false;
}

static bool read_lines(struct reading *r, char *text, bool keyword)
{
    struct acl_word *words = malloc(WORDS_MAX * sizeof *words);
    bool ok = words != NULL || fault(r, "out of memory", "");
    for (char *line = text, *end; ok && line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        ok = read_line(r, line, words, keyword);
    }
    free(words);
    return ok;
}

/* There is always a default user: of the lines, or else as the options have it. */
static bool complete(struct reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (by_name(r->users[i], "default", 7) == 0)
            return true;
    struct acl_user *u = acl_default_user(r->server);
    if (u != NULL && insert(r, u))
        return true;
    (void)acl_user_release(u);
    return fault(r, "out of memory", "");
}

static bool take_over(struct reading *r, bool ok, const struct client *self)
{
    if (ok && complete(r)) {
        acl_put_all(r->server, r->users, r->count, self);
        return true;
    }
    for (size_t i = 0; i < r->count; i++)
        (void)acl_user_release(r->users[i]);
    free(r->users);
    return false;
}

bool acl_lines_load(struct server *s, const char *lines, char *error)
{
    struct reading r = {.server = s, .error = error};
    char *copy = strdup(lines);
    bool ok = copy != NULL ? read_lines(&r, copy, false) : fault(&r, "out of memory", "");
    free(copy);
    return take_over(&r, ok, NULL);
}

static char *read_whole(int fd, uint64_t size)
{
    if (size > FILE_MAX) {
        errno = EFBIG;
        return NULL;
    }
    char *text = malloc((size_t)size + 1);
    if (text == NULL)
        return NULL;
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < size) {
        n = read(fd, text + len, (size_t)size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    if (n >= 0)
        return text;
    free(text);
    return NULL;
}

/* The whole file and a zero. NULL with errno set. */
static char *read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = fstat(fd, &st) == 0 ? read_whole(fd, (uint64_t)st.st_size) : NULL;
    int saved = errno;
    close(fd);
    errno = saved;
    return text;
}

bool acl_file_load(struct server *s, const struct client *self, char *error)
{
    struct reading r = {.server = s, .file = s->settings.aclfile, .error = error};
    char *text = read_file(r.file);
    if (text == NULL) {
        snprintf(error, ACL_FILE_ERROR, "Error loading ACLs, opening file '%s': %s", r.file,
                 strerror(errno));
        return false;
    }
    lock_acquire(&s->acl.change);
    bool ok = take_over(&r, read_lines(&r, text, true), self);
    lock_release(&s->acl.change);
    free(text);
    return ok;
}

/* ---- writing ---- */

static void print_line(void *arg, const struct acl_user *u)
{
    struct text *t = arg;
    acl_user_print(u, t);
    text_printf(t, "\n");
}

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* To a file beside it, which then takes its place: a reader finds the old one or the new one. */
static bool replace_file(const char *path, const struct text *t)
{
    size_t cap = strlen(path) + sizeof ".XXXXXX";
    char *temporary = malloc(cap);
    if (temporary == NULL)
        return false;
    snprintf(temporary, cap, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, t->bytes, t->len) && fsync(fd) == 0;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
        if (!ok)
            (void)unlink(temporary);
    }
    free(temporary);
    return ok;
}

bool acl_file_save(struct server *s)
{
    struct text t = {0};
    acl_each(s, print_line, &t);
    bool ok = !t.failed && replace_file(s->settings.aclfile, &t);
    text_free(&t);
    return ok;
}
