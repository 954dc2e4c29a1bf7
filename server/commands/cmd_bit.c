/* Strings as rows of bits: one bit, how many are set, where the first is. */
#include <string.h>

#include "bits.h"
#include "internal.h"

bool request_bit_offset(struct request *rq, size_t i, uint64_t scale, uint64_t *offset)
{
    int64_t n;
    if (request_parse_integer(rq, i, &n) && n >= 0 &&
        !__builtin_mul_overflow((uint64_t)n, scale, offset) && *offset / 8 < CACHE_MAX_VALUE)
        return true;
    resp_error(rq->out, "ERR bit offset is not an integer or out of range");
    return false;
}

/* ---- one bit ---- */

/* The byte at `off`, 0 behind the end. */
static bool byte_at(struct request *rq, struct cache_view *view, size_t off, uint8_t *byte)
{
    *byte = 0;
    return off >= view->raw_len || cache_view_read(rq->cache, view, off, 1, byte) == CACHE_OK;
}

/* *changed = whether anything was written. One that is damaged is gone afterwards. */
static enum cache_status put_bit(struct request *rq, struct cache_update *u, size_t at, bool on,
                                 bool *old, bool *changed)
{
    uint8_t byte = 0;
    uint8_t mask = (uint8_t)(0x80u >> at % 8);
    size_t off = at / 8, len;
    if (u->found && !byte_at(rq, &u->view, off, &byte))
        return CACHE_DAMAGED;
    *old = byte & mask;
    *changed = !u->found || off >= u->view.raw_len || *old != on;
    if (!*changed)
        return CACHE_OK;
    byte = (uint8_t)(on ? byte | mask : byte & ~mask);
    struct cache_source source = source_flat(&byte, 1);
    return cache_update_patch(rq->cache, u, off, &source, &len);
}

static enum cache_status try_setbit(struct request *rq, const struct cache_key *key, size_t at,
                                    bool on, bool *old, bool *changed, bool *wrong_type)
{
    struct cache_update u;
    enum cache_status status = CACHE_OK;
    cache_update_begin(rq->cache, key, &u);
    *wrong_type = u.found && u.view.type != CACHE_STRING;
    if (!*wrong_type)
        status = put_bit(rq, &u, at, on, old, changed);
    cache_update_end(rq->cache, &u);
    return status;
}

static void setbit_command(struct request *rq)
{
    struct cache_key key;
    uint64_t at;
    int64_t on;
    bool old = false, changed = false, wrong_type;
    if (!request_bit_offset(rq, 2, 1, &at))
        return;
    if (!request_parse_integer(rq, 3, &on) || on < 0 || on > 1) {
        resp_error(rq->out, "ERR bit is not an integer or out of range");
        return;
    }
    if (!request_key(rq, 1, &key))
        return;
    enum cache_status status = try_setbit(rq, &key, at, on, &old, &changed, &wrong_type);
    if (status == CACHE_DAMAGED)
        status = try_setbit(rq, &key, at, on, &old, &changed, &wrong_type);
    if (wrong_type) {
        reply_wrong_type(rq);
    } else if (status != CACHE_OK) {
        reply_cache_error(rq, status);
    } else {
        if (changed)
            request_touched(rq, &key, "setbit");
        resp_integer(rq->out, old);
    }
}

static void getbit_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    uint64_t at;
    uint8_t byte = 0;
    if (!request_bit_offset(rq, 2, 1, &at) || !request_key(rq, 1, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_REPLIED)
        return;
    if (found == LOOKUP_FOUND) {
        if (!byte_at(rq, &view, at / 8, &byte))
            byte = 0;
        cache_view_end(rq->cache, &view);
    }
    resp_integer(rq->out, byte >> (7 - at % 8) & 1);
}

/* ---- ranges ---- */

/* What BITCOUNT and BITPOS were asked for. */
struct range {
    int64_t start, end; /* bytes or bits */
    bool in_bits;
    bool open; /* the end was not given */
};

/* Reads "[start [end [BYTE | BIT]]]" from argument `first` on. */
static bool range_parse(struct request *rq, size_t first, struct range *r)
{
    bool unit = rq->argc == first + 3;
    *r = (struct range){.start = 0, .end = -1, .open = rq->argc < first + 2};
    if (rq->argc > first + 3) {
        reply_syntax_error(rq);
        return false;
    }
    if (rq->argc > first && !request_integer(rq, first, &r->start))
        return false;
    if (rq->argc > first + 1 && !request_integer(rq, first + 1, &r->end))
        return false;
    r->in_bits = unit && request_is(rq, first + 2, "bit");
    if (unit && !r->in_bits && !request_is(rq, first + 2, "byte")) {
        reply_syntax_error(rq);
        return false;
    }
    return true;
}

/* The bits [*from, *to) that the range has of a string. False when there are none. */
static bool range_clip(const struct range *r, size_t len, uint64_t *from, uint64_t *to)
{
    int64_t unit = r->in_bits ? 1 : 8;
    int64_t total = (int64_t)len * 8 / unit;
    int64_t start = r->start < 0 ? r->start + total : r->start;
    int64_t end = r->end < 0 ? r->end + total : r->end;
    start = start < 0 ? 0 : start;
    end = end < 0 ? 0 : end;
    if (end >= total)
        end = total - 1;
    if (start > end)
        return false;
    *from = (uint64_t)(start * unit);
    *to = (uint64_t)((end + 1) * unit);
    return true;
}

