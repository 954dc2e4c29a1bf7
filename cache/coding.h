/* Values coded and decoded, with the dictionary of their family and a checksum. Inside the cache,
 * so that no dictionary goes away; the bytes are pinned or the caller's, and no lock is needed. */
#ifndef CACHE_CODING_H
#define CACHE_CODING_H

#include "item.h"

struct cache_thread;

/* What is known of stored bytes; len 0 = the value stays raw. */
struct coded {
    size_t len;
    uint8_t codec, dict;
    uint32_t check; /* check_bytes() of it */
};
static inline struct coded item_coded(const struct item *it)
{
    return (struct coded){it->stored_len, (uint8_t)item_codec(it), it->dict, it->check};
}
static inline void item_set_coded(struct item *it, const struct coded *coded)
{
    it->flags = (uint8_t)((it->flags & ~ITEM_CODEC) | coded->codec);
    it->dict = coded->dict;
    it->check = coded->check;
    it->stored_len = coded->len == 0 ? it->raw_len : coded->len;
}
/* Codes a value of one piece, with the dictionary of its key, into out (SCRATCH_BYTES), if that
 * brings the object into a smaller class: an item like `as`, or (NULL) a segment. */
struct coded encode_value(struct cache_thread *t, const struct item *as, struct key_text key,
                          const void *raw, size_t raw_len, enum codec_effort effort, uint8_t *out);
/* Decodes stored bytes to exactly raw_len of them. False when they are damaged; dst must not be
 * shown to anyone then. */
bool decode_value(struct cache_thread *t, const struct coded *coded, const uint8_t *stored,
                  size_t raw_len, uint8_t *dst);

#endif
