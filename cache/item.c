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

/* Slack that stands in the header; more than that holds the stored length. */
enum { SLACK_MAX = 2, SLACK_LENGTH = 3, COUNT_MAX = 14, COUNT_LENGTH = 15 };

static size_t varint_bytes(size_t n)
{
    size_t len = 1;
    for (; n >= 0x80; n >>= 7)
        len++;
    return len;
}

/* Expiry and clock. */
static inline size_t fixed_bytes(unsigned flags)
{
    return ((flags & ITEM_EXPIRES) != 0 ? 6u : 0) +
           ((flags & ITEM_CLOCK) != 0 ? ITEM_CLOCK_BYTES : 0u);
}

/* The lengths of a raw or segmented item. */
static inline const uint8_t *read_plain(const uint8_t *p, const uint8_t *end, struct item *out)
{
    size_t key_len;
    p = get_varint(p, end, &key_len);
    if (p == NULL || (p = get_varint(p, end, &out->raw_len)) == NULL)
        return NULL;
    out->dict = 0;
    out->check = 0;
    out->key_form = (struct key_form){KEY_WHOLE, (uint32_t)key_len};
    out->stored_len = item_codec(out) == CODEC_RAW ? out->raw_len : list_bytes(out->raw_len);
    return p;
}

/* Those of a coded one. The stored length is that of all behind the header and the key, when the
 * object has no length of its own. */
static inline const uint8_t *read_coded(const uint8_t *p, const uint8_t *end, struct item *out)
{
    if (end - p < 2)
        return NULL;
    out->dict = p[0];
    unsigned head = p[1];
    size_t count = head & 15;
    unsigned slack = head >> 4 & 3;
    p += 2;
    if (count == COUNT_LENGTH)
        p = get_varint(p, end, &count);
    if (p == NULL || (p = get_varint(p, end, &out->raw_len)) == NULL)
        return NULL;
    out->key_form = (struct key_form){(uint8_t)(head >> 6), (uint32_t)count};
    if (out->key_form.kind != KEY_WHOLE && (out->dict == 0 || count > KEY_FORM_MAX))
        return NULL;
    if (slack == SLACK_LENGTH && (p = get_varint(p, end, &out->stored_len)) == NULL)
        return NULL;
    unsigned check = check_bytes(out->raw_len);
    size_t others = check + fixed_bytes(out->flags) + key_form_bytes(out->key_form);
    size_t left = (size_t)(end - p);
    if (slack != SLACK_LENGTH) {
        if (left < others + slack)
            return NULL;
        out->stored_len = left - others - slack;
    }
    if (left < check)
        return NULL;
    out->check = get_check(p, check);
    return p + check;
}

bool item_read(const uint8_t *object, size_t usable, struct item *out)
{
    const uint8_t *end = object + usable;
    if (usable < 3)
        return false;
    out->flags = object[0];
    out->expiry_at = out->clock_at = 0;
    out->expire_ms = CACHE_NO_EXPIRY;
    const uint8_t *p =
        item_is_coded(out) ? read_coded(object + 1, end, out) : read_plain(object + 1, end, out);
    if (p == NULL)
        return false;
    size_t fixed = fixed_bytes(out->flags), key_bytes = key_form_bytes(out->key_form);
    size_t left = (size_t)(end - p);
    if (left < fixed || left - fixed < key_bytes || left - fixed - key_bytes < out->stored_len)
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
    out->key = p;
    out->stored = p + key_bytes;
    return true;
}

size_t item_bytes(const struct item *it)
{
    uint32_t count = it->key_form.count;
    size_t head = 1 + varint_bytes(count);
    if (item_is_coded(it))
        head = 3 + (count > COUNT_MAX ? varint_bytes(count) : 0) + check_bytes(it->raw_len);
    return head + varint_bytes(it->raw_len) + fixed_bytes(it->flags) +
           key_form_bytes(it->key_form) + it->stored_len;
}

static uint8_t *write_coded(const struct item *it, size_t usable, uint8_t *p)
{
    uint32_t count = it->key_form.count;
    unsigned short_count = count > COUNT_MAX ? COUNT_LENGTH : (unsigned)count;
    size_t slack = usable - item_bytes(it);
    unsigned short_slack = slack > SLACK_MAX ? SLACK_LENGTH : (unsigned)slack;
    *p++ = it->dict;
    *p++ = (uint8_t)((unsigned)it->key_form.kind << 6 | short_slack << 4 | short_count);
    if (short_count == COUNT_LENGTH)
        p += put_varint(p, count);
    p += put_varint(p, it->raw_len);
    if (short_slack == SLACK_LENGTH)
        p += put_varint(p, it->stored_len);
    unsigned check = check_bytes(it->raw_len);
    for (unsigned i = 0; i < check; i++)
        *p++ = (uint8_t)(it->check >> 8 * i);
    return p;
}

size_t item_write_header(const struct item *it, size_t usable, uint32_t clock,
                         uint8_t out[ITEM_HEADER_MAX])
{
    uint8_t *p = out;
    *p++ = it->flags;
    if (item_is_coded(it)) {
        p = write_coded(it, usable, p);
    } else {
        p += put_varint(p, it->key_form.count);
        p += put_varint(p, it->raw_len);
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