/* Reads the bytes of the bits [at, to) that follow the byte of `at`, as many as fit, and sets those
 * bits that lie outside to `outside`. Returns how many bytes; 0 = damaged. */
static size_t read_bits(struct request *rq, struct cache_view *view, uint64_t at, uint64_t to,
                        unsigned outside, uint8_t piece[CACHE_SEGMENT])
{
    size_t off = at / 8, n = (to + 7) / 8 - off;
    if (n > CACHE_SEGMENT)
        n = CACHE_SEGMENT;
    if (cache_view_read(rq->cache, view, off, n, piece) != CACHE_OK)
        return 0;
    uint8_t before = (uint8_t) ~(0xffu >> at % 8);
    unsigned over = (off + n) * 8 > to ? (unsigned)((off + n) * 8 - to) & 7 : 0;
    uint8_t behind = (uint8_t)((1u << over) - 1);
    piece[0] = (uint8_t)(outside ? piece[0] | before : piece[0] & ~before);
    piece[n - 1] = (uint8_t)(outside ? piece[n - 1] | behind : piece[n - 1] & ~behind);
    return n;
}

static void bitcount_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    struct range r;
    uint64_t at, to;
    uint8_t piece[CACHE_SEGMENT];
    size_t n, count = 0;
    if (rq->argc == 3) {
        reply_syntax_error(rq);
        return;
    }
    if (!range_parse(rq, 2, &r) || !request_key(rq, 1, &key))
        return;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_REPLIED)
        return;
    if (found == LOOKUP_FOUND) {
        /* Here, but not for BITPOS, such a range is empty before it is clipped. */
        bool backward = r.start < 0 && r.end < 0 && r.start > r.end;
        if (!backward && range_clip(&r, view.raw_len, &at, &to)) {
            for (; at < to && (n = read_bits(rq, &view, at, to, 0, piece)) > 0;
                 at = (at / 8 + n) * 8)
                count += bits_count(piece, n);
        }
        if (cache_view_is_damaged(&view))
            count = 0;
        cache_view_end(rq->cache, &view);
    }
    resp_integer(rq->out, (int64_t)count);
}

/* The first such bit in the range; -1 = none. */
static int64_t find_bit(struct request *rq, struct cache_view *view, const struct range *r,
                        unsigned bit)
{
    uint64_t at, to;
    uint8_t piece[CACHE_SEGMENT];
    size_t n;
    if (!range_clip(r, view->raw_len, &at, &to))
        return -1;
    for (; at < to && (n = read_bits(rq, view, at, to, !bit, piece)) > 0; at = (at / 8 + n) * 8) {
        size_t found = bits_find(piece, n, bit);
        if (found < n * 8)
            return (int64_t)(at / 8 * 8 + found);
    }
    /* Behind the end there are zeros, unless the end was given. */
    return bit == 0 && r->open ? (int64_t)view->raw_len * 8 : -1;
}

static void bitpos_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    struct range r;
    int64_t bit;
    if (!request_integer(rq, 2, &bit))
        return;
    if (bit != 0 && bit != 1) {
        resp_error(rq->out, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (!range_parse(rq, 3, &r) || !request_key(rq, 1, &key))
        return;
    int64_t found_at = bit == 0 ? 0 : -1;
    enum lookup found = lookup_type(rq, &key, CACHE_STRING, request_touch(rq), &view);
    if (found == LOOKUP_REPLIED)
        return;
    if (found == LOOKUP_FOUND) {
        int64_t at = find_bit(rq, &view, &r, (unsigned)bit);
        if (!cache_view_is_damaged(&view))
            found_at = at;
        cache_view_end(rq->cache, &view);
    }
    resp_integer(rq->out, found_at);
}

#define BIT_KEY .group = GROUP_BITMAP, .first_key = 1, .last_key = 1, .key_step = 1

const struct command commands_bit[] = {
    {.name = "setbit",
     .fn = setbit_command,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM,
     BIT_KEY,
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Sets or clears the bit at offset of the string value. Creates the key if it "
                "doesn't exist.",
     .args = "key offset value"},
    {.name = "getbit",
     .fn = getbit_command,
     .arity = 3,
     .flags = CMD_READONLY | CMD_FAST,
     BIT_KEY,
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Returns a bit value by offset.",
     .args = "key offset"},
    {.name = "bitcount",
     .fn = bitcount_command,
     .arity = -2,
     .flags = CMD_READONLY,
     BIT_KEY,
     .since = "2.6.0",
     .complexity = "O(N)",
     .summary = "Counts the number of set bits (population counting) in a string.",
     .args = "key [start end [BYTE | BIT]]"},
    {.name = "bitpos",
     .fn = bitpos_command,
     .arity = -3,
     .flags = CMD_READONLY,
     BIT_KEY,
     .since = "2.8.7",
     .complexity = "O(N)",
     .summary = "Finds the first set (1) or clear (0) bit in a string.",
     .args = "key bit [start [end [BYTE | BIT]]]"},
    {.name = NULL},
};
