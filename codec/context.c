/* The state that a thread needs for encoding and decoding. Each part is made when first used. */
#include "internal.h"

#include <stdlib.h>

struct codec_ctx *codec_ctx_create(void)
{
    return calloc(1, sizeof(struct codec_ctx));
}

void codec_ctx_rest(struct codec_ctx *ctx)
{
    LZ4_freeStream(ctx->lz4);
    LZ4_freeStreamHC(ctx->lz4hc);
    ZSTD_freeCCtx(ctx->cctx);
    pack_parser_destroy(ctx->parser);
    ctx->lz4 = NULL;
    ctx->lz4hc = NULL;
    ctx->cctx = NULL;
    ctx->parser = NULL;
}

void codec_ctx_destroy(struct codec_ctx *ctx)
{
    if (!ctx)
        return;
    codec_ctx_rest(ctx);
    ZSTD_freeDCtx(ctx->dctx);
    free(ctx);
}

size_t codec_ctx_bytes(const struct codec_ctx *ctx)
{
    size_t bytes = sizeof(*ctx);
    if (ctx->lz4)
        bytes += sizeof(*ctx->lz4);
    if (ctx->lz4hc)
        bytes += sizeof(*ctx->lz4hc);
    if (ctx->parser)
        bytes += pack_parser_bytes();
    return bytes + ZSTD_sizeof_CCtx(ctx->cctx) + ZSTD_sizeof_DCtx(ctx->dctx);
}

LZ4_stream_t *ctx_lz4(struct codec_ctx *ctx)
{
    if (!ctx->lz4)
        ctx->lz4 = LZ4_createStream();
    return ctx->lz4;
}

LZ4_streamHC_t *ctx_lz4hc(struct codec_ctx *ctx)
{
    if (!ctx->lz4hc)
        ctx->lz4hc = LZ4_createStreamHC();
    return ctx->lz4hc;
}

ZSTD_CCtx *ctx_cctx(struct codec_ctx *ctx)
{
    if (!ctx->cctx)
        ctx->cctx = ZSTD_createCCtx();
    return ctx->cctx;
}

ZSTD_DCtx *ctx_dctx(struct codec_ctx *ctx)
{
    if (!ctx->dctx)
        ctx->dctx = ZSTD_createDCtx();
    return ctx->dctx;
}

struct pack_parser *ctx_parser(struct codec_ctx *ctx)
{
    if (!ctx->parser)
        ctx->parser = pack_parser_create();
    return ctx->parser;
}
