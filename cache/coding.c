/* Coding values and decoding them, with the dictionary of their family.
 *
 * Whatever is coded is decoded once and compared, so that a fault of a codec never costs a value.
 * The checksum is therefore of the stored bytes, of which there are fewer than raw ones, and of
 * what else decides what they decode to: the raw length, the codec, the dictionary. */
#include <string.h>

#include "base/checksum.h"
#include "cache/cache.h"
#include "codec/codec.h"
#include "coding.h"
#include "counters.h"
#include "item.h"
#include "key_form.h"
#include "learner.h"
#include "state.h"
#include "stats.h"
#include "thread.h"
#include "zspool/zspool.h"

static uint32_t check_of(const struct learner *l, const struct coded *coded, const uint8_t *stored,
                         size_t raw_len)
{
    uint64_t with =
        raw_len | (uint64_t)coded->codec << 24 | (uint64_t)learner_dict_mark(l, coded->dict) << 32;
    return checksum32(stored, coded->len, with) >> (32 - 8 * check_bytes(raw_len));
}

static bool decode(struct cache_thread *t, const struct coded *coded, const uint8_t *stored,
                   size_t raw_len, uint8_t *dst)
{
    const struct codec_dict *dict = learner_dict(t->cache->learner, coded->dict);
    if (coded->dict != 0 && dict == NULL)
        return false;
    return codec_decode(t->codec, (enum codec_id)coded->codec, dict, stored, coded->len, dst,
                        raw_len);
}

bool decode_value(struct cache_thread *t, const struct coded *coded, const uint8_t *stored,
                  size_t raw_len, uint8_t *dst)
{
    return check_of(t->cache->learner, coded, stored, raw_len) == coded->check &&
           decode(t, coded, stored, raw_len, dst);
}

static size_t object_class(const struct cache *c, size_t size)
{
    int class = zs_lookup_class_index(c->pool, size);
    return class < 0 ? SIZE_MAX : (size_t) class;
}

/* Whether it comes out as it went in. */
static bool is_reversible(struct cache_thread *t, const struct coded *coded, const uint8_t *stored,
                          const void *raw, size_t raw_len)
{
    unsigned scratch = scratch_take(t);
    bool ok = decode(t, coded, stored, raw_len, t->scratch[scratch]) &&
              memcmp(t->scratch[scratch], raw, raw_len) == 0;
    scratch_give(t, scratch);
    return ok;
}

/* Bytes of the object that the value makes, coded or (len 0) raw. */
static size_t object_bytes(const struct cache_thread *t, const struct item *as, struct key_text key,
                           size_t raw_len, const struct coded *coded)
{
    size_t len = coded->len == 0 ? raw_len : coded->len;
    if (as == NULL)
        return SEGMENT_HEADER + len;
    struct item it = *as;
    item_set_coded(&it, coded);
    it.raw_len = raw_len;
    it.stored_len = len;
    it.key_form = key_form_of(learner_keys(t->cache->learner, it.dict), key);
    return item_bytes(&it);
}

static bool is_worth_it(const struct cache_thread *t, const struct item *as, struct key_text key,
                        size_t raw_len, const struct coded *coded)
{
    const struct coded none = {.len = 0};
    return object_class(t->cache, object_bytes(t, as, key, raw_len, coded)) <
           object_class(t->cache, object_bytes(t, as, key, raw_len, &none));
}

struct coded encode_value(struct cache_thread *t, const struct item *as, struct key_text key,
                          const void *raw, size_t raw_len, enum codec_effort effort, uint8_t *out)
{
    struct cache *c = t->cache;
    struct learner_choice choice;
    const struct coded none = {.len = 0};
    if (raw_len == 0)
        return none;
    learner_choose(c->learner, key.ptr, key.len, raw_len, effort != CODEC_FAST, &choice);
    if (choice.wanted)
        learner_sample(c->learner, &choice, raw, raw_len, t->now_ms);
    if (!choice.promising || codec_looks_incompressible(raw, raw_len)) {
        learner_coded(c->learner, &choice, raw_len, raw_len);
        return none;
    }
    enum codec_id id = CODEC_RAW;
    size_t len = codec_encode(t->codec, effort, choice.dict, raw, raw_len, out, raw_len - 1, &id);
    count(t, N_ATTEMPTS, 1);
    learner_coded(c->learner, &choice, raw_len, len == 0 ? raw_len : len);
    struct coded coded = {len, (uint8_t)id, (uint8_t)choice.id, 0};
    if (len == 0 || !is_worth_it(t, as, key, raw_len, &coded)) {
        count(t, N_REJECTED, 1);
        return none;
    }
    if (!is_reversible(t, &coded, out, raw, raw_len)) {
        count(t, N_MISCODED, 1);
        return none;
    }
    coded.check = check_of(c->learner, &coded, out, raw_len);
    return coded;
}
