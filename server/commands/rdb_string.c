#include "rdb_string.h"

#include <string.h>

/* What is written: Redis 7.0's, which all later ones read. What is read: up to that of 8.0. */
#define VERSION      10
#define VERSION_MOST 12

#define TYPE_STRING 0

/* ---- the checksum: of Jones, reflected, by halves of bytes ---- */

static const uint64_t crc_table[16] = {
    0x0000000000000000, 0x7d08ff3b88be6f81, 0xfa11fe77117cdf02, 0x8719014c99c2b083,
    0xdf7adabd7a6e2d6f, 0xa2722586f2d042ee, 0x256b24ca6b12f26d, 0x5863dbf1e3ac9dec,
    0x95ac9329ac4bc9b5, 0xe8a46c1224f5a634, 0x6fbd6d5ebd3716b7, 0x12b5926535897936,
    0x4ad64994d625e4da, 0x37deb6af5e9b8b5b, 0xb0c7b7e3c7593bd8, 0xcdcf48d84fe75459,
};

uint64_t rdb_crc(uint64_t crc, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ crc_table[crc & 15];
        crc = crc >> 4 ^ crc_table[crc & 15];
    }
    return crc;
}

static void put_little(uint8_t *to, uint64_t n, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(n >> 8 * i);
}

static uint64_t get_little(const uint8_t *from, size_t size)
{
    uint64_t n = 0;
    for (size_t i = size; i-- > 0;)
        n = n << 8 | from[i];
    return n;
}

/* ---- writing ---- */

size_t rdb_length(size_t len, uint8_t to[RDB_LENGTH_MOST])
{
    if (len < 1 << 6) {
        to[0] = (uint8_t)len;
        return 1;
    }
    if (len < 1 << 14) {
        to[0] = (uint8_t)(0x40 | len >> 8);
        to[1] = (uint8_t)len;
        return 2;
    }
    to[0] = 0x80;
    for (size_t i = 0; i < 4; i++)
        to[1 + i] = (uint8_t)(len >> 8 * (3 - i));
    return 5;
}

size_t rdb_string_head(size_t len, uint8_t head[RDB_HEAD_MOST])
{
    head[0] = TYPE_STRING;
    return 1 + rdb_length(len, head + 1);
}

void rdb_string_tail(uint64_t crc, uint8_t tail[RDB_TAIL])
{
    put_little(tail, VERSION, 2);
    crc = rdb_crc(crc, tail, 2);
    put_little(tail + 2, crc, 8);
}

/* ---- reading ---- */

int rdb_open(struct rdb_reader *r, const uint8_t *payload, size_t len)
{
    *r = (struct rdb_reader){.at = payload, .left = len - RDB_TAIL};
    const uint8_t *type = rdb_take(r, 1);
    return type == NULL ? -1 : *type;
}

const uint8_t *rdb_take(struct rdb_reader *r, size_t n)
{
    const uint8_t *bytes = r->at;
    if (n > r->left)
        return NULL;
    r->at += n;
    r->left -= n;
    return bytes;
}

/* A length, or (*special) the number of a form. */
static bool read_length(struct rdb_reader *r, uint64_t *n, bool *special)
{
    const uint8_t *first = rdb_take(r, 1), *more;
    if (first == NULL)
        return false;
    *special = *first >> 6 == 3;
    *n = *first & 0x3f;
    if (*first >> 6 == 1) {
        if ((more = rdb_take(r, 1)) == NULL)
            return false;
        *n = *n << 8 | *more;
    } else if (*first >> 6 == 2) {
        size_t size = *first == 0x80 ? 4 : *first == 0x81 ? 8 : 0;
        if (size == 0 || (more = rdb_take(r, size)) == NULL)
            return false;
        *n = 0;
        for (size_t i = 0; i < size; i++)
            *n = *n << 8 | more[i];
    }
    return true;
}

/* Forms 0, 1 and 2: a signed number of 1, 2 or 4 bytes. */
static bool read_integer(struct rdb_reader *r, uint64_t form, struct rdb_string *s)
{
    size_t size = (size_t)1 << form;
    const uint8_t *bytes = rdb_take(r, size);
    if (bytes == NULL)
        return false;
    uint64_t n = get_little(bytes, size);
    s->form = RDB_INTEGER;
    s->integer = form == 0 ? (int8_t)n : form == 1 ? (int16_t)n : (int32_t)n;
    return true;
}

/* Form 3: packed by LZF, whose densest code is 3 bytes for 264. */
static bool read_packed(struct rdb_reader *r, struct rdb_string *s)
{
    uint64_t stored, len;
    bool special, special_len;
    if (!read_length(r, &stored, &special) || !read_length(r, &len, &special_len) || special ||
        special_len || stored > r->left || len > stored * 88)
        return false;
    s->form = RDB_PACKED;
    s->bytes = rdb_take(r, (size_t)stored);
    s->stored = (size_t)stored;
    s->len = (size_t)len;
    return true;
}

bool rdb_payload_is_whole(const uint8_t *payload, size_t len)
{
    if (len < RDB_TAIL || get_little(payload + len - RDB_TAIL, 2) > VERSION_MOST)
        return false;
    return rdb_crc(0, payload, len - 8) == get_little(payload + len - 8, 8);
}

bool rdb_read_count(struct rdb_reader *r, uint64_t *n)
{
    bool special;
    return read_length(r, n, &special) && !special;
}

bool rdb_read_string(struct rdb_reader *r, struct rdb_string *s)
{
    uint64_t n;
    bool special;
    if (!read_length(r, &n, &special))
        return false;
    *s = (struct rdb_string){.form = RDB_PLAIN};
    if (special)
        return n <= 2 ? read_integer(r, n, s) : n == 3 && read_packed(r, s);
    if (n > r->left)
        return false;
    s->stored = s->len = (size_t)n;
    s->bytes = rdb_take(r, (size_t)n);
    return true;
}

bool rdb_string_find(const uint8_t *payload, size_t len, struct rdb_string *s)
{
    struct rdb_reader r;
    return rdb_open(&r, payload, len) == TYPE_STRING && rdb_read_string(&r, s) && r.left == 0;
}

/* A byte below 32: so many and one literal bytes follow. Else the three highest bits are a length
 * (7: the next byte is added), and the others with one byte more tell how far back to copy from. */
bool rdb_string_unpack(const struct rdb_string *s, uint8_t *out)
{
    struct rdb_reader r = {.at = s->bytes, .left = s->stored};
    size_t at = 0;
    const uint8_t *code, *more;
    while ((code = rdb_take(&r, 1)) != NULL) {
        size_t n = *code >> 5;
        if (n == 0) {
            n = *code + (size_t)1;
            if ((more = rdb_take(&r, n)) == NULL || n > s->len - at)
                return false;
            memcpy(out + at, more, n);
            at += n;
            continue;
        }
        if (n == 7) {
            if ((more = rdb_take(&r, 1)) == NULL)
                return false;
            n += *more;
        }
        n += 2;
        if ((more = rdb_take(&r, 1)) == NULL)
            return false;
        size_t back = ((size_t)(*code & 0x1f) << 8 | *more) + 1;
        if (back > at || n > s->len - at)
            return false;
        for (; n > 0; n--, at++)
            out[at] = out[at - back]; /* they may overlap */
    }
    return at == s->len;
}
