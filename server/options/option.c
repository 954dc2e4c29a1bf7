/* Options by name: setting, printing, presets. */
#include "option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pubsub/notify.h"

static const struct option *const tables[] = {
    options_network, options_security, options_memory, options_limits, options_process,
    options_notify,  options_tracking, options_acl,    options_tls,    options_timing,
    options_script,  options_debug,    options_redis,
};

void options_each(bool (*fn)(void *arg, const struct option *o), void *arg)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct option *o = tables[i]; o->name != NULL; o++)
            if (!fn(arg, o))
                return;
}

struct search {
    const char *name;
    size_t len, distance;
    const struct option *found;
};

static bool is_named(void *arg, const struct option *o)
{
    struct search *s = arg;
    if (strlen(o->name) == s->len && strncasecmp(o->name, s->name, s->len) == 0)
        s->found = o;
    return s->found == NULL;
}

const struct option *option_find(const char *name, size_t len)
{
    struct search s = {.name = name, .len = len};
    options_each(is_named, &s);
    return s.found;
}

/* Levenshtein's distance. */
static size_t distance(const char *a, const char *b)
{
    size_t row[OPTION_NAME_MAX], n = strlen(b);
    if (n >= OPTION_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t least = diagonal + (a[i - 1] != b[j - 1]);
            least = row[j] + 1 < least ? row[j] + 1 : least;
            least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
            diagonal = row[j];
            row[j] = least;
        }
    }
    return row[n];
}

static bool is_nearer(void *arg, const struct option *o)
{
    struct search *s = arg;
    size_t d = distance(s->name, o->name);
    if (d < s->distance) {
        s->distance = d;
        s->found = o;
    }
    return true;
}

const char *option_nearest(const char *name)
{
    struct search s = {.name = name, .distance = SIZE_MAX};
    options_each(is_nearer, &s);
    return s.distance <= strlen(name) / 2 ? s.found->name : NULL;
}

static setting *number_of(struct settings *s, const struct option *o)
{
    return (setting *)(void *)((char *)s + o->at);
}

static char **text_of(struct settings *s, const struct option *o)
{
    return (char **)(void *)((char *)s + o->at);
}

static bool fault(char *error, const char *text)
{
    snprintf(error, OPTION_ERROR_MAX, "%s", text);
    return false;
}

static bool parse_int(const char *value, int base, int64_t *n)
{
    char *end;
    const char *digits = value + (*value == '-');
    /* In one form only, as Redis has it: no "+1", " 1", "-0", "01". */
    if (*digits < '0' || *digits > '9' || (*value == '-' && *digits == '0') ||
        (base == 10 && *digits == '0' && digits[1] != '\0'))
        return false;
    errno = 0;
    *n = strtoll(value, &end, base);
    return errno == 0 && *end == '\0';
}

static bool parse_name(const struct option *o, const char *value, int64_t *n, char *error)
{
    size_t at =
        (size_t)snprintf(error, OPTION_ERROR_MAX, "argument(s) must be one of the following: ");
    for (*n = 0; o->name_of(*n) != NULL; ++*n) {
        const char *name = o->name_of(*n);
        if (strcasecmp(name, value) == 0)
            return true;
        if (at < OPTION_ERROR_MAX)
            at += (size_t)snprintf(error + at, OPTION_ERROR_MAX - at, "%s%s", *n > 0 ? ", " : "",
                                   name);
    }
    return false;
}

static bool parse_share(const char *value, int64_t *n)
{
    size_t len = strlen(value);
    if (len < 2 || len > 4 || value[len - 1] != '%')
        return memory_parse(value, n);
    int64_t percent = strtoll(value, NULL, 10);
    *n = memory_of_machine() / 100 * percent;
    return percent > 0 && percent <= 100 && strspn(value, "0123456789") == len - 1;
}

static bool parse_part(const char *value, int64_t *n, char *error)
{
    size_t len = strlen(value);
    bool percent =
        len > 1 && len < 10 && value[len - 1] == '%' && strspn(value, "0123456789") == len - 1;
    if (!percent)
        return memory_parse(value, n) || fault(error, "argument must be a memory or percent value");
    *n = -strtoll(value, NULL, 10);
    return *n >= -100 || fault(error, "percentage argument must be less or equal to 100");
}

