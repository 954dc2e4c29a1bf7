/* INCREX: a counter with bounds and an expiry in one step. */
#include <float.h>
#include <math.h>

#include "internal.h"
#include "number.h"

/* A number of either kind. `f` carries both in long double, which holds every int64_t exactly. */
struct bounds {
    bool as_float;
    bool saturate;
    bool enx;
    size_t by_arg, low_arg, high_arg; /* 0 = not given */
    long double by, low, high;
    enum expiry_unit expiry;
    size_t expiry_arg;
    int64_t at_ms;
};

/* What came out of it. */
struct outcome {
    long double value, applied;
    bool changed;
    const char *event; /* of the expiry, when that changed too */
    const char *error;
    enum cache_status status;
};

static bool parse_expiry(struct request *rq, size_t i, struct bounds *b, size_t *used)
{
    enum expiry_unit unit = request_is(rq, i, "persist") ? EXPIRY_PERSIST : expiry_option(rq, i);
    *used = unit == EXPIRY_PERSIST ? 1 : 2;
    if (unit == EXPIRY_NONE || b->expiry != EXPIRY_NONE || i + *used > rq->argc)
        return false;
    b->expiry = unit;
    b->expiry_arg = unit == EXPIRY_PERSIST ? 0 : i + 1;
    return true;
}

/* One option from argument i; *used = how many arguments it took. */
static bool parse_option(struct request *rq, size_t i, struct bounds *b, size_t *used)
{
    bool more = i + 1 < rq->argc;
    *used = 2;
    if (more && b->by_arg == 0 && (request_is(rq, i, "byfloat") || request_is(rq, i, "byint"))) {
        b->as_float = request_is(rq, i, "byfloat");
        b->by_arg = i + 1;
    } else if (more && b->low_arg == 0 && request_is(rq, i, "lbound")) {
        b->low_arg = i + 1;
    } else if (more && b->high_arg == 0 && request_is(rq, i, "ubound")) {
        b->high_arg = i + 1;
    } else if (request_is(rq, i, "saturate")) {
        b->saturate = true;
        *used = 1;
    } else if (request_is(rq, i, "enx")) {
        b->enx = true;
        *used = 1;
    } else {
        return parse_expiry(rq, i, b, used);
    }
    return true;
}

static bool parse_number(struct request *rq, size_t i, bool as_float, long double *f)
{
    int64_t n;
    size_t len;
    if (i == 0)
        return true;
    if (!as_float) {
        if (!request_integer(rq, i, &n))
            return false;
        *f = (long double)n;
        return true;
    }
    const char *text = request_flat(rq, i, &len);
    if (text == NULL)
        return false;
    if (number_parse_float(text, len, f))
        return true;
    resp_error(rq->out, "ERR value is not a valid float");
    return false;
}

static bool parse_values(struct request *rq, struct bounds *b)
{
    b->by = 1;
    b->low = b->as_float ? -LDBL_MAX : (long double)INT64_MIN;
    b->high = b->as_float ? LDBL_MAX : (long double)INT64_MAX;
    if (!parse_number(rq, b->by_arg, b->as_float, &b->by) ||
        !parse_number(rq, b->low_arg, b->as_float, &b->low) ||
        !parse_number(rq, b->high_arg, b->as_float, &b->high))
        return false;
    if (b->low > b->high) {
        resp_error(rq->out, "ERR LBOUND can't be greater than UBOUND");
        return false;
    }
    return b->expiry_arg == 0 || expiry_argument(rq, b->expiry_arg, b->expiry, &b->at_ms);
}

static bool parse(struct request *rq, struct bounds *b)
{
    *b = (struct bounds){.expiry = EXPIRY_NONE, .at_ms = CACHE_NO_EXPIRY};
    size_t used;
    for (size_t i = 2; i < rq->argc; i += used) {
        if (!parse_option(rq, i, b, &used)) {
            reply_syntax_error(rq);
            return false;
        }
    }
    if (b->enx && b->expiry == EXPIRY_PERSIST) {
        reply_syntax_error(rq);
        return false;
    }
    if (b->enx && b->expiry == EXPIRY_NONE) {
        resp_error(rq->out, "ERR ENX flag requires an expiration");
        return false;
    }
    return parse_values(rq, b);
}

