/* Finds out what the keys of a family have in common while its values are sampled: of one key of
 * them, how much of its begin and of its end most others share. Not thread safe. */
#ifndef CACHE_KEY_SHAPE_H
#define CACHE_KEY_SHAPE_H

#include "key_form.h"

#define KEY_HEAD_MAX 80
#define KEY_TAIL_MAX (KEY_FRAME_MAX - KEY_HEAD_MAX)

struct key_shape {
    uint8_t head[KEY_HEAD_MAX], tail[KEY_TAIL_MAX]; /* of the key that others are compared with */
    uint8_t head_len, tail_len;
    uint32_t met;
    uint64_t bytes; /* of them */
    /* Keys that share exactly so many bytes. */
    uint32_t heads[KEY_HEAD_MAX + 1], tails[KEY_TAIL_MAX + 1];
};

/* Takes a key into account. A shape begins with all zeros. */
void key_shape_meet(struct key_shape *s, struct key_text key);
/* What keys have in common, as far as is known; empty when they have nothing. */
struct key_frame key_shape_frame(const struct key_shape *s);

#endif
