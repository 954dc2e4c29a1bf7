#include "acl_user.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static struct acl_user *new_user(const char *name, size_t len)
{
    struct acl_user *u = calloc(1, sizeof *u + len + 1);
    if (u == NULL)
        return NULL;
    atomic_init(&u->holders, 1);
    memcpy(u->name, name, len);
    u->name_len = len;
    return u;
}

static void destroy(struct acl_user *u)
{
    while (u->secrets != NULL) {
        struct acl_secret *s = u->secrets;
        u->secrets = s->next;
        free(s);
    }
    while (u->selectors != NULL) {
        struct acl_selector *s = u->selectors;
        u->selectors = s->next;
        acl_selector_destroy(s);
    }
    free(u);
}

struct acl_user *acl_user_create(const char *name, size_t len, bool all_channels)
{
    struct acl_user *u = new_user(name, len);
    if (u == NULL)
        return NULL;
    u->selectors = acl_selector_create(all_channels);
    if (u->selectors != NULL)
        return u;
    destroy(u);
    return NULL;
}

static bool add_secret(struct acl_user *u, const uint8_t hash[ACL_HASH_BYTES])
{
    struct acl_secret **at = &u->secrets;
    for (; *at != NULL; at = &(*at)->next)
        if (memcmp((*at)->hash, hash, ACL_HASH_BYTES) == 0)
            return true;
    struct acl_secret *s = calloc(1, sizeof *s);
    if (s == NULL)
        return false;
    memcpy(s->hash, hash, ACL_HASH_BYTES);
    *at = s;
    return true;
}

static bool copy_parts(struct acl_user *to, const struct acl_user *from)
{
    for (const struct acl_secret *s = from->secrets; s != NULL; s = s->next)
        if (!add_secret(to, s->hash))
            return false;
    struct acl_selector **at = &to->selectors;
    for (const struct acl_selector *s = from->selectors; s != NULL; s = s->next) {
        *at = acl_selector_copy(s);
        if (*at == NULL)
            return false;
        at = &(*at)->next;
    }
    return true;
}

struct acl_user *acl_user_copy(const struct acl_user *u)
{
    struct acl_user *copy = new_user(u->name, u->name_len);
    if (copy == NULL)
        return NULL;
    copy->account = u->account;
    copy->enabled = u->enabled;
    copy->nopass = u->nopass;
    copy->sanitize_skip = u->sanitize_skip;
    if (copy_parts(copy, u))
        return copy;
    destroy(copy);
    return NULL;
}

void acl_user_finish(struct acl_user *u)
{
    u->allows_all = false;
    u->bytes = sizeof *u + u->name_len;
    for (const struct acl_secret *s = u->secrets; s != NULL; s = s->next)
        u->bytes += sizeof *s;
    for (const struct acl_selector *s = u->selectors; s != NULL; s = s->next) {
        u->allows_all |= s->all_commands && s->all_keys && s->all_channels;
        u->bytes += acl_selector_bytes(s);
    }
}

struct acl_user *acl_user_hold(struct acl_user *u)
{
    atomic_fetch_add_explicit(&u->holders, 1, memory_order_relaxed);
    return u;
}

bool acl_user_release(struct acl_user *u)
{
    if (u == NULL || atomic_fetch_sub_explicit(&u->holders, 1, memory_order_acq_rel) != 1)
        return false;
    destroy(u);
    return true;
}

bool acl_user_name_is_valid(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (isspace((unsigned char)name[i]) || name[i] == '\0')
            return false;
    return true;
}

/* ---- rules ---- */

static void drop_secrets(struct acl_user *u)
{
    while (u->secrets != NULL) {
        struct acl_secret *s = u->secrets;
        u->secrets = s->next;
        free(s);
    }
    u->nopass = false;
}

static bool drop_secret(struct acl_user *u, const uint8_t hash[ACL_HASH_BYTES])
{
    for (struct acl_secret **at = &u->secrets; *at != NULL; at = &(*at)->next) {
        struct acl_secret *s = *at;
        if (memcmp(s->hash, hash, ACL_HASH_BYTES) != 0)
            continue;
        *at = s->next;
        free(s);
        return true;
    }
    return false;
}

/* ">password" "#hash" "<password" "!hash" */
static enum acl_error apply_password(struct acl_user *u, const char *rule, size_t len)
{
    uint8_t hash[ACL_HASH_BYTES];
    bool add = *rule == '>' || *rule == '#', plain = *rule == '>' || *rule == '<';
    if (!plain && !acl_hash_parse(rule + 1, len - 1, hash))
        return ACL_BAD_HASH;
    if (plain)
        acl_hash(rule + 1, len - 1, hash);
    if (!add)
        return drop_secret(u, hash) ? ACL_OK : ACL_NO_SUCH_PASSWORD;
    u->nopass = false;
    return add_secret(u, hash) ? ACL_OK : ACL_NO_MEMORY;
}

static void drop_selectors(struct acl_user *u)
{
    while (u->selectors->next != NULL) {
        struct acl_selector *s = u->selectors->next;
        u->selectors->next = s->next;
        acl_selector_destroy(s);
    }
}

