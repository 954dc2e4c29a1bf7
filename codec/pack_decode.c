/* Unpacking; safe on any input. */
#include "pack.h"

#include <endian.h>
#include <string.h>

/* Of a distance within the longest value. With it, the bits of a match are fewer than a refill. */
enum { NEAR_BITS_MAX = 11 };

/* The next bits of the payload, lowest first. Behind its end come zeros; how many bytes of them is
 * counted. */
struct bits {
    const uint8_t *at, *end;
    uint64_t next;
    unsigned n, beyond;
};

/* At least 56 bits. */
static inline void refill(struct bits *b)
{
    if (b->end - b->at >= 8) {
        uint64_t word;
        memcpy(&word, b->at, sizeof word);
        b->next |= le64toh(word) << b->n;
        b->at += (63 - b->n) >> 3;
        b->n |= 56;
        return;
    }
    for (; b->n < 56; b->n += 8) {
        if (b->at < b->end)
            b->next |= (uint64_t)*b->at++ << b->n;
        else
            b->beyond++;
    }
}

static inline unsigned take(struct bits *b, unsigned n)
{
    unsigned value = (unsigned)(b->next & ((1u << n) - 1));
    b->next >>= n;
    b->n -= n;
    return value;
}

static inline unsigned symbol(struct bits *b, const uint16_t *table, unsigned log)
{
    uint16_t entry = table[b->next & ((1u << log) - 1)];
    b->next >>= entry >> 12;
    b->n -= entry >> 12;
    return entry & 0xfff;
}

/* Whether all bits were used but for what fills the last byte. */
static bool is_used_up(const struct bits *b)
{
    size_t left = (size_t)(b->end - b->at) * 8 + b->n;
    return left >= b->beyond * (size_t)8 && left - b->beyond * (size_t)8 < 8;
}

/* Takes up to 24 bits. False when there is no such symbol. */
static inline bool read_number(struct bits *b, const uint16_t *table, size_t *value)
{
    unsigned s = symbol(b, table, PACK_NUMBER_LOG);
    if (s >= PACK_NUMBERS) {
        if (s > PACK_NUMBERS)
            return false;
        s = take(b, 5);
    }
    if (s < 16) {
        *value = s;
        return true;
    }
    unsigned power = (s - 16) / 2 + 4;
    *value = (size_t)1 << power | (size_t)(s & 1u) << (power - 1) | take(b, power - 1);
    return true;
}

struct unpacking {
    struct bits bits;
    const struct pack_tables *tables;
    const uint8_t *content;
    size_t content_len;
    uint8_t *start, *out, *end;
    size_t last[PACK_REPEATED]; /* distances; 0 = none yet */
};

static inline bool read_literals(struct unpacking *u, size_t n)
{
    const struct pack_tables *tables = u->tables;
    struct bits b = u->bits;
    uint8_t *out = u->out;
    unsigned class = out == u->start ? PACK_FIRST_CLASS : tables->class_of[out[-1]];
    for (uint8_t *end = out + n; out < end;) {
        if (b.n < PACK_LITERAL_LOG + 8)
            refill(&b);
        unsigned entry = tables->literal[class][b.next & ((1u << PACK_LITERAL_LOG) - 1)];
        unsigned s = pack_literal_symbol(entry);
        b.next >>= entry >> 12;
        b.n -= entry >> 12;
        class = pack_literal_class(entry);
        if (s >= PACK_LITERALS) {
            if (s > PACK_LITERALS)
                return false;
            s = take(&b, 8);
            class = tables->class_of[s];
        }
        *out++ = (uint8_t)s;
    }
    u->bits = b;
    u->out = out;
    return true;
}

/* The distance of a match in what dictionary and value make together; 0 = there is none such. */
static inline size_t read_distance(struct unpacking *u)
{
    unsigned s = symbol(&u->bits, u->tables->offset, PACK_OFFSET_LOG);
    size_t written = (size_t)(u->out - u->start), distance;
    if (s >= PACK_OFFSETS) {
        if (s > PACK_OFFSETS)
            return 0;
        s = take(&u->bits, 9);
        if (s >= PACK_OFFSETS)
            return 0;
    }
    if (s < PACK_REPEATED) {
        distance = u->last[s];
        if (s == 0)
            return distance;
    } else if (s < PACK_PLACE) {
        if (s - PACK_NEAR > NEAR_BITS_MAX)
            return 0;
        distance = (size_t)1 << (s - PACK_NEAR) | take(&u->bits, s - PACK_NEAR);
    } else {
        unsigned place_bits = u->tables->place_bits;
        size_t place = (size_t)(s - PACK_PLACE) << place_bits;
        place |= take(&u->bits, place_bits);
        if (place >= u->content_len)
            return 0;
        distance = u->content_len + written - place;
    }
    u->last[1] = u->last[0];
    u->last[0] = distance;
    return distance;
}

enum { WIDE = 16 };

/* Copies len bytes that do not overlap; a fixed number, where so many are there to be read and
 * room to be written, since most are few. */
static inline void put(struct unpacking *u, const uint8_t *from, size_t len, size_t there)
{
    if (len <= WIDE && there >= WIDE && (size_t)(u->end - u->out) >= WIDE)
        memcpy(u->out, from, WIDE);
    else
        memcpy(u->out, from, len);
    u->out += len;
}

static inline bool copy_match(struct unpacking *u, size_t distance, size_t len)
{
    size_t written = (size_t)(u->out - u->start);
    if (len > (size_t)(u->end - u->out) || distance == 0)
        return false;
    if (distance > written) {
        size_t back = distance - written;
        if (back > u->content_len || len > back)
            return false;
        put(u, u->content + u->content_len - back, len, back);
        return true;
    }
    if (distance >= len && distance >= WIDE) {
        put(u, u->out - distance, len, distance);
        return true;
    }
    for (const uint8_t *from = u->out - distance; len > 0; len--)
        *u->out++ = *from++;
    return true;
}

bool pack_decode(const struct pack_tables *tables, const uint8_t *content, size_t content_len,
                 const void *src, size_t src_len, void *dst, size_t raw_len)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    struct unpacking u = {.bits = {.at = in, .end = in + src_len},
                          .tables = tables,
                          .content = content,
                          .content_len = content_len,
                          .start = out,
                          .out = out,
                          .end = out + raw_len};
    for (;;) {
        size_t run, length;
        refill(&u.bits);
        if (!read_number(&u.bits, tables->run, &run) || run > (size_t)(u.end - u.out) ||
            !read_literals(&u, run))
            return false;
        if (u.out == u.end)
            break;
        refill(&u.bits);
        size_t distance = read_distance(&u);
        if (!read_number(&u.bits, tables->length, &length) ||
            !copy_match(&u, distance, length + PACK_MATCH_MIN))
            return false;
        if (u.out == u.end)
            break;
    }
    return is_used_up(&u.bits);
}
