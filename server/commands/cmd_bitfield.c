/* BITFIELD: whole numbers of any width anywhere in a string. */
#include <stdlib.h>
#include <string.h>

#include "bits.h"
#include "internal.h"

enum field_op { FIELD_GET, FIELD_SET, FIELD_INCRBY };

struct field {
    enum field_op op;
    enum bits_overflow overflow;
    struct bits_type type;
    bool failed; /* the reply is null */
    uint64_t at;
    int64_t operand;
    int64_t result;
};

/* ---- reading the arguments ---- */

static bool parse_overflow(struct request *rq, size_t i, enum bits_overflow *overflow)
{
    if (request_is(rq, i, "wrap"))
        *overflow = BITS_WRAP;
    else if (request_is(rq, i, "sat"))
        *overflow = BITS_SATURATE;
    else if (request_is(rq, i, "fail"))
        *overflow = BITS_FAIL;
    else {
        resp_error(rq->out, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* "#3" is counted in widths of the type, "3" in bits. */
static bool parse_offset(struct request *rq, size_t i, unsigned width, uint64_t *at)
{
    const struct resp_arg *arg = &rq->argv[i];
    if (arg->ptr == NULL || arg->len == 0 || arg->ptr[0] != '#')
        return request_bit_offset(rq, i, 1, at);
    struct resp_arg number = {.ptr = arg->ptr + 1, .len = arg->len - 1};
    struct request counted = *rq;
    counted.argv = &number;
    return request_bit_offset(&counted, 0, width, at);
}

/* Type, offset and number from argument i on; returns how many arguments those are, 0 = replied. */
static size_t parse_field(struct request *rq, size_t i, struct field *f)
{
    const struct resp_arg *type = &rq->argv[i];
    if (type->ptr == NULL || !bits_type_parse(type->ptr, type->len, &f->type)) {
        resp_error(rq->out, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 "
                            "is not supported but i64 is.");
        return 0;
    }
    if (!parse_offset(rq, i + 1, f->type.width, &f->at))
        return 0;
    if (f->op == FIELD_GET)
        return 2;
    return request_integer(rq, i + 2, &f->operand) ? 3 : 0;
}

/* Fills the fields; returns how many, SIZE_MAX = replied. */
static size_t parse_fields(struct request *rq, struct field *fields)
{
    enum bits_overflow overflow = BITS_WRAP;
    size_t n = 0, taken;
    for (size_t i = 2; i < rq->argc; i += taken) {
        struct field *f = &fields[n];
        size_t left = rq->argc - i - 1;
        *f = (struct field){.overflow = overflow};
        if (left >= 1 && request_is(rq, i, "overflow")) {
            if (!parse_overflow(rq, i + 1, &overflow))
                return SIZE_MAX;
            taken = 2;
            continue;
        }
        if (left >= 2 && request_is(rq, i, "get")) {
            f->op = FIELD_GET;
        } else if (left >= 3 && request_is(rq, i, "set")) {
            f->op = FIELD_SET;
        } else if (left >= 3 && request_is(rq, i, "incrby")) {
            f->op = FIELD_INCRBY;
        } else {
            reply_syntax_error(rq);
            return SIZE_MAX;
        }
        size_t more = parse_field(rq, i + 1, f);
        if (more == 0)
            return SIZE_MAX;
        taken = 1 + more;
        n++;
    }
    return n;
}

/* ---- carrying out ---- */

/* The bytes of a field, and in which of them it ends. */
struct window {
    uint8_t bytes[BITS_NUMBER_BYTES];
    size_t off, len;
};

/* False when the value is damaged. */
static bool window_read(struct request *rq, struct cache_view *view, const struct field *f,
                        struct window *w)
{
    memset(w->bytes, 0, sizeof w->bytes);
    w->off = f->at / 8;
    w->len = (f->at + f->type.width + 7) / 8 - w->off;
    if (view == NULL || w->off >= view->raw_len)
        return true;
    size_t have = view->raw_len - w->off < w->len ? view->raw_len - w->off : w->len;
    return cache_view_read(rq->cache, view, w->off, have, w->bytes) == CACHE_OK;
}

static enum cache_status write_field(struct request *rq, const struct cache_key *key,
                                     struct field *f)
{
    struct cache_update u;
    struct window w;
    unsigned place = f->at % 8;
    size_t len;
    enum cache_status status = CACHE_DAMAGED;
    cache_update_begin(rq->cache, key, &u);
    if (window_read(rq, u.found ? &u.view : NULL, f, &w)) {
        int64_t old = bits_get(w.bytes, place, f->type), n;
        bool set = f->op == FIELD_SET;
        f->failed =
            !bits_add(f->type, f->overflow, set ? f->operand : old, set ? 0 : f->operand, &n);
        f->result = set ? old : n;
        bits_put(w.bytes, place, f->type, f->failed ? old : n);
        /* Written even when nothing changes: so the string grows as far as Redis lets it grow. */
        struct cache_source source = source_flat(w.bytes, w.len);
        status = cache_update_patch(rq->cache, &u, w.off, &source, &len);
    }
    cache_update_end(rq->cache, &u);
    return status;
}

static bool read_field(struct request *rq, struct cache_view *view, struct field *f)
{
    struct window w;
    bool ok = window_read(rq, view, f, &w);
    f->result = ok ? bits_get(w.bytes, f->at % 8, f->type) : 0;
    return ok;
}

/* LOOKUP_REPLIED = the key has another type. */
static enum lookup read_fields(struct request *rq, const struct cache_key *key,
                               struct field *fields, size_t n)
{
    struct cache_view view;
    enum lookup found = lookup_type(rq, key, CACHE_STRING, request_touch(rq), &view);
    for (size_t i = 0; found != LOOKUP_REPLIED && i < n; i++)
        if (fields[i].op == FIELD_GET)
            (void)read_field(rq, found == LOOKUP_FOUND ? &view : NULL, &fields[i]);
    if (found == LOOKUP_FOUND)
        cache_view_end(rq->cache, &view);
    return found;
}

/* The key is locked, and is a string or absent. */
static enum cache_status write_fields(struct request *rq, const struct cache_key *key,
                                      struct field *fields, size_t n)
{
    enum cache_status status = CACHE_OK;
    for (size_t i = 0; status == CACHE_OK && i < n; i++) {
        if (fields[i].op == FIELD_GET) {
            (void)read_fields(rq, key, &fields[i], 1);
            continue;
        }
        status = write_field(rq, key, &fields[i]);
        if (status == CACHE_DAMAGED) /* it is gone now */
            status = write_field(rq, key, &fields[i]);
    }
    return status;
}

static void reply_fields(struct request *rq, const struct field *fields, size_t n)
{
    resp_array(rq->out, n);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].failed)
            resp_null(rq->out);
        else
            resp_integer(rq->out, fields[i].result);
    }
}

