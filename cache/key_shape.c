#include "key_shape.h"

#include <ctype.h>
#include <string.h>

/* Sightings after which it is first asked whether the key to compare with is a good one. */
enum { FIRST_LOOK = 16 };

static void begin(struct key_shape *s, struct key_text key)
{
    *s = (struct key_shape){.met = s->met, .bytes = s->bytes};
    s->head_len = (uint8_t)(key.len < KEY_HEAD_MAX ? key.len : KEY_HEAD_MAX);
    s->tail_len = (uint8_t)(key.len < KEY_TAIL_MAX ? key.len : KEY_TAIL_MAX);
    memcpy(s->head, key.ptr, s->head_len);
    memcpy(s->tail, key.ptr + key.len - s->tail_len, s->tail_len);
}

static size_t shared_head(const struct key_shape *s, struct key_text key)
{
    size_t n = 0, most = key.len < s->head_len ? key.len : s->head_len;
    while (n < most && key.ptr[n] == s->head[n])
        n++;
    return n;
}

static size_t shared_tail(const struct key_shape *s, struct key_text key)
{
    size_t n = 0, most = key.len < s->tail_len ? key.len : s->tail_len;
    while (n < most && key.ptr[key.len - 1 - n] == s->tail[s->tail_len - 1 - n])
        n++;
    return n;
}

/* The length that saves most, of those that more than half of the keys share. */
static size_t best_length(const uint32_t *exactly, size_t most)
{
    uint64_t all = 0, share = 0, best_saved = 0;
    size_t best = 0;
    for (size_t n = 0; n <= most; n++)
        all += exactly[n];
    for (size_t n = most; n > 0; n--) {
        share += exactly[n];
        if (share * 2 > all && share * n > best_saved) {
            best_saved = share * n;
            best = n;
        }
    }
    return best;
}

/* Of a word with digits in it only the letters before them: the numbers that follow are shared by
 * the keys of today. */
static size_t trim_head(const uint8_t *head, size_t len)
{
    size_t word = len, letters;
    while (word > 0 && isalnum(head[word - 1]))
        word--;
    for (letters = word; letters < len && !isdigit(head[letters]);)
        letters++;
    return letters;
}

static size_t trim_tail(const uint8_t *tail, size_t len)
{
    size_t word = 0, digits = 0;
    for (; word < len && isalnum(tail[word]); word++)
        if (isdigit(tail[word]))
            digits = word + 1;
    return len - digits;
}

struct key_frame key_shape_frame(const struct key_shape *s)
{
    struct key_frame frame = {0, 0, {0}};
    size_t tail = best_length(s->tails, s->tail_len);
    frame.head_len = (uint8_t)trim_head(s->head, best_length(s->heads, s->head_len));
    frame.tail_len = (uint8_t)trim_tail(s->tail + s->tail_len - tail, tail);
    memcpy(frame.bytes, s->head, frame.head_len);
    memcpy(frame.bytes + frame.head_len, s->tail + s->tail_len - frame.tail_len, frame.tail_len);
    return frame;
}

void key_shape_meet(struct key_shape *s, struct key_text key)
{
    bool look = s->met >= FIRST_LOOK && (s->met & (s->met - 1)) == 0;
    if (s->met == 0 ||
        (look && best_length(s->heads, s->head_len) + best_length(s->tails, s->tail_len) == 0))
        begin(s, key);
    s->met++;
    s->bytes += key.len;
    s->heads[shared_head(s, key)]++;
    s->tails[shared_tail(s, key)]++;
}
