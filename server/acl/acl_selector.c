#include "acl_selector.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *acl_error_text(enum acl_error e)
{
    static const char *const texts[] = {
        [ACL_OK] = "",
        [ACL_UNKNOWN] = "Unknown command or category name in ACL",
        [ACL_SYNTAX] = "Syntax error",
        [ACL_AFTER_ALL_KEYS] =
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
            "not have any effect. Try 'resetkeys' to start with an empty list of patterns",
        [ACL_AFTER_ALL_CHANNELS] =
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
            "does not have any effect. Try 'resetchannels' to start with an empty list of "
            "channels",
        [ACL_NO_SUCH_PASSWORD] =
            "The password you are trying to remove from the user does not exist",
        [ACL_BAD_HASH] = "The password hash must be exactly 64 characters and contain only "
                         "lowercase hexadecimal characters",
        [ACL_FIRST_ARG_OF_SUB] = "Allowing first-arg of a subcommand is not supported",
        [ACL_NO_MEMORY] = "Out of memory",
    };
    return texts[e];
}

bool acl_word_is(const char *word, size_t len, const char *wanted)
{
    return strlen(wanted) == len && strncasecmp(word, wanted, len) == 0;
}

/* ---- lists ---- */

/* Appends. False when memory is short. */
static bool add_pattern(struct acl_pattern **at, unsigned access, const char *text, size_t len)
{
    struct acl_pattern *p = malloc(sizeof *p + len);
    if (p == NULL)
        return false;
    *p = (struct acl_pattern){.access = access, .len = len};
    memcpy(p->text, text, len);
    while (*at != NULL)
        at = &(*at)->next;
    *at = p;
    return true;
}

static struct acl_pattern *find_pattern(struct acl_pattern *p, const char *text, size_t len)
{
    while (p != NULL && !(p->len == len && memcmp(p->text, text, len) == 0))
        p = p->next;
    return p;
}

static void free_patterns(struct acl_pattern **all)
{
    while (*all != NULL) {
        struct acl_pattern *p = *all;
        *all = p->next;
        free(p);
    }
}

static bool copy_patterns(struct acl_pattern **to, const struct acl_pattern *from)
{
    for (; from != NULL; from = from->next)
        if (!add_pattern(to, from->access, from->text, from->len))
            return false;
    return true;
}

static bool add_first_arg(struct acl_selector *s, unsigned id, const char *text, size_t len)
{
    struct acl_first_arg *a = malloc(sizeof *a + len);
    if (a == NULL)
        return false;
    *a = (struct acl_first_arg){.next = s->first_args, .id = id, .len = len};
    memcpy(a->text, text, len);
    s->first_args = a;
    return true;
}

/* Those of one command, or all. */
static void free_first_args(struct acl_selector *s, const unsigned *id)
{
    struct acl_first_arg **at = &s->first_args;
    while (*at != NULL) {
        struct acl_first_arg *a = *at;
        if (id != NULL && a->id != *id) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        free(a);
    }
}

/* ---- life ---- */

struct acl_selector *acl_selector_create(bool all_channels)
{
    struct acl_selector *s = calloc(1, sizeof *s);
    if (s != NULL)
        s->all_channels = all_channels;
    return s;
}

void acl_selector_destroy(struct acl_selector *s)
{
    if (s == NULL)
        return;
    free_patterns(&s->keys);
    free_patterns(&s->channels);
    free_first_args(s, NULL);
    text_free(&s->rules);
    free(s);
}

struct acl_selector *acl_selector_copy(const struct acl_selector *s)
{
    struct acl_selector *copy = acl_selector_create(s->all_channels);
    if (copy == NULL)
        return NULL;
    copy->all_commands = s->all_commands;
    copy->all_keys = s->all_keys;
    copy->base = s->base;
    memcpy(copy->allowed, s->allowed, sizeof s->allowed);
    bool ok = copy_patterns(&copy->keys, s->keys) && copy_patterns(&copy->channels, s->channels);
    for (const struct acl_first_arg *a = s->first_args; ok && a != NULL; a = a->next)
        ok = add_first_arg(copy, a->id, a->text, a->len);
    if (s->rules.len > 0)
        text_printf(&copy->rules, "%.*s", (int)s->rules.len, s->rules.bytes);
    if (ok && !copy->rules.failed)
        return copy;
    acl_selector_destroy(copy);
    return NULL;
}

size_t acl_selector_bytes(const struct acl_selector *s)
{
    size_t bytes = sizeof *s + s->rules.cap;
    for (const struct acl_pattern *p = s->keys; p != NULL; p = p->next)
        bytes += sizeof *p + p->len;
    for (const struct acl_pattern *p = s->channels; p != NULL; p = p->next)
        bytes += sizeof *p + p->len;
    for (const struct acl_first_arg *a = s->first_args; a != NULL; a = a->next)
        bytes += sizeof *a + a->len;
    return bytes;
}

