#include "command_syntax.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct parser {
    struct syntax *out;
    const char *at;
};

static int parse_choices(struct parser *p);

static int new_node(struct parser *p, enum syntax_kind kind)
{
    if (p->out->count == SYNTAX_NODES) {
        p->out->failed = true;
        return -1;
    }
    int n = p->out->count++;
    p->out->nodes[n] = (struct syntax_node){.kind = kind, .child = -1, .next = -1};
    return n;
}

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ')
        p->at++;
}

static size_t word_length(const char *at)
{
    return strcspn(at, " []|");
}

static bool is_token(const char *word, size_t len)
{
    bool letter = false;
    for (size_t i = 0; i < len; i++) {
        if (islower((unsigned char)word[i]))
            return false;
        letter |= isupper((unsigned char)word[i]) != 0;
    }
    return letter;
}

static void copy_lower(char out[SYNTAX_NAME], const char *word, size_t len)
{
    size_t i = 0;
    for (; i < len && i + 1 < SYNTAX_NAME; i++)
        out[i] = (char)tolower((unsigned char)word[i]);
    out[i] = '\0';
}

/* A token, a value, or a token and its value. */
static int parse_word(struct parser *p)
{
    int n = new_node(p, SYNTAX_VALUE);
    size_t len = word_length(p->at);
    if (n < 0)
        return -1;
    struct syntax_node *node = &p->out->nodes[n];
    if (!is_token(p->at, len)) {
        copy_lower(node->name, p->at, len);
        p->at += len;
        return n;
    }
    snprintf(node->token, sizeof node->token, "%.*s", (int)len, p->at);
    copy_lower(node->name, p->at, len);
    node->kind = SYNTAX_TOKEN;
    p->at += len;
    skip_blanks(p);
    len = word_length(p->at);
    if (len > 0 && strncmp(p->at, "...", 3) != 0 && !is_token(p->at, len)) {
        node->kind = SYNTAX_VALUE;
        copy_lower(node->name, p->at, len);
        p->at += len;
    }
    return n;
}

static int parse_bracket(struct parser *p)
{
    p->at++;
    int n = parse_choices(p);
    if (n < 0 || *p->at != ']') {
        p->out->failed = true;
        return -1;
    }
    p->at++;
    if (p->out->nodes[n].next >= 0) { /* several side by side: a block */
        int block = new_node(p, SYNTAX_BLOCK);
        if (block < 0)
            return -1;
        copy_lower(p->out->nodes[block].name, "data", 4);
        p->out->nodes[block].child = n;
        p->out->nodes[block].multiple = p->out->nodes[n].multiple;
        p->out->nodes[n].multiple = false;
        n = block;
    }
    p->out->nodes[n].optional = true;
    return n;
}

/* Items up to '|', ']' or the end, linked by next. "x [x ...]" becomes x, repeated. */
static int parse_sequence(struct parser *p)
{
    int first = -1, last = -1;
    for (skip_blanks(p); *p->at != '\0' && *p->at != ']' && *p->at != '|'; skip_blanks(p)) {
        if (strncmp(p->at, "...", 3) == 0) {
            p->at += 3;
            if (last >= 0)
                p->out->nodes[first].multiple = true;
            continue;
        }
        int n = *p->at == '[' ? parse_bracket(p) : parse_word(p);
        if (n < 0)
            return -1;
        if (first < 0)
            first = n;
        else
            p->out->nodes[last].next = n;
        last = n;
    }
    if (first < 0)
        p->out->failed = true;
    return first;
}

/* A sequence of several as one node, for a place where one is needed. */
static int as_one(struct parser *p, int first)
{
    if (first < 0 || p->out->nodes[first].next < 0)
        return first;
    int block = new_node(p, SYNTAX_BLOCK);
    if (block < 0)
        return -1;
    memcpy(p->out->nodes[block].name, p->out->nodes[first].name, SYNTAX_NAME);
    p->out->nodes[block].child = first;
    return block;
}

static int parse_choices(struct parser *p)
{
    int first = parse_sequence(p);
    if (first < 0 || *p->at != '|')
        return first;
    int oneof = new_node(p, SYNTAX_ONEOF);
    int last = as_one(p, first);
    if (oneof < 0 || last < 0)
        return -1;
    memcpy(p->out->nodes[oneof].name, p->out->nodes[last].name, SYNTAX_NAME);
    p->out->nodes[oneof].child = last;
    while (*p->at == '|') {
        p->at++;
        int n = as_one(p, parse_sequence(p));
        if (n < 0)
            return -1;
        p->out->nodes[last].next = n;
        last = n;
    }
    return oneof;
}

/* The node behind the ones from n on that have the names of what `again` repeats; -1 when they
 * differ. */
static int behind_repeated(const struct syntax *s, int n, const struct syntax_node *again)
{
    int wanted = again->child;
    if (again->kind == SYNTAX_VALUE)
        return strcmp(s->nodes[n].name, again->name) == 0 ? s->nodes[n].next : -1;
    for (; wanted >= 0 && n >= 0; wanted = s->nodes[wanted].next, n = s->nodes[n].next)
        if (strcmp(s->nodes[n].name, s->nodes[wanted].name) != 0)
            return -1;
    return wanted < 0 ? n : -1;
}

/* The text writes what repeats twice, "key [key ...]" or "field value [field value ...]": keeps the
 * second. */
static void fold_repeats(struct syntax *s)
{
    for (int *link = &s->first; *link >= 0; link = &s->nodes[*link].next) {
        for (int n = s->nodes[*link].next; n >= 0; n = s->nodes[n].next) {
            struct syntax_node *again = &s->nodes[n];
            bool repeats = again->optional && again->multiple &&
                           (again->kind == SYNTAX_VALUE || again->kind == SYNTAX_BLOCK);
            if (!repeats || behind_repeated(s, *link, again) != n)
                continue;
            again->optional = false;
            *link = n;
            return;
        }
    }
}

bool syntax_parse(struct syntax *s, const char *text)
{
    struct parser p = {s, text};
    s->count = 0;
    s->first = -1;
    s->failed = false;
    skip_blanks(&p);
    if (*p.at == '\0')
        return true;
    s->first = parse_choices(&p);
    fold_repeats(s);
    return !s->failed && s->first >= 0 && *p.at == '\0';
}

size_t syntax_length(const struct syntax *s, int first)
{
    size_t length = 0;
    for (int n = first; n >= 0; n = s->nodes[n].next)
        length++;
    return length;
}

static bool any_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

const char *syntax_type(const struct syntax_node *n)
{
    static const char *const keys[] = {"key", "newkey", "source", "destination", NULL};
    static const char *const integers[] = {"seconds", "milliseconds",   "count",   "cursor",
                                           "db",      "destination-db", "offset",  "start",
                                           "end",     "numkeys",        "timeout", "numreplicas",
                                           "index1",  "index2",         "version", NULL};
    switch (n->kind) {
    case SYNTAX_TOKEN:
        return "pure-token";
    case SYNTAX_ONEOF:
        return "oneof";
    case SYNTAX_BLOCK:
        return "block";
    case SYNTAX_VALUE:
        break;
    }
    if (any_of(n->name, keys))
        return "key";
    if (any_of(n->name, integers))
        return "integer";
    if (strcmp(n->name, "pattern") == 0)
        return "pattern";
    return strncmp(n->name, "unix-time", 9) == 0 ? "unix-time" : "string";
}
