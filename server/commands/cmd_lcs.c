/* LCS: the longest common subsequence of two strings.
 *
 * Row by row of the usual table of lengths, of which two rows are kept, and of the others a bit for
 * each field: whether the way back to the begin goes up from it, or left. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Redis's limit, which keeps a table of 4 bytes for each field within the longest value. */
#define FIELDS_MOST (CACHE_MAX_VALUE / 4)

struct lcs_options {
    bool length, matches, with_lengths;
    int64_t shortest; /* match that is shown */
};

struct lcs {
    struct request *rq;
    const uint8_t *a, *b;
    size_t a_len, b_len;
    uint32_t *row, *above; /* b_len + 1 each */
    uint8_t *up;           /* a bit for each field, a row for each byte of a */
    size_t length;
};

/* A stretch that both strings have: [a, a + len) and [b, b + len). */
struct match {
    size_t a, b, len;
};

/* ---- the table ---- */

static bool goes_up(const struct lcs *l, size_t i, size_t j)
{
    size_t bit = i * l->b_len + j;
    return l->up[bit / 8] >> bit % 8 & 1;
}

static void fill_row(struct lcs *l, size_t i)
{
    uint32_t *row = l->row, *above = l->above;
    row[0] = 0;
    for (size_t j = 0; j < l->b_len; j++) {
        if (l->a[i] == l->b[j]) {
            row[j + 1] = above[j] + 1;
        } else if (above[j + 1] > row[j]) {
            size_t bit = i * l->b_len + j;
            l->up[bit / 8] |= (uint8_t)(1u << bit % 8);
            row[j + 1] = above[j + 1];
        } else {
            row[j + 1] = row[j];
        }
    }
    l->row = above;
    l->above = row;
}

static void fill(struct lcs *l)
{
    for (size_t i = 0; i < l->a_len; i++)
        fill_row(l, i);
    l->length = l->above[l->b_len];
}

/* The next match before (*i, *j), from the end to the begin. False when there is none. */
static bool next_match(const struct lcs *l, size_t *i, size_t *j, struct match *m)
{
    m->len = 0;
    while (*i > 0 && *j > 0) {
        if (l->a[*i - 1] == l->b[*j - 1]) {
            *m = (struct match){.a = --*i, .b = --*j, .len = m->len + 1};
        } else if (m->len > 0) {
            return true;
        } else if (goes_up(l, *i - 1, *j - 1)) {
            --*i;
        } else {
            --*j;
        }
    }
    return m->len > 0;
}

/* ---- replies ---- */

static void reply_string(const struct lcs *l)
{
    size_t i = l->a_len, j = l->b_len, left = l->length;
    struct match m;
    char *out = resp_bulk_begin(l->rq->out, l->length);
    if (out == NULL)
        return;
    while (next_match(l, &i, &j, &m)) {
        left -= m.len;
        memcpy(out + left, l->a + m.a, m.len);
    }
    resp_bulk_end(l->rq->out);
}

static bool is_shown(const struct lcs_options *o, const struct match *m)
{
    return (int64_t)m->len >= o->shortest;
}

static void reply_range(struct request *rq, size_t from, size_t len)
{
    resp_array(rq->out, 2);
    resp_integer(rq->out, (int64_t)from);
    resp_integer(rq->out, (int64_t)(from + len - 1));
}

static void reply_matches(const struct lcs *l, const struct lcs_options *o)
{
    struct request *rq = l->rq;
    struct match m;
    size_t n = 0, i = l->a_len, j = l->b_len;
    while (next_match(l, &i, &j, &m))
        n += is_shown(o, &m);
    resp_map(rq->out, 2);
    resp_bulk(rq->out, "matches", 7);
    resp_array(rq->out, n);
    i = l->a_len;
    j = l->b_len;
    while (next_match(l, &i, &j, &m)) {
        if (!is_shown(o, &m))
            continue;
        resp_array(rq->out, o->with_lengths ? 3 : 2);
        reply_range(rq, m.a, m.len);
        reply_range(rq, m.b, m.len);
        if (o->with_lengths)
            resp_integer(rq->out, (int64_t)m.len);
    }
    resp_bulk(rq->out, "len", 3);
    resp_integer(rq->out, (int64_t)l->length);
}

