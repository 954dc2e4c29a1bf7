/* The options of SET, GETEX and MSETEX, and the conditions that compare. */
#include <string.h>

#include "internal.h"

static bool plain_condition(struct request *rq, size_t i, struct set_options *o)
{
    if (request_is(rq, i, "nx") && (o->condition == SET_ALWAYS || o->condition == SET_NX))
        o->condition = SET_NX;
    else if (request_is(rq, i, "xx") && (o->condition == SET_ALWAYS || o->condition == SET_XX))
        o->condition = SET_XX;
    else
        return false;
    return true;
}

bool set_condition_compares(const struct request *rq, size_t i, enum set_condition *c)
{
    if (request_is(rq, i, "ifeq"))
        *c = SET_IFEQ;
    else if (request_is(rq, i, "ifne"))
        *c = SET_IFNE;
    else if (request_is(rq, i, "ifdeq"))
        *c = SET_IFDEQ;
    else if (request_is(rq, i, "ifdne"))
        *c = SET_IFDNE;
    else
        return false;
    return true;
}

/* The words without an operand: NX XX GET KEEPTTL PERSIST. */
static bool parse_word(struct request *rq, size_t i, enum set_options_of which,
                       struct set_options *o)
{
    if (which != OPTIONS_OF_GETEX && plain_condition(rq, i, o))
        return true;
    if (which == OPTIONS_OF_SET && request_is(rq, i, "get")) {
        o->get = true;
        return true;
    }
    enum expiry_unit word = EXPIRY_NONE;
    if (which != OPTIONS_OF_GETEX && request_is(rq, i, "keepttl"))
        word = EXPIRY_KEEP;
    else if (which == OPTIONS_OF_GETEX && request_is(rq, i, "persist"))
        word = EXPIRY_PERSIST;
    if (word == EXPIRY_NONE || (o->expiry != EXPIRY_NONE && o->expiry != word))
        return false;
    o->expiry = word;
    return true;
}

/* The words with an operand behind them. */
static bool parse_pair(struct request *rq, size_t i, enum set_options_of which,
                       struct set_options *o)
{
    enum set_condition condition;
    if (i + 1 == rq->argc)
        return false;
    if (which == OPTIONS_OF_SET && o->condition == SET_ALWAYS &&
        set_condition_compares(rq, i, &condition)) {
        o->condition = condition;
        o->operand = i + 1;
        return true;
    }
    enum expiry_unit unit = expiry_option(rq, i);
    /* The same unit twice is no error to Redis: the last one counts. */
    if (unit == EXPIRY_NONE || (o->expiry != EXPIRY_NONE && o->expiry != unit))
        return false;
    o->expiry = unit;
    o->expiry_arg = i + 1;
    return true;
}

bool set_options_parse(struct request *rq, size_t first, enum set_options_of which,
                       struct set_options *o)
{
    *o = (struct set_options){.condition = SET_ALWAYS, .expiry = EXPIRY_NONE};
    for (size_t i = first; i < rq->argc; i++) {
        if (parse_word(rq, i, which, o))
            continue;
        if (!parse_pair(rq, i, which, o)) {
            reply_syntax_error(rq);
            return false;
        }
        i++;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool set_digest_argument(struct request *rq, size_t i, uint64_t *digest)
{
    size_t len;
    const char *text = request_flat(rq, i, &len);
    if (text == NULL)
        return false;
    uint64_t n = 0;
    bool ok = len == 16;
    for (size_t d = 0; ok && d < len; d++) {
        int digit = hex_digit(text[d]);
        ok = digit >= 0;
        n = n << 4 | (uint64_t)(digit & 15);
    }
    if (!ok)
        resp_error(rq->out, "ERR digest must be exactly 16 hexadecimal characters");
    *digest = n;
    return ok;
}

static enum set_verdict digest_holds(struct request *rq, bool wanted, size_t operand,
                                     struct cache_view *view)
{
    uint64_t want, have;
    if (!set_digest_argument(rq, operand, &want))
        return VERDICT_REPLIED;
    if (!view_digest(rq, view, &have)) {
        if (cache_view_is_damaged(view)) /* as if absent */
            return wanted ? VERDICT_NO : VERDICT_YES;
        reply_oom(rq);
        return VERDICT_REPLIED;
    }
    return (want == have) == wanted ? VERDICT_YES : VERDICT_NO;
}

enum set_verdict set_condition_holds(struct request *rq, enum set_condition c, size_t operand,
                                     struct cache_view *view)
{
    if (c == SET_IFDEQ || c == SET_IFDNE)
        return digest_holds(rq, c == SET_IFDEQ, operand, view);
    size_t len;
    const char *text = request_flat(rq, operand, &len);
    if (text == NULL)
        return VERDICT_REPLIED;
    return view_equals(rq, view, text, len) == (c == SET_IFEQ) ? VERDICT_YES : VERDICT_NO;
}