/* "(+get ~x)" */
static enum acl_error apply_selector(struct acl_user *u, const struct acl_rules *r,
                                     const char *rule, size_t len)
{
    if (len < 2 || rule[len - 1] != ')')
        return ACL_SYNTAX;
    struct acl_selector *s = acl_selector_create(r->all_channels);
    if (s == NULL)
        return ACL_NO_MEMORY;
    const char *end = rule + len - 1;
    enum acl_error e = ACL_OK;
    for (const char *word = rule + 1; word < end && e == ACL_OK;) {
        size_t n = 0;
        while (word + n < end && word[n] != ' ')
            n++;
        /* What ends with the parenthesis would end the selector when it is read again. */
        if (n > 0)
            e = word[n - 1] == ')' ? ACL_SYNTAX : acl_selector_apply(s, r->commands, word, n);
        word += n + 1;
    }
    if (e != ACL_OK) {
        acl_selector_destroy(s);
        return e;
    }
    struct acl_selector *last = u->selectors;
    while (last->next != NULL)
        last = last->next;
    last->next = s;
    return ACL_OK;
}

static enum acl_error reset(struct acl_user *u, const struct acl_rules *r)
{
    struct acl_selector *s = acl_selector_create(r->all_channels);
    if (s == NULL)
        return ACL_NO_MEMORY;
    drop_secrets(u);
    drop_selectors(u);
    acl_selector_destroy(u->selectors);
    u->selectors = s;
    u->enabled = u->sanitize_skip = false;
    return ACL_OK;
}

static enum acl_error apply_rule(struct acl_user *u, const struct acl_rules *r, const char *rule,
                                 size_t len)
{
    if (acl_word_is(rule, len, "on"))
        u->enabled = true;
    else if (acl_word_is(rule, len, "off"))
        u->enabled = false;
    else if (acl_word_is(rule, len, "skip-sanitize-payload"))
        u->sanitize_skip = true;
    else if (acl_word_is(rule, len, "sanitize-payload"))
        u->sanitize_skip = false;
    else if (acl_word_is(rule, len, "resetpass") || acl_word_is(rule, len, "nopass")) {
        drop_secrets(u);
        u->nopass = acl_word_is(rule, len, "nopass");
    } else if (acl_word_is(rule, len, "clearselectors"))
        drop_selectors(u);
    else if (acl_word_is(rule, len, "reset"))
        return reset(u, r);
    else if (len > 0 && (*rule == '>' || *rule == '<' || *rule == '#' || *rule == '!'))
        return apply_password(u, rule, len);
    else if (len > 0 && *rule == '(')
        return apply_selector(u, r, rule, len);
    else
        return acl_selector_apply(u->selectors, r->commands, rule, len);
    return ACL_OK;
}

/* How many words make one rule; 0 = a parenthesis is not closed. */
static size_t rule_words(const struct acl_word *words, size_t n)
{
    if (words[0].len == 0 || words[0].text[0] != '(')
        return 1;
    for (size_t i = 0; i < n; i++)
        if (words[i].len > 0 && words[i].text[words[i].len - 1] == ')')
            return i + 1;
    return 0;
}

/* At least one word; joined by blanks they are one selector. */
static enum acl_error apply_joined(struct acl_user *u, const struct acl_rules *r,
                                   const struct acl_word *words, size_t n)
{
    size_t len = 0, i = 0;
    do
        len += words[i].len + 1;
    while (++i < n);
    char *rule = malloc(len + 1), *at = rule;
    if (rule == NULL)
        return ACL_NO_MEMORY;
    i = 0;
    do {
        memcpy(at, words[i].text, words[i].len);
        at += words[i].len;
        *at++ = ' ';
    } while (++i < n);
    enum acl_error e = apply_selector(u, r, rule, len - 1);
    free(rule);
    return e;
}

enum acl_error acl_user_apply(struct acl_user *u, const struct acl_rules *r,
                              const struct acl_word *words, size_t n, struct acl_word *bad,
                              bool *open)
{
    for (size_t i = 0, used; i < n; i += used) {
        *bad = words[i];
        used = rule_words(words + i, n - i);
        *open = used == 0;
        if (*open)
            return ACL_SYNTAX;
    }
    *open = false;
    for (size_t i = 0, used; i < n; i += used) {
        *bad = words[i];
        used = rule_words(words + i, n - i);
        enum acl_error e = used == 1 ? apply_rule(u, r, words[i].text, words[i].len)
                                     : apply_joined(u, r, words + i, used);
        if (e != ACL_OK)
            return e;
    }
    return ACL_OK;
}

bool acl_user_has_secret(const struct acl_user *u, const uint8_t hash[ACL_HASH_BYTES])
{
    bool found = false;
    for (const struct acl_secret *s = u->secrets; s != NULL; s = s->next)
        found |= acl_hash_equals(s->hash, hash);
    return found;
}

/* ---- printing ---- */

static void print_selector(const struct acl_selector *s, struct text *t)
{
    if (s->all_keys || s->keys != NULL) {
        acl_selector_print_keys(s, t);
        text_printf(t, " ");
    }
    if (!s->all_channels)
        text_printf(t, "resetchannels ");
    if (s->all_channels || s->channels != NULL) {
        acl_selector_print_channels(s, t);
        text_printf(t, " ");
    }
    acl_selector_print_commands(s, t);
}

void acl_user_print(const struct acl_user *u, struct text *t)
{
    text_printf(t, "user %s %s %s%s", u->name, u->enabled ? "on" : "off",
                u->nopass ? "nopass " : "",
                u->sanitize_skip ? "skip-sanitize-payload " : "sanitize-payload ");
    for (const struct acl_secret *s = u->secrets; s != NULL; s = s->next) {
        char hash[ACL_HASH_LETTERS + 1];
        acl_hash_print(s->hash, hash);
        text_printf(t, "#%s ", hash);
    }
    print_selector(u->selectors, t);
    for (const struct acl_selector *s = u->selectors->next; s != NULL; s = s->next) {
        text_printf(t, " (");
        print_selector(s, t);
        text_printf(t, ")");
    }
}