static bool writes(const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].op != FIELD_GET)
            return true;
    return false;
}

static bool changes(const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].op != FIELD_GET && !fields[i].failed)
            return true;
    return false;
}

static void carry_out(struct request *rq, struct field *fields, size_t n)
{
    struct cache_key key;
    enum cache_status status = CACHE_OK;
    if (!request_key(rq, 1, &key))
        return;
    bool writing = writes(fields, n);
    if (!lock_key(rq, &key))
        return;
    enum lookup found = read_fields(rq, &key, fields, writing ? 0 : n);
    if (found != LOOKUP_REPLIED && writing)
        status = write_fields(rq, &key, fields, n);
    cache_unlock_keys(rq->cache);
    if (found == LOOKUP_REPLIED)
        return;
    if (status == CACHE_OK && changes(fields, n))
        request_touched(rq, &key, "setbit");
    if (status == CACHE_OK)
        reply_fields(rq, fields, n);
    else
        reply_cache_error(rq, status);
}

static void bitfield_general(struct request *rq, bool may_write)
{
    /* A field takes three arguments at least. */
    size_t bytes = (rq->argc / 3 + 1) * sizeof(struct field);
    struct field *fields = NULL;
    if (cache_may_charge(request_cache(rq), bytes))
        fields = malloc(bytes);
    if (fields == NULL) {
        reply_oom(rq);
        return;
    }
    size_t n = parse_fields(rq, fields);
    if (n != SIZE_MAX && !may_write && writes(fields, n))
        resp_error(rq->out, "ERR BITFIELD_RO only supports the GET subcommand");
    else if (n != SIZE_MAX)
        carry_out(rq, fields, n);
    free(fields);
}

static void bitfield_command(struct request *rq)
{
    bitfield_general(rq, true);
}

static void bitfield_ro_command(struct request *rq)
{
    bitfield_general(rq, false);
}

#define FIELD                                                                                      \
    .group = GROUP_BITMAP, .first_key = 1, .last_key = 1, .key_step = 1, .arity = -2,              \
    .complexity = "O(1) for each subcommand specified"

const struct command commands_bitfield[] = {
    {.name = "bitfield",
     .fn = bitfield_command,
     FIELD,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .since = "3.2.0",
     .summary = "Performs arbitrary bitfield integer operations on strings.",
     .args = "key [GET encoding offset | [OVERFLOW WRAP | SAT | FAIL] SET encoding offset value | "
             "INCRBY encoding offset increment ...]",
     .differs = "The steps are carried out one by one: when memory runs out, the error is answered "
                "and the steps before stay done."},
    {.name = "bitfield_ro",
     .fn = bitfield_ro_command,
     FIELD,
     .flags = CMD_READONLY | CMD_FAST,
     .since = "6.0.0",
     .summary = "Performs arbitrary read-only bitfield integer operations on strings.",
     .args = "key [GET encoding offset ...]"},
    {.name = NULL},
};
