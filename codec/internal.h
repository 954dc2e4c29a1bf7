/* What the files of the codec share. Grouped by the file that defines it. */
#ifndef CODEC_INTERNAL_H
#define CODEC_INTERNAL_H

#include "codec/codec.h"

#define LZ4_STATIC_LINKING_ONLY
#define LZ4_HC_STATIC_LINKING_ONLY
#include <lz4.h>
#include <lz4hc.h>
#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <pthread.h>
#include <stdatomic.h>
#include <zstd.h>

struct codec_ctx {
    LZ4_stream_t *lz4;
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
};

/* The forms of a dictionary that the dense codec needs, made when it is first used. */
struct dense_forms {
    ZSTD_CDict *cdict;
    ZSTD_DDict *ddict;
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
    LZ4_stream_t lz4; /* loaded with the content, only ever attached */
};

struct dict_lazy {
    pthread_mutex_t making;
    _Atomic(struct dense_forms *) dense;
};

/* ---- context.c: each gives NULL when memory is short ---- */
LZ4_stream_t *ctx_lz4(struct codec_ctx *ctx);
ZSTD_CCtx *ctx_cctx(struct codec_ctx *ctx);
ZSTD_DCtx *ctx_dctx(struct codec_ctx *ctx);

/* ---- dict.c ---- */
/* Makes them when they are first asked for. Any thread. NULL when memory is short. */
const struct dense_forms *dict_dense(const struct codec_dict *dict);

/* ---- lz4_block.c: 0 and false as in codec_encode() and codec_decode() ---- */
size_t lz4_block_encode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                        size_t src_len, void *dst, size_t dst_cap);
bool lz4_block_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                      size_t raw_len);

/* ---- dense.c: likewise ---- */
size_t dense_encode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                    size_t src_len, void *dst, size_t dst_cap);
bool dense_decode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                  size_t src_len, void *dst, size_t raw_len);
/* The forms for a dictionary whose bytes stay where they are. */
struct dense_forms *dense_forms_create(const struct codec_dict *dict);
void dense_forms_destroy(struct dense_forms *forms);
size_t dense_forms_bytes(const struct dense_forms *forms);

#endif
