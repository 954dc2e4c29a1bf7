#include "key_form.h"

#include <string.h>

/* Two digits for each byte. */
/* clang-format off */
#define ROW(h) \
    {h, '0'}, {h, '1'}, {h, '2'}, {h, '3'}, {h, '4'}, {h, '5'}, {h, '6'}, {h, '7'}, \
    {h, '8'}, {h, '9'}, {h, 'a'}, {h, 'b'}, {h, 'c'}, {h, 'd'}, {h, 'e'}, {h, 'f'}
/* clang-format on */
static const uint8_t pairs[256][2] = {
    ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'), ROW('5'), ROW('6'), ROW('7'),
    ROW('8'), ROW('9'), ROW('a'), ROW('b'), ROW('c'), ROW('d'), ROW('e'), ROW('f'),
};

/* Where the pairs of a UUID stand. */
enum { UUID_PAIRS = 16 };
static const uint8_t uuid_at[UUID_PAIRS] = {0,  2,  4,  6,  9,  11, 14, 16,
                                            19, 21, 24, 26, 28, 30, 32, 34};

static void write_digits(const uint8_t *stored, size_t digits, uint8_t *out)
{
    for (size_t i = 0; i + 1 < digits; i += 2)
        memcpy(out + i, pairs[stored[i / 2]], 2);
    if (digits % 2 != 0)
        out[digits - 1] = pairs[stored[digits / 2]][0];
}

static bool are_digits(const uint8_t *stored, size_t digits, const uint8_t *text)
{
    for (size_t i = 0; i + 1 < digits; i += 2)
        if (memcmp(text + i, pairs[stored[i / 2]], 2) != 0)
            return false;
    return digits % 2 == 0 || text[digits - 1] == pairs[stored[digits / 2]][0];
}

static bool has_dashes(const uint8_t *text)
{
    return text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
}

static void write_uuid(const uint8_t *stored, uint8_t *out)
{
    out[8] = out[13] = out[18] = out[23] = '-';
    for (size_t i = 0; i < UUID_PAIRS; i++)
        memcpy(out + uuid_at[i], pairs[stored[i]], 2);
}

static bool are_uuid(const uint8_t *stored, const uint8_t *text)
{
    for (size_t i = 0; i < UUID_PAIRS; i++)
        if (memcmp(text + uuid_at[i], pairs[stored[i]], 2) != 0)
            return false;
    return has_dashes(text);
}

/* Of 0-9 and a-f; 16 for all else. */
static unsigned digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

static bool has_only_digits(const uint8_t *text, size_t len)
{
    size_t i = 0;
    while (i < len && digit_of(text[i]) < 16)
        i++;
    return i == len;
}

static void pack_digits(const uint8_t *text, size_t digits, uint8_t *out)
{
    for (size_t i = 0; i < digits; i += 2) {
        unsigned low = i + 1 < digits ? digit_of(text[i + 1]) : 0;
        *out++ = (uint8_t)(digit_of(text[i]) << 4 | low);
    }
}

static void pack_uuid(const uint8_t *text, uint8_t *out)
{
    for (size_t i = 0; i < UUID_PAIRS; i++)
        pack_digits(text + uuid_at[i], 2, out + i);
}

static bool is_uuid(const uint8_t *text, size_t len)
{
    if (len != KEY_UUID_LEN || !has_dashes(text))
        return false;
    for (size_t i = 0; i < UUID_PAIRS; i++)
        if (!has_only_digits(text + uuid_at[i], 2))
            return false;
    return true;
}

static inline bool fits_frame(const struct key_frame *frame, struct key_text key)
{
    size_t head = frame->head_len, tail = frame->tail_len;
    return key.len >= head + tail && key.len <= KEY_FORM_MAX &&
           memcmp(key.ptr, frame->bytes, head) == 0 &&
           (tail == 0 || memcmp(key.ptr + key.len - tail, frame->bytes + head, tail) == 0);
}

struct key_form key_form_of(const struct key_frame *frame, struct key_text key)
{
    if (frame == NULL || !fits_frame(frame, key))
        return (struct key_form){KEY_WHOLE, (uint32_t)key.len};
    const uint8_t *middle = key.ptr + frame->head_len;
    size_t len = key.len - frame->head_len - frame->tail_len;
    if (is_uuid(middle, len))
        return (struct key_form){KEY_UUID, 0};
    if (has_only_digits(middle, len))
        return (struct key_form){KEY_DIGITS, (uint32_t)len};
    return (struct key_form){KEY_MIDDLE, (uint32_t)len};
}

void key_form_write(const struct key_frame *frame, struct key_form form, struct key_text key,
                    uint8_t *out)
{
    switch (form.kind) {
    case KEY_WHOLE:
        memcpy(out, key.ptr, form.count);
        break;
    case KEY_MIDDLE:
        memcpy(out, key.ptr + frame->head_len, form.count);
        break;
    case KEY_DIGITS:
        pack_digits(key.ptr + frame->head_len, form.count, out);
        break;
    default:
        pack_uuid(key.ptr + frame->head_len, out);
    }
}

static inline size_t middle_length(struct key_form form)
{
    return form.kind == KEY_UUID ? KEY_UUID_LEN : form.count;
}

size_t key_form_length(const struct key_frame *frame, struct key_form form)
{
    size_t middle = middle_length(form);
    return form.kind == KEY_WHOLE ? middle : (size_t)frame->head_len + frame->tail_len + middle;
}

void key_form_read(const struct key_frame *frame, struct key_form form, const uint8_t *stored,
                   uint8_t *out)
{
    if (form.kind != KEY_WHOLE) {
        memcpy(out, frame->bytes, frame->head_len);
        out += frame->head_len;
        memcpy(out + middle_length(form), frame->bytes + frame->head_len, frame->tail_len);
    }
    if (form.kind == KEY_UUID)
        write_uuid(stored, out);
    else if (form.kind == KEY_DIGITS)
        write_digits(stored, form.count, out);
    else
        memcpy(out, stored, form.count);
}

bool key_form_is(const struct key_frame *frame, struct key_form form, const uint8_t *stored,
                 struct key_text key)
{
    if (form.kind == KEY_WHOLE)
        return form.count == key.len && memcmp(stored, key.ptr, key.len) == 0;
    if (key.len != key_form_length(frame, form) || !fits_frame(frame, key))
        return false;
    const uint8_t *middle = key.ptr + frame->head_len;
    if (form.kind == KEY_MIDDLE)
        return memcmp(stored, middle, form.count) == 0;
    if (form.kind == KEY_DIGITS)
        return are_digits(stored, form.count, middle);
    return are_uuid(stored, middle);
}
