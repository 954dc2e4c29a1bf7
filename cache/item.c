#include "item.h"

#include <string.h>

/* Seven bits a byte, the lowest first; at most five bytes. */
static size_t put_varint(uint8_t *p, size_t n)
{
    size_t len = 0;
    for (; n >= 0x80; n >>= 7)
        p[len++] = (uint8_t)(n | 0x80);
    p[len++] = (uint8_t)n;
    return len;
}

static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, size_t *out)
{
    if (p < end && *p < 0x80) {
        *out = *p;
        return p + 1;
    }
    size_t n = 0;
    for (unsigned shift = 0; p < end && shift < 35; shift += 7) {
        n |= (size_t)(*p & 0x7f) << shift;
        if (*p++ < 0x80) {
            *out = n;
            return p;
        }
    }
    return NULL;
}

/* Six bytes last for 8,900 years; who wants more gets those. */
#define EXPIRY_NONE (((uint64_t)1 << 48) - 1)

int64_t item_read_expiry(const uint8_t *p)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < 6; i++)
        n |= (uint64_t)p[i] << (8 * i);
    return n == EXPIRY_NONE ? CACHE_NO_EXPIRY : (int64_t)n;
}

void item_write_expiry(uint8_t *p, int64_t expire_ms)
{
    uint64_t n = (uint64_t)expire_ms;
    if (n >= EXPIRY_NONE)
        n = expire_ms == CACHE_NO_EXPIRY ? EXPIRY_NONE : EXPIRY_NONE - 1;
    for (unsigned i = 0; i < 6; i++)
        p[i] = (uint8_t)(n >> (8 * i));
}

uint32_t item_read_clock(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

void item_write_clock(uint8_t *p, uint32_t clock)
{
    p[0] = (uint8_t)clock;
    p[1] = (uint8_t)(clock >> 8);
    p[2] = (uint8_t)(clock >> 16);
}

static inline uint32_t get_check(const uint8_t *p, unsigned bytes)
{
    uint32_t check = 0;
    for (unsigned i = 0; i < bytes; i++)
        check |= (uint32_t)p[i] << 8 * i;
    return check;
}

static size_t list_bytes(size_t raw_len)
{
    size_t n = segment_count(raw_len);
    size_t handles = n <= LIST_HANDLES ? n : (n + LIST_HANDLES - 1) / LIST_HANDLES;
    return SEGMENT_LIST_HEADER + handles * sizeof(uint32_t);
}

bool item_read(const uint8_t *object, size_t usable, struct item *out)
{
    const uint8_t *end = object + usable;
    const uint8_t *p = object + 1;
    size_t key_len;
    if (usable < 3)
        return false;
    out->flags = object[0];
    out->dict = 0;
    out->check = 0;
    out->expiry_at = out->clock_at = 0;
    out->expire_ms = CACHE_NO_EXPIRY;
    p = get_varint(p, end, &key_len);
    if (p == NULL || (p = get_varint(p, end, &out->raw_len)) == NULL)
        return false;
    unsigned codec = item_codec(out);
    if (codec == CODEC_RAW) {
        out->stored_len = out->raw_len;
    } else if (codec == ITEM_SEGMENTED) {
        out->stored_len = list_bytes(out->raw_len);
    } else {
        unsigned check = check_bytes(out->raw_len);
        p = get_varint(p, end, &out->stored_len);
        if (p == NULL || (size_t)(end - p) < 1 + check)
            return false;
        out->dict = *p++;
        out->check = get_check(p, check);
        p += check;
    }
    size_t fixed = ((out->flags & ITEM_EXPIRES) != 0 ? 6u : 0) +
                   ((out->flags & ITEM_CLOCK) != 0 ? ITEM_CLOCK_BYTES : 0u);
    size_t left = (size_t)(end - p);
    if (left < fixed || left - fixed < key_len || left - fixed - key_len < out->stored_len)
        return false;
    if ((out->flags & ITEM_EXPIRES) != 0) {
        out->expiry_at = (uint8_t)(p - object);
        out->expire_ms = item_read_expiry(p);
        p += 6;
    }
    if ((out->flags & ITEM_CLOCK) != 0) {
        out->clock_at = (uint8_t)(p - object);
        p += ITEM_CLOCK_BYTES;
    }
    out->key_len = (uint32_t)key_len;
    out->key = p;
    out->stored = p + key_len;
    return true;
}

size_t item_write_header(const struct item *it, uint32_t clock, uint8_t out[ITEM_HEADER_MAX])
{
    uint8_t *p = out;
    *p++ = it->flags;
    p += put_varint(p, it->key_len);
    p += put_varint(p, it->raw_len);
    unsigned codec = item_codec(it);
    if (codec != CODEC_RAW && codec != ITEM_SEGMENTED) {
        p += put_varint(p, it->stored_len);
        *p++ = it->dict;
        unsigned check = check_bytes(it->raw_len);
        for (unsigned i = 0; i < check; i++)
            *p++ = (uint8_t)(it->check >> 8 * i);
    }
    if ((it->flags & ITEM_EXPIRES) != 0) {
        item_write_expiry(p, it->expire_ms);
        p += 6;
    }
    if ((it->flags & ITEM_CLOCK) != 0) {
        item_write_clock(p, clock);
        p += ITEM_CLOCK_BYTES;
    }
    return (size_t)(p - out);
}