/* ---- the text of the rules about commands ---- */

static bool is_same_rule(const char *old, size_t old_len, const char *rule, size_t len)
{
    return old_len >= len && strncasecmp(old, rule, len) == 0 &&
           (old_len == len || old[len] == '|');
}

/* Drops rules that a new one makes void: the same, and those about parts of the same command. */
static void drop_rules(struct text *t, const char *rule, size_t len)
{
    size_t in = 0, out = 0;
    while (in < t->len) {
        const char *word = t->bytes + in;
        const char *blank = memchr(word, ' ', t->len - in);
        size_t word_len = blank == NULL ? t->len - in : (size_t)(blank - word);
        in += word_len + (blank != NULL);
        if (is_same_rule(word + 1, word_len - 1, rule, len))
            continue;
        if (out > 0)
            t->bytes[out++] = ' ';
        memmove(t->bytes + out, word, word_len);
        out += word_len;
    }
    t->len = out;
}

/* `rule` without its sign. */
static enum acl_error note_rule(struct acl_selector *s, bool allow, const char *rule, size_t len)
{
    drop_rules(&s->rules, rule, len);
    size_t from = s->rules.len;
    text_printf(&s->rules, "%s%c%.*s", from > 0 ? " " : "", allow ? '+' : '-', (int)len, rule);
    if (s->rules.failed)
        return ACL_NO_MEMORY;
    for (; from < s->rules.len; from++)
        s->rules.bytes[from] = (char)tolower((unsigned char)s->rules.bytes[from]);
    return ACL_OK;
}

/* ---- rules about commands ---- */

static void put_bit(struct acl_selector *s, unsigned id, bool allow)
{
    uint64_t bit = (uint64_t)1 << (id % 64);
    if (allow)
        s->allowed[id / 64] |= bit;
    else
        s->allowed[id / 64] &= ~bit;
    if (!allow)
        s->all_commands = false;
    free_first_args(s, &id);
}

static void put_all(struct acl_selector *s, bool allow)
{
    memset(s->allowed, allow ? 0xff : 0, sizeof s->allowed);
    s->all_commands = s->base = allow;
    free_first_args(s, NULL);
    text_free(&s->rules);
}

static void put_command(struct acl_selector *s, const struct command_table *t,
                        const struct command *c, bool allow)
{
    put_bit(s, (unsigned)command_index(t, c), allow);
    for (const struct command *sub = c->subcommands; sub != NULL && sub->name != NULL; sub++)
        put_bit(s, (unsigned)command_index(t, sub), allow);
}

struct category_rule {
    struct acl_selector *selector;
    const struct command_table *table;
    const char *category;
    bool allow;
};

static void put_if_member(void *arg, const struct command *c)
{
    const struct category_rule *r = arg;
    if (acl_command_is_in(c, r->category))
        put_bit(r->selector, (unsigned)command_index(r->table, c), r->allow);
}

/* "@read", its sign known. */
static enum acl_error apply_category(struct acl_selector *s, const struct command_table *t,
                                     bool allow, const char *rule, size_t len)
{
    if (acl_word_is(rule, len, "@all")) {
        put_all(s, allow);
        return ACL_OK;
    }
    struct category_rule r = {.selector = s,
                              .table = t,
                              .category = acl_category_find(rule + 1, len - 1),
                              .allow = allow};
    if (r.category == NULL)
        return ACL_UNKNOWN;
    acl_commands_each(t, put_if_member, &r);
    return note_rule(s, allow, rule, len);
}

/* "select|0": one use of a command that has no subcommands. */
static enum acl_error apply_first_arg(struct acl_selector *s, const struct command_table *t,
                                      const char *rule, size_t len)
{
    const char *bar = memrchr(rule, '|', len);
    const struct command *c = bar == NULL ? NULL : acl_command_find(t, rule, (size_t)(bar - rule));
    if (c == NULL)
        return ACL_UNKNOWN;
    if (c->container != NULL)
        return ACL_FIRST_ARG_OF_SUB;
    if (c->subcommands != NULL)
        return ACL_UNKNOWN;
    size_t arg = len - (size_t)(bar + 1 - rule);
    if (arg == 0 || memchr(bar, ' ', arg + 1) != NULL || memchr(bar, '\0', arg + 1) != NULL)
        return ACL_SYNTAX;
    if (!add_first_arg(s, (unsigned)command_index(t, c), bar + 1, arg))
        return ACL_NO_MEMORY;
    return note_rule(s, true, rule, len);
}

