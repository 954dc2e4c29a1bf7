/* codec: bytes to fewer bytes and back. raw | LZ4 | dense, each with or without a trained
 * dictionary.
 *
 * The payload is bare: no magic, no sizes, no checksum. Whoever stores it remembers codec,
 * dictionary and raw length, and a decode that does not give exactly the raw length has failed. lz4
 * and zstd are known to this layer alone.
 */
#ifndef CODEC_H
#define CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in two bits of an item's header. */
enum codec_id {
    CODEC_RAW = 0,
    CODEC_LZ4 = 1, /* LZ4 sequences; what the fast and the close encoder make decodes alike */
    CODEC_DENSE =
        2, /* packed under the dictionary's own codes below 4 KiB, else a bare zstd block */
};

/* What an encoder should spend. */
enum codec_effort {
    CODEC_FAST,  /* LZ4, level 1 */
    CODEC_HASTY, /* as CODEC_CLOSE where a packed form is made, by a search that is not so thorough
                  */
    CODEC_CLOSE, /* for idle data: packed; without a trained dictionary LZ4HC below 256 bytes, else
                    zstd. May answer either id */
};

#define CODEC_MAX_RAW  (64u << 10) /* longest input of one call */
#define CODEC_DICT_MAX (256u << 10)

struct codec_dict;

/* Per-thread state: LZ4 stream, LZ4HC stream, zstd contexts, made on first use. Not thread safe. */
struct codec_ctx;
struct codec_ctx *codec_ctx_create(void);
void codec_ctx_destroy(struct codec_ctx *ctx);
/* Frees what only encoding needs, until it is needed: decoding must not come to fail for want of
 * memory. */
void codec_ctx_rest(struct codec_ctx *ctx);
size_t codec_ctx_bytes(const struct codec_ctx *ctx);

/* Encodes src with `dict` (NULL = none) into dst. Gives up early when the result would be longer
 * than dst_cap or not shorter than src, so the caller passes the most it would accept. Returns the
 * encoded length and sets *id; 0 = not worth it (or no memory), dst then undefined.
 * src_len <= CODEC_MAX_RAW. */
size_t codec_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                    const void *src, size_t src_len, void *dst, size_t dst_cap, enum codec_id *id);

/* Decodes into dst, exactly raw_len bytes. False when the input is damaged or gives another length;
 * dst is then undefined up to raw_len and must not be shown to anyone. Safe on any input. */
bool codec_decode(struct codec_ctx *ctx, enum codec_id id, const struct codec_dict *dict,
                  const void *src, size_t src_len, void *dst, size_t raw_len);

/* ---- dictionaries: immutable once made, shared by all threads ---- */

/* Makes a dictionary with its prepared forms from raw bytes (copied). NULL when memory is short or
 * len is not in 8..CODEC_DICT_MAX. Owner frees. */
struct codec_dict *codec_dict_create(const void *bytes, size_t len);
void codec_dict_destroy(struct codec_dict *dict);
/* Frees the forms that only encoding needs, and that are made anew when it does. No other thread
 * may be encoding with the dictionary. */
void codec_dict_rest(struct codec_dict *dict);
/* All memory it holds, prepared forms included: the bytes, 16 KiB for CODEC_FAST, 48 KiB for codes
 * of its own; and for encoding with more effort 128 KiB and four times its length with such codes,
 * 256 KiB without for values below 256 bytes, and three times its length (CODEC_HASTY) or ten times
 * (CODEC_CLOSE) for those that are too long to be packed. */
size_t codec_dict_bytes(const struct codec_dict *dict);
/* The part of it that stays after codec_dict_rest(). */
size_t codec_dict_kept(const struct codec_dict *dict);
size_t codec_dict_len(const struct codec_dict *dict);

struct codec_training {
    size_t max_len;     /* of the dictionary */
    unsigned budget_ms; /* CPU for the first 64 KiB of it */
    uint64_t expected;  /* bytes of values to come: what they save must pay for a dictionary that is
                           longer than 64 KiB */
    size_t tables_max;  /* CODEC_CLOSE does without a search that takes more, for long values */
};

/* Trains a dictionary on `n` samples that lie one behind the other in `samples`, in random order.
 * NULL when the samples do not suffice or memory is short. Takes up to about the budget of the
 * caller's CPU, and half as much again for a longer dictionary: by the number of bytes, not by the
 * clock; of more samples than that allows, the first are used. */
struct codec_dict *codec_dict_train(const void *samples, const size_t *lens, unsigned n,
                                    const struct codec_training *how);

/* Encoded bytes of the samples under a dictionary (NULL = none), incompressible ones counted raw:
 * to compare candidates on held-back samples. */
size_t codec_dict_measure(struct codec_ctx *ctx, enum codec_effort effort,
                          const struct codec_dict *dict, const void *samples, const size_t *lens,
                          unsigned n);

/* Cheap look at up to a few hundred bytes: true when the value looks random or already compressed.
 * May err. */
bool codec_looks_incompressible(const void *src, size_t len);

#endif