static bool read_old(struct request *rq, struct cache_update *u, const struct bounds *b,
                     struct outcome *r)
{
    char text[NUMBER_FLOAT_CHARS];
    size_t len;
    int64_t n = 0;
    r->value = 0;
    if (!u->found)
        return true;
    bool ok = view_text(rq, &u->view, text, sizeof text, &len);
    if (cache_view_is_damaged(&u->view))
        return true;
    if (ok && b->as_float) {
        ok = number_parse_float(text, len, &r->value);
    } else if (ok) {
        ok = number_parse_int(text, len, &n);
        r->value = (long double)n;
    }
    if (!ok)
        r->error = b->as_float ? "ERR value is not a valid float"
                               : "ERR value is not an integer or out of range";
    return ok;
}

/* The new value, and whether it may be stored. */
static void add(const struct bounds *b, struct outcome *r)
{
    long double old = r->value, sum = old + b->by;
    bool inside = b->low <= sum && sum <= b->high;
    r->changed = !isnan(sum) && (inside || b->saturate);
    if (r->changed)
        r->value = sum < b->low ? b->low : sum > b->high ? b->high : sum;
    r->applied = r->value - old;
}

static int64_t new_expiry(const struct cache_update *u, const struct bounds *b, const char **event)
{
    bool found = u->found && !cache_view_is_damaged(&u->view);
    int64_t old = found ? u->view.expire_ms : CACHE_NO_EXPIRY;
    if (b->expiry == EXPIRY_NONE || (b->enx && old != CACHE_NO_EXPIRY))
        return old;
    if (b->expiry != EXPIRY_PERSIST)
        *event = "expire";
    else if (old != CACHE_NO_EXPIRY)
        *event = "persist";
    return b->at_ms;
}

static void store(struct request *rq, struct cache_update *u, const struct bounds *b,
                  struct outcome *r)
{
    char text[NUMBER_FLOAT_CHARS];
    size_t len = b->as_float ? number_print_float(r->value, text)
                             : number_print_int((int64_t)r->value, text);
    struct cache_source source = source_flat(text, len);
    int64_t at_ms = new_expiry(u, b, &r->event);
    r->status = cache_update_store(rq->cache, u, CACHE_STRING, &source, at_ms);
}

static void reply_number(struct request *rq, bool as_float, long double f)
{
    char text[NUMBER_FLOAT_CHARS];
    if (!as_float)
        resp_integer(rq->out, (int64_t)f);
    else if (resp_is3(rq->out))
        resp_double(rq->out, (double)f);
    else
        resp_bulk(rq->out, text, number_print_float(f, text));
}

static void increx_command(struct request *rq)
{
    struct cache_key key;
    struct cache_update u;
    struct bounds b;
    struct outcome r = {.status = CACHE_OK};
    if (!parse(rq, &b) || !request_key(rq, 1, &key))
        return;
    cache_update_begin(rq->cache, &key, &u);
    bool wrong_type = u.found && u.view.type != CACHE_STRING;
    if (!wrong_type && read_old(rq, &u, &b, &r)) {
        add(&b, &r);
        if (r.changed)
            store(rq, &u, &b, &r);
    }
    cache_update_end(rq->cache, &u);
    if (wrong_type) {
        reply_wrong_type(rq);
    } else if (r.error != NULL) {
        resp_error(rq->out, r.error);
    } else if (r.status != CACHE_OK) {
        reply_cache_error(rq, r.status);
    } else {
        if (r.changed)
            request_touched(rq, &key, b.as_float ? "incrbyfloat" : "incrby");
        if (r.event != NULL)
            request_touched(rq, &key, r.event);
        resp_array(rq->out, 2);
        reply_number(rq, b.as_float, r.value);
        reply_number(rq, b.as_float, r.applied);
    }
}

const struct command commands_increx[] = {
    {.name = "increx",
     .fn = increx_command,
     .arity = -2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .group = GROUP_STRING,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .since = "8.8.0",
     .complexity = "O(1)",
     .summary = "Increments the numeric value of a key by a number, within bounds, and sets its "
                "expiration time. Uses 0 as initial value if the key doesn't exist.",
     .args = "key [BYFLOAT increment | BYINT increment] [LBOUND lowerbound] [UBOUND upperbound] "
             "[SATURATE] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
             "PXAT unix-time-milliseconds | PERSIST] [ENX]"},
    {.name = NULL},
};