static bool parse_number(const struct option *o, const char *value, int64_t *n, char *error)
{
    switch (o->kind) {
    case OPTION_BOOL:
        *n = strcasecmp(value, "yes") == 0;
        return *n == 1 || strcasecmp(value, "no") == 0 ||
               fault(error, "argument must be 'yes' or 'no'");
    case OPTION_NUMBER:
        if (!parse_int(value, 10, n))
            return fault(error, "argument couldn't be parsed into an integer");
        break;
    case OPTION_OCTAL:
        if (!parse_int(value, 8, n))
            return fault(error, "argument couldn't be parsed as an octal number");
        break;
    case OPTION_MEMORY:
        if (!memory_parse(value, n))
            return fault(error, "argument must be a memory value");
        break;
    case OPTION_EVENTS:
        return notify_parse(value, n) ||
               fault(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    case OPTION_SHARE:
        if (!parse_share(value, n))
            return fault(error, "argument must be a memory value or a percentage");
        break;
    case OPTION_PART:
        return parse_part(value, n, error);
    default:
        return parse_name(o, value, n, error);
    }
    if (*n >= o->min && *n <= o->max)
        return true;
    snprintf(error, OPTION_ERROR_MAX, "argument must be between %lld and %lld inclusive",
             (long long)o->min, (long long)o->max);
    return false;
}

static const char *const class_names[OUTPUT_CLASSES] = {"normal", "replica", "pubsub"};

static int class_of(const char *name)
{
    for (int i = 0; i < OUTPUT_CLASSES; i++)
        if (strcasecmp(name, class_names[i]) == 0)
            return i;
    return strcasecmp(name, "slave") == 0 ? OUTPUT_REPLICA : -1;
}

/* "normal 0 0 0 pubsub 32mb 8mb 60": groups of four words. Only checks when `put` is false. */
static bool limits_words(struct settings *s, const char *value, bool put)
{
    char copy[256], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", value);
    unsigned groups = 0;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        int c = class_of(word);
        const char *hard = strtok_r(NULL, " ", &rest);
        const char *soft = strtok_r(NULL, " ", &rest);
        const char *seconds = strtok_r(NULL, " ", &rest);
        int64_t h, f, n;
        if (c < 0 || seconds == NULL || !memory_parse(hard, &h) || !memory_parse(soft, &f) ||
            !parse_int(seconds, 10, &n) || n < 0 || n > INT32_MAX)
            return false;
        groups++;
        if (!put)
            continue;
        setting_put(&s->output[c].hard, h);
        setting_put(&s->output[c].soft, f);
        setting_put(&s->output[c].soft_seconds, n);
    }
    return groups > 0 && strlen(value) < sizeof copy;
}

static bool set_text(struct settings *s, const struct option *o, const char *value, char *error)
{
    char *copy = strdup(value);
    if (copy == NULL)
        return fault(error, "out of memory");
    char **text = text_of(s, o);
    free(*text);
    *text = copy;
    return true;
}

/* Adds a line; an empty value makes the text empty. */
static bool add_line(struct settings *s, const struct option *o, const char *value, char *error)
{
    const char *old = *text_of(s, o);
    if (value[0] == '\0' || old == NULL || old[0] == '\0')
        return set_text(s, o, value, error);
    size_t cap = strlen(old) + strlen(value) + 2;
    char *both = malloc(cap);
    if (both == NULL)
        return fault(error, "out of memory");
    snprintf(both, cap, "%s\n%s", old, value);
    free(*text_of(s, o));
    *text_of(s, o) = both;
    return true;
}

/* ---- ignored options whose values are kept ---- */

#define KEPT_MOST 1024

static size_t redis_rows(void)
{
    size_t n = 0;
    while (options_redis[n].name != NULL)
        n++;
    return n;
}

static const char *kept_value(const struct settings *s, const struct option *o)
{
    const char *kept =
        s->kept != NULL && (o->flags & OPTION_KEPT) ? s->kept[o - options_redis] : NULL;
    return kept != NULL ? kept : o->preset;
}

static bool is_switch(const char *text)
{
    return strcasecmp(text, "yes") == 0 || strcasecmp(text, "no") == 0;
}

static bool is_whole(const char *text)
{
    int64_t bytes;
    return memory_parse(text + (*text == '-'), &bytes);
}

