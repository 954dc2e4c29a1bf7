/* Strings that are numbers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "internal.h"
#include "number.h"

static const char not_integer[] = "ERR value is not an integer or out of range";
static const char not_float[] = "ERR value is not a valid float";
static const char overflow[] = "ERR increment or decrement would overflow";
static const char not_finite[] = "ERR increment would produce NaN or Infinity";

/* Reads the number in an update; absent or damaged counts as 0. Otherwise sets *error and returns
 * false. */
static bool read_integer(struct request *rq, struct cache_update *u, int64_t *n, const char **error)
{
    char text[NUMBER_INT_CHARS];
    size_t len;
    *n = 0;
    if (!u->found ||
        (view_text(rq, &u->view, text, sizeof text, &len) && number_parse_int(text, len, n)) ||
        cache_view_is_damaged(&u->view))
        return true;
    *error = not_integer;
    return false;
}

static bool read_float(struct request *rq, struct cache_update *u, long double *f,
                       const char **error)
{
    char text[NUMBER_FLOAT_CHARS];
    size_t len;
    *f = 0;
    if (!u->found ||
        (view_text(rq, &u->view, text, sizeof text, &len) && number_parse_float(text, len, f)) ||
        cache_view_is_damaged(&u->view))
        return true;
    *error = not_float;
    return false;
}

static enum cache_status store_text(struct request *rq, struct cache_update *u, const char *text,
                                    size_t len, int64_t at_ms)
{
    struct cache_source source = source_flat(text, len);
    return cache_update_store(rq->cache, u, CACHE_STRING, &source, at_ms);
}

static int64_t expiry_of(const struct cache_update *u)
{
    return u->found && !cache_view_is_damaged(&u->view) ? u->view.expire_ms : CACHE_NO_EXPIRY;
}

static bool of_wrong_type(const struct cache_update *u)
{
    return u->found && u->view.type != CACHE_STRING;
}

/* ---- whole numbers ---- */

static void increment(struct request *rq, int64_t by)
{
    struct cache_key key;
    struct cache_update u;
    int64_t n = 0;
    const char *error = NULL;
    enum cache_status status = CACHE_OK;
    if (!request_key(rq, 1, &key))
        return;
    cache_update_begin(rq->cache, &key, &u);
    bool wrong_type = of_wrong_type(&u);
    if (!wrong_type && read_integer(rq, &u, &n, &error)) {
        if (__builtin_add_overflow(n, by, &n)) {
            error = overflow;
        } else {
            char text[NUMBER_INT_CHARS];
            status = store_text(rq, &u, text, number_print_int(n, text), expiry_of(&u));
        }
    }
    cache_update_end(rq->cache, &u);
    if (wrong_type) {
        reply_wrong_type(rq);
    } else if (error != NULL) {
        resp_error(rq->out, error);
    } else if (status != CACHE_OK) {
        reply_cache_error(rq, status);
    } else {
        request_touched(rq, &key, "incrby");
        resp_integer(rq->out, n);
    }
}

static void incr_command(struct request *rq)
{
    increment(rq, 1);
}

static void decr_command(struct request *rq)
{
    increment(rq, -1);
}

static void incrby_command(struct request *rq)
{
    int64_t by;
    if (request_integer(rq, 2, &by))
        increment(rq, by);
}

static void decrby_command(struct request *rq)
{
    int64_t by;
    if (!request_integer(rq, 2, &by))
        return;
    if (by == INT64_MIN)
        resp_error(rq->out, "ERR decrement would overflow");
    else
        increment(rq, -by);
}

/* ---- fractions ---- */

/* Reads argument i as a float without replying. */
static bool float_argument(struct request *rq, size_t i, long double *f)
{
    size_t len;
    const char *text = rq->argv[i].len < NUMBER_FLOAT_CHARS ? request_flat(rq, i, &len) : NULL;
    return text != NULL && number_parse_float(text, len, f);
}

static void incrbyfloat_command(struct request *rq)
{
    struct cache_key key;
    struct cache_update u;
    long double f, by;
    char text[NUMBER_FLOAT_CHARS];
    size_t len = 0;
    const char *error = NULL;
    enum cache_status status = CACHE_OK;
    if (!request_key(rq, 1, &key))
        return;
    cache_update_begin(rq->cache, &key, &u);
    bool wrong_type = of_wrong_type(&u);
    if (!wrong_type && read_float(rq, &u, &f, &error)) {
        if (!float_argument(rq, 2, &by)) {
            error = not_float;
        } else if (!isfinite(f += by)) {
            error = not_finite;
        } else {
            len = number_print_float(f, text);
            status = store_text(rq, &u, text, len, expiry_of(&u));
        }
    }
    cache_update_end(rq->cache, &u);
    if (wrong_type) {
        reply_wrong_type(rq);
    } else if (error != NULL) {
        resp_error(rq->out, error);
    } else if (status != CACHE_OK) {
        reply_cache_error(rq, status);
    } else {
        request_touched(rq, &key, "incrbyfloat");
        resp_bulk(rq->out, text, len);
    }
}

#define COUNTER                                                                                    \
    .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .group = GROUP_STRING, .first_key = 1,            \
    .last_key = 1, .key_step = 1, .complexity = "O(1)"

const struct command commands_counter[] = {
    {.name = "incr",
     .fn = incr_command,
     .arity = 2,
     COUNTER,
     .since = "1.0.0",
     .summary = "Increments the integer value of a key by one. Uses 0 as initial value if the key "
                "doesn't exist.",
     .args = "key"},
    {.name = "decr",
     .fn = decr_command,
     .arity = 2,
     COUNTER,
     .since = "1.0.0",
     .summary = "Decrements the integer value of a key by one. Uses 0 as initial value if the key "
                "doesn't exist.",
     .args = "key"},
    {.name = "incrby",
     .fn = incrby_command,
     .arity = 3,
     COUNTER,
     .since = "1.0.0",
     .summary = "Increments the integer value of a key by a number. Uses 0 as initial value if the "
                "key doesn't exist.",
     .args = "key increment"},
    {.name = "decrby",
     .fn = decrby_command,
     .arity = 3,
     COUNTER,
     .since = "1.0.0",
     .summary = "Decrements a number from the integer value of a key. Uses 0 as initial value if "
                "the key doesn't exist.",
     .args = "key decrement"},
    {.name = "incrbyfloat",
     .fn = incrbyfloat_command,
     .arity = 3,
     COUNTER,
     .since = "2.6.0",
     .summary = "Increments the floating point value of a key by a number. Uses 0 as initial value "
                "if the key doesn't exist.",
     .args = "key increment"},
    {.name = NULL},
};
