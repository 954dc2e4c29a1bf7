/* Coding values and decoding them, with the dictionary of their family.
 *
 * Whatever is coded is decoded once and compared, so that a fault of a codec never costs a value.
 * The checksum is therefore of the stored bytes, of which there are fewer than raw ones, and of
 * what else decides what they decode to: the raw length, the codec, the dictionary. */
#include "base/checksum.h"
#include "internal.h"

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

struct coded encode_value(struct cache_thread *t, const struct item *key, const void *raw,
                          size_t raw_len, size_t head, enum codec_effort effort, uint8_t *out)
{
    struct cache *c = t->cache;
    struct learner_choice choice;
    const struct coded none = {.len = 0};
    if (raw_len == 0)
        return none;
    learner_choose(c->learner, key->key, key->key_len, raw_len, effort != CODEC_FAST, &choice);
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
    if (len == 0 || object_class(c, head + ITEM_CODED_BYTES + check_bytes(raw_len) + len) >=
                        object_class(c, head + raw_len)) {
        count(t, N_REJECTED, 1);
        return none;
    }
    struct coded coded = {len, (uint8_t)id, (uint8_t)choice.id, 0};
    if (!is_reversible(t, &coded, out, raw, raw_len)) {
        count(t, N_MISCODED, 1);
        return none;
    }
    coded.check = check_of(c->learner, &coded, out, raw_len);
    return coded;
}
