/* How coded items store their keys: without what the keys of a family have in common, which their
 * dictionary knows, and two hexadecimal digits in a byte.
 *
 *   spring:session:sessions:38400000-8cf0-11bd-b23e-10b96e4ef00d
 *   |-------- head --------|------------- middle --------------|     and a tail, empty here
 *
 *   KEY_WHOLE    the key as it is
 *   KEY_MIDDLE   the middle as it is
 *   KEY_DIGITS   the middle is 0-9 a-f: the first digit in the high half of a byte
 *   KEY_UUID     the middle is such digits, 8-4-4-4-12: 16 bytes
 *
 * Any key has exactly one form under a frame, and that gives exactly the key again. Pure.
 */
#ifndef CACHE_KEY_FORM_H
#define CACHE_KEY_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_FRAME_MAX 120
#define KEY_UUID_LEN  36u
#define KEY_FORM_MAX  1024u /* a longer key is stored whole */

/* What keys have in common. */
struct key_frame {
    uint8_t head_len, tail_len;
    uint8_t bytes[KEY_FRAME_MAX]; /* head, then tail */
};

enum key_kind { KEY_WHOLE = 0, KEY_MIDDLE, KEY_DIGITS, KEY_UUID };

struct key_form {
    uint8_t kind;   /* enum key_kind */
    uint32_t count; /* of bytes or digits; 0 for KEY_UUID */
};

struct key_text {
    const uint8_t *ptr;
    size_t len;
};

/* Bytes that are stored. */
static inline size_t key_form_bytes(struct key_form form)
{
    if (form.kind >= KEY_DIGITS)
        return form.kind == KEY_UUID ? 16 : ((size_t)form.count + 1) / 2;
    return form.count;
}
/* `frame` NULL: whole. */
struct key_form key_form_of(const struct key_frame *frame, struct key_text key);
/* Writes key_form_bytes(). */
void key_form_write(const struct key_frame *frame, struct key_form form, struct key_text key,
                    uint8_t *out);
/* Length of the whole key; and the key itself, of so many bytes. */
size_t key_form_length(const struct key_frame *frame, struct key_form form);
void key_form_read(const struct key_frame *frame, struct key_form form, const uint8_t *stored,
                   uint8_t *out);
/* Whether this is the key. */
bool key_form_is(const struct key_frame *frame, struct key_form form, const uint8_t *stored,
                 struct key_text key);

#endif