static void reply(const struct lcs *l, const struct lcs_options *o)
{
    if (o->matches)
        reply_matches(l, o);
    else if (o->length)
        resp_integer(l->rq->out, (int64_t)l->length);
    else
        reply_string(l);
}

/* ---- the command ---- */

/* Reads the strings and works in one piece of memory. False: there is none. */
static bool work(struct lcs *l, struct cache_view *a, struct cache_view *b,
                 const struct lcs_options *o)
{
    size_t rows = 2 * (l->b_len + 1) * sizeof(uint32_t), up = l->a_len * l->b_len / 8 + 1;
    size_t bytes = rows + up + l->a_len + l->b_len;
    struct cache *cache = request_cache(l->rq);
    uint8_t *memory = cache_may_charge(cache, bytes) ? calloc(1, bytes) : NULL;
    if (memory == NULL)
        return false;
    cache_charge(cache, (int64_t)bytes);
    l->row = (uint32_t *)(void *)memory;
    l->above = l->row + l->b_len + 1;
    l->up = memory + rows;
    uint8_t *text = memory + rows + up;
    l->a = text;
    l->b = text + l->a_len;
    /* One that is damaged counts as absent. */
    if (l->a_len > 0 && cache_view_read(l->rq->cache, a, 0, l->a_len, text) != CACHE_OK)
        l->a_len = 0;
    if (l->b_len > 0 &&
        cache_view_read(l->rq->cache, b, 0, l->b_len, memory + bytes - l->b_len) != CACHE_OK)
        l->b_len = 0;
    fill(l);
    reply(l, o);
    free(memory);
    cache_charge(cache, -(int64_t)bytes);
    return true;
}

static bool parse_options(struct request *rq, struct lcs_options *o)
{
    *o = (struct lcs_options){.shortest = 0};
    for (size_t i = 3; i < rq->argc; i++) {
        if (request_is(rq, i, "idx")) {
            o->matches = true;
        } else if (request_is(rq, i, "len")) {
            o->length = true;
        } else if (request_is(rq, i, "withmatchlen")) {
            o->with_lengths = true;
        } else if (request_is(rq, i, "minmatchlen") && i + 1 < rq->argc) {
            if (!request_integer(rq, ++i, &o->shortest))
                return false;
        } else {
            reply_syntax_error(rq);
            return false;
        }
    }
    if (o->matches && o->length) {
        resp_error(rq->out, "ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

static void compare(struct request *rq, struct cache_view *a, struct cache_view *b, size_t a_len,
                    size_t b_len)
{
    struct lcs_options o;
    struct lcs l = {.rq = rq, .a_len = a_len, .b_len = b_len};
    if (!parse_options(rq, &o))
        return;
    if (a_len + 1 > FIELDS_MOST / (b_len + 1))
        resp_error(rq->out, "ERR Insufficient memory, transient memory for LCS exceeds "
                            "proto-max-bulk-len");
    else if (!work(&l, a, b, &o))
        resp_error(rq->out, "ERR Insufficient memory, failed allocating transient memory for LCS");
}

static void lcs_command(struct request *rq)
{
    struct cache_key keys[2];
    struct cache_view views[2];
    bool found[2], strings = true;
    size_t len[2] = {0, 0};
    if (!request_key(rq, 1, &keys[0]) || !request_key(rq, 2, &keys[1]))
        return;
    for (int i = 0; i < 2; i++) {
        found[i] = cache_get(rq->cache, &keys[i], request_touch(rq), &views[i]) == CACHE_OK;
        if (!found[i])
            request_missed(rq, &keys[i]);
        else
            len[i] = views[i].raw_len;
        strings &= !found[i] || views[i].type == CACHE_STRING;
    }
    if (strings)
        compare(rq, &views[0], &views[1], len[0], len[1]);
    else
        resp_error(rq->out, "ERR The specified keys must contain string values");
    for (int i = 0; i < 2; i++)
        if (found[i])
            cache_view_end(rq->cache, &views[i]);
}

const struct command commands_lcs[] = {
    {.name = "lcs",
     .fn = lcs_command,
     .arity = -3,
     .flags = CMD_READONLY,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = 2,
     .key_step = 1,
     .since = "7.0.0",
     .complexity = "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     .summary = "Finds the longest common substring.",
     .args = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]"},
    {.name = NULL},
};