static bool keep(struct settings *s, const struct option *o, const char *value, char *error)
{
    if (!(o->flags & OPTION_KEPT) || strcmp(value, kept_value(s, o)) == 0)
        return true;
    if (is_switch(o->preset) && !is_switch(value))
        return fault(error, "argument must be 'yes' or 'no'");
    if (is_whole(o->preset) && !is_whole(value))
        return fault(error, "argument couldn't be parsed into an integer");
    if (strlen(value) > KEPT_MOST)
        return fault(error, "argument is too long");
    if (s->kept == NULL)
        s->kept = calloc(redis_rows(), sizeof *s->kept);
    char *copy = s->kept == NULL ? NULL : strdup(value);
    if (copy == NULL)
        return fault(error, "out of memory");
    free(s->kept[o - options_redis]);
    s->kept[o - options_redis] = copy;
    return true;
}

static void free_kept(struct settings *s)
{
    for (size_t i = 0; s->kept != NULL && i < redis_rows(); i++)
        free(s->kept[i]);
    free(s->kept);
    s->kept = NULL;
}

bool option_set(struct settings *s, const struct option *o, const char *value, char *error)
{
    int64_t n;
    switch (o->kind) {
    case OPTION_IGNORED:
        return keep(s, o, value, error);
    case OPTION_TEXT:
        return set_text(s, o, value, error);
    case OPTION_LINES:
        return add_line(s, o, value, error);
    case OPTION_LIMITS:
        if (!limits_words(s, value, false))
            return fault(error, "argument must be groups of: class hard soft seconds");
        return limits_words(s, value, true);
    default:
        if (!parse_number(o, value, &n, error))
            return false;
        setting_put(number_of(s, o), n);
        return true;
    }
}

static void print_limits(struct settings *s, char *text, size_t cap)
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < OUTPUT_CLASSES && at < cap; i++)
        at += (size_t)snprintf(text + at, cap - at, "%s%s %lld %lld %lld", i > 0 ? " " : "",
                               i == OUTPUT_REPLICA ? "slave" : class_names[i],
                               (long long)setting_get(&s->output[i].hard),
                               (long long)setting_get(&s->output[i].soft),
                               (long long)setting_get(&s->output[i].soft_seconds));
}

void option_print(struct settings *s, const struct option *o, char *text, size_t cap)
{
    switch (o->kind) {
    case OPTION_IGNORED:
        snprintf(text, cap, "%s", kept_value(s, o));
        return;
    case OPTION_TEXT:
    case OPTION_LINES:
        snprintf(text, cap, "%s", *text_of(s, o));
        return;
    case OPTION_LIMITS:
        print_limits(s, text, cap);
        return;
    case OPTION_BOOL:
        snprintf(text, cap, "%s", setting_get(number_of(s, o)) ? "yes" : "no");
        return;
    case OPTION_NAME:
        snprintf(text, cap, "%s", o->name_of(setting_get(number_of(s, o))));
        return;
    case OPTION_EVENTS:
        notify_print(setting_get(number_of(s, o)), text, cap);
        return;
    case OPTION_PART: {
        long long n = setting_get(number_of(s, o));
        snprintf(text, cap, "%lld%s", n < 0 ? -n : n, n < 0 ? "%" : "");
        return;
    }
    case OPTION_OCTAL:
        snprintf(text, cap, "%llo", (unsigned long long)setting_get(number_of(s, o)));
        return;
    default:
        snprintf(text, cap, "%lld", (long long)setting_get(number_of(s, o)));
    }
}

struct presets {
    struct settings *settings;
    bool failed;
};

static bool preset(void *arg, const struct option *o)
{
    struct presets *p = arg;
    char error[OPTION_ERROR_MAX];
    p->failed = !option_set(p->settings, o, o->preset, error);
    return !p->failed;
}

bool options_preset(struct settings *s)
{
    struct presets p = {.settings = s};
    options_each(preset, &p);
    return !p.failed;
}

static bool free_text(void *arg, const struct option *o)
{
    struct settings *s = arg;
    if (o->kind == OPTION_TEXT || o->kind == OPTION_LINES) {
        free(*text_of(s, o));
        *text_of(s, o) = NULL;
    }
    return true;
}

void options_free(struct settings *s)
{
    options_each(free_text, s);
    free_kept(s);
}
