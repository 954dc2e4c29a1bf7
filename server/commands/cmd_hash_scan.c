/* HSCAN.
 *
 * A small hash is shown in one step, as Redis does with its packed ones. Of a larger one a step
 * shows the fields whose place lies in the next part of all places; the place of a field is a hash
 * of its name, which no change of others moves. So each field that is there all the time is shown
 * once. As the whole hash is decoded for each step, there are few steps, whatever COUNT says. */
#define XXH_INLINE_ALL /* the header is all that is needed of the library */
#include <xxhash.h>

#include "glob.h"
#include "hash_access.h"

#define PLACES     ((uint64_t)1 << 32)
#define MOST_STEPS 8

struct hscan {
    uint64_t from, to; /* places: to is not among them */
    uint64_t seed;
    int64_t count;
    const char *pattern; /* NULL = all */
    size_t pattern_len;
    bool no_values;
};

static bool hscan_options(struct request *rq, struct hscan *s)
{
    for (size_t i = 3; i < rq->argc; i++) {
        bool more = i + 1 < rq->argc;
        if (more && request_is(rq, i, "count")) {
            if (!request_scan_count(rq, ++i, &s->count))
                return false;
        } else if (more && request_is(rq, i, "match")) {
            s->pattern = request_flat(rq, ++i, &s->pattern_len);
            if (s->pattern == NULL)
                return false;
        } else if (request_is(rq, i, "novalues")) {
            s->no_values = true;
        } else {
            reply_syntax_error(rq);
            return false;
        }
    }
    return true;
}

/* Which places this step shows. */
static void set_part(struct request *rq, struct hscan *s, uint32_t fields)
{
    uint64_t want = (uint64_t)s->count, least = fields / MOST_STEPS + 1;
    want = want < least ? least : want;
    s->to = PLACES;
    if (fields <= request_hash_limits(rq).fields) {
        s->from = 0;
        return;
    }
    s->from = s->from < PLACES ? s->from : PLACES;
    uint64_t part = want >= fields ? PLACES : PLACES / fields * want;
    if (part < PLACES - s->from)
        s->to = s->from + part;
}

static bool passes(const struct hscan *s, const struct hash_entry *e)
{
    if (s->from > 0 || s->to < PLACES) {
        uint64_t place = XXH3_64bits_withSeed(e->field, e->field_len, s->seed) >> 32;
        if (place < s->from || place >= s->to)
            return false;
    }
    return s->pattern == NULL ||
           glob_match(s->pattern, s->pattern_len, e->field, e->field_len, false);
}

static void reply_hscan(struct request *rq, const struct hash_blob *h, struct hscan *s)
{
    struct hash_reader r;
    struct hash_entry e;
    size_t matches = 0;
    s->seed = h->seed;
    set_part(rq, s, hash_open(&r, h->bytes, h->len));
    while (hash_next(&r, &e))
        matches += passes(s, &e);
    reply_cursor(rq, s->to < PLACES ? s->to : 0);
    resp_array(rq->out, s->no_values ? matches : 2 * matches);
    hash_open(&r, h->bytes, h->len);
    while (hash_next(&r, &e)) {
        if (!passes(s, &e))
            continue;
        resp_bulk(rq->out, e.field, e.field_len);
        if (!s->no_values)
            resp_bulk(rq->out, e.value, e.value_len);
    }
}

static void hscan_command(struct request *rq)
{
    struct hash_blob h;
    struct hscan s = {.count = 10};
    if (!request_cursor(rq, 2, &s.from))
        return;
    switch (hash_load(rq, 1, &h)) {
    case LOOKUP_REPLIED:
        return;
    case LOOKUP_MISSING:
        reply_cursor(rq, 0);
        resp_array(rq->out, 0);
        return;
    case LOOKUP_FOUND:
        if (hscan_options(rq, &s))
            reply_hscan(rq, &h, &s);
        hash_unload(&h);
        return;
    }
}

const struct command commands_hash_scan[] = {
    {.name = "hscan",
     .fn = hscan_command,
     .arity = -3,
     .flags = CMD_READONLY,
     .group = GROUP_HASH,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .since = "2.8.0",
     .complexity = "O(N) where N is the size of the hash.",
     .summary = "Iterates over fields and values of a hash.",
     .args = "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
     .differs = "A hash of more than hash-max-listpack-entries fields comes in at most nine steps, "
                "whatever COUNT says. NOVALUES is that of Redis 7.4."},
    {.name = NULL},
};
