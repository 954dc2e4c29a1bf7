/* What the files of the codec share. Grouped by the file that defines it. */
#ifndef CODEC_INTERNAL_H
#define CODEC_INTERNAL_H

#include "codec/codec.h"
#include "pack.h"

#define LZ4_STATIC_LINKING_ONLY
#define LZ4_HC_STATIC_LINKING_ONLY
#include <lz4.h>
#include <lz4hc.h>
#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <stdatomic.h>
#include <zstd.h>

/* Values below this length are always LZ4, in the form of lz4_short.c; from here on LZ4 blocks are
 * as the library makes them, and idle data is zstd's: the two are equally small at about 300 bytes
 * (docs/decisions.md). */
enum { SHORT_LEN = 256 };

/* Behind a short value while it is encoded: as long as the end that LZ4 never matches. */
enum { SHORT_PAD = 12 };

struct codec_ctx {
    LZ4_stream_t *lz4;
    LZ4_streamHC_t *lz4hc;
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
    struct pack_parser *parser;
    uint8_t padded[SHORT_LEN + SHORT_PAD];
    uint8_t block[LZ4_COMPRESSBOUND(SHORT_LEN + SHORT_PAD)];
};

/* How zstd searches: for idle data with all effort, in haste a sixth of the time. */
enum dense_search { DENSE_HASTY, DENSE_CLOSE, DENSE_SEARCHES };

/* What zstd needs of a dictionary for encoding. */
struct dense_form {
    void *workspace; /* of cdict */
    size_t workspace_len;
    const ZSTD_CDict *cdict;
};

/* Forms of a dictionary that are made when they are first used, by whichever thread is first. Those
 * for encoding stay until codec_dict_rest(). */
struct dict_lazy {
    _Atomic(LZ4_streamHC_t *) lz4hc;
    _Atomic(struct dense_form *) dense[DENSE_SEARCHES];
    _Atomic(ZSTD_DDict *) ddict;
    _Atomic(struct pack_index *) index;
};

/*
 *  bytes   |-- header of libzstd's trainer (may be absent) --|-- content --|
 *          0                                                 content       len
 *
 * zstd uses all of it, LZ4 the content alone. Everything but `lazy` is written once, before any
 * other thread can see the dictionary.
 */
struct codec_dict {
    uint8_t *bytes;
    size_t len;
    const uint8_t *content;
    size_t content_len;
    struct dict_lazy *lazy;
    struct pack_model *pack; /* NULL: values have no packed form */
    bool thorough;           /* there is room for the tables of DENSE_CLOSE */
    LZ4_stream_t lz4;        /* loaded with the content, only ever attached */
};

/* ---- context.c: each gives NULL when memory is short ---- */
LZ4_stream_t *ctx_lz4(struct codec_ctx *ctx);
LZ4_streamHC_t *ctx_lz4hc(struct codec_ctx *ctx);
ZSTD_CCtx *ctx_cctx(struct codec_ctx *ctx);
ZSTD_DCtx *ctx_dctx(struct codec_ctx *ctx);
struct pack_parser *ctx_parser(struct codec_ctx *ctx);

/* ---- dict.c: each makes the form when it is first asked for; NULL when memory is short ---- */
const LZ4_streamHC_t *dict_lz4hc(const struct codec_dict *dict);
const struct dense_form *dict_dense(const struct codec_dict *dict, enum dense_search search);
const ZSTD_DDict *dict_ddict(const struct codec_dict *dict);
const struct pack_index *dict_index(const struct codec_dict *dict);

/* ---- lz4_block.c, lz4_short.c, dense.c: 0 and false as in codec_encode() and codec_decode() ----
 */
size_t lz4_block_encode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                        size_t src_len, void *dst, size_t dst_cap);
bool lz4_block_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                      size_t raw_len);

/* src_len < SHORT_LEN. */
size_t lz4_short_encode(struct codec_ctx *ctx, enum codec_effort effort,
                        const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                        size_t dst_cap);
bool lz4_short_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                      size_t raw_len);

/* packed.c: whether the dense form of a value of this length is the packed one. */
bool is_packed(const struct codec_dict *dict, size_t raw_len);
size_t packed_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                     const void *src, size_t src_len, void *dst, size_t dst_cap);
bool packed_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                   size_t raw_len);

size_t dense_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                    const void *src, size_t src_len, void *dst, size_t dst_cap);
bool dense_decode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                  size_t src_len, void *dst, size_t raw_len);
/* For a dictionary whose bytes stay where they are. NULL when memory is short. */
struct dense_form *dense_form_create(const struct codec_dict *dict, enum dense_search search);
void dense_form_destroy(struct dense_form *form);
size_t dense_form_bytes(const struct dense_form *form);
/* What a form will take. */
size_t dense_form_estimate(const struct codec_dict *dict, enum dense_search search);

#endif