static enum acl_error apply_command(struct acl_selector *s, const struct command_table *t,
                                    const char *rule, size_t len)
{
    bool allow = *rule++ == '+';
    if (--len > 0 && *rule == '@')
        return apply_category(s, t, allow, rule, len);
    const struct command *c = acl_command_find(t, rule, len);
    if (c != NULL) {
        put_command(s, t, c, allow);
        return note_rule(s, allow, rule, len);
    }
    if (acl_command_is_foreign(rule, len))
        return note_rule(s, allow, rule, len);
    return allow ? apply_first_arg(s, t, rule, len) : ACL_UNKNOWN;
}

/* ---- rules about keys and channels ---- */

static bool has_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (isspace((unsigned char)text[i]) || text[i] == '\0')
            return true;
    return false;
}

/* "%R~", "%W~", "%RW~": moves behind it. 0 = none of these. */
static unsigned take_access(const char **rule, size_t *len)
{
    unsigned access = 0;
    size_t at = 1;
    if (**rule == '~') {
        access = KEY_READ | KEY_WRITE;
    } else {
        for (; at < *len && (*rule)[at] != '~'; at++) {
            int letter = toupper((unsigned char)(*rule)[at]);
            unsigned one = letter == 'R' ? KEY_READ : letter == 'W' ? KEY_WRITE : 0;
            if (one == 0 || (access & one) != 0)
                return 0;
            access |= one;
        }
        if (at++ == *len)
            return 0;
    }
    *rule += at;
    *len -= at;
    return access;
}

static enum acl_error apply_keys(struct acl_selector *s, const char *rule, size_t len)
{
    if (s->all_keys)
        return ACL_AFTER_ALL_KEYS;
    unsigned access = take_access(&rule, &len);
    if (access == 0 || has_blank(rule, len))
        return ACL_SYNTAX;
    struct acl_pattern *same = find_pattern(s->keys, rule, len);
    if (same != NULL)
        same->access |= access;
    else if (!add_pattern(&s->keys, access, rule, len))
        return ACL_NO_MEMORY;
    return ACL_OK;
}

static enum acl_error apply_channels(struct acl_selector *s, const char *rule, size_t len)
{
    if (s->all_channels)
        return ACL_AFTER_ALL_CHANNELS;
    if (has_blank(rule + 1, len - 1))
        return ACL_SYNTAX;
    if (find_pattern(s->channels, rule + 1, len - 1) == NULL &&
        !add_pattern(&s->channels, 0, rule + 1, len - 1))
        return ACL_NO_MEMORY;
    return ACL_OK;
}

enum acl_error acl_selector_apply(struct acl_selector *s, const struct command_table *t,
                                  const char *rule, size_t len)
{
    bool all_keys = acl_word_is(rule, len, "allkeys") || acl_word_is(rule, len, "~*");
    bool all_channels = acl_word_is(rule, len, "allchannels") || acl_word_is(rule, len, "&*");
    if (all_keys || acl_word_is(rule, len, "resetkeys")) {
        free_patterns(&s->keys);
        s->all_keys = all_keys;
        return ACL_OK;
    }
    if (all_channels || acl_word_is(rule, len, "resetchannels")) {
        free_patterns(&s->channels);
        s->all_channels = all_channels;
        return ACL_OK;
    }
    bool all_commands = acl_word_is(rule, len, "allcommands");
    if (all_commands || acl_word_is(rule, len, "nocommands")) {
        put_all(s, all_commands);
        return ACL_OK;
    }
    if (len > 0 && (*rule == '+' || *rule == '-'))
        return apply_command(s, t, rule, len);
    if (len > 0 && (*rule == '~' || *rule == '%'))
        return apply_keys(s, rule, len);
    if (len > 0 && *rule == '&')
        return apply_channels(s, rule, len);
    return ACL_SYNTAX;
}

/* ---- printing ---- */

void acl_selector_print_commands(const struct acl_selector *s, struct text *t)
{
    text_printf(t, "%c@all", s->base ? '+' : '-');
    if (s->rules.len > 0)
        text_printf(t, " %.*s", (int)s->rules.len, s->rules.bytes);
}

void acl_selector_print_keys(const struct acl_selector *s, struct text *t)
{
    if (s->all_keys)
        text_printf(t, "~*");
    for (const struct acl_pattern *p = s->keys; p != NULL; p = p->next)
        text_printf(t, "%s%.*s%s",
                    p->access == KEY_READ    ? "%R~"
                    : p->access == KEY_WRITE ? "%W~"
                                             : "~",
                    (int)p->len, p->text, p->next != NULL ? " " : "");
}

void acl_selector_print_channels(const struct acl_selector *s, struct text *t)
{
    if (s->all_channels)
        text_printf(t, "&*");
    for (const struct acl_pattern *p = s->channels; p != NULL; p = p->next)
        text_printf(t, "&%.*s%s", (int)p->len, p->text, p->next != NULL ? " " : "");
}
