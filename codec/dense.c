/* The dense codec: bare zstd blocks. A value is at most one block long, so neither a frame header
 * (window, sizes, dictionary) nor a block header (length, type) tells anything that whoever stores
 * the block does not know: that saves 5 to 14 bytes a value. */
#include "internal.h"

#include <stdlib.h>

/* Without a dictionary. */
enum { LEVEL = 5 };

/* A hash table of half as many slots as the dictionary has bytes: at level 9 the library would take
 * four times the memory for the same ratio. */
static ZSTD_compressionParameters dict_params(size_t dict_len)
{
    unsigned log = ZSTD_HASHLOG_MIN;
    while ((size_t)1 << (log + 1) < dict_len)
        log++;
    return (ZSTD_compressionParameters){.windowLog = 17, /* the dictionary and the longest value */
                                        .chainLog = log + 1,
                                        .hashLog = log,
                                        .searchLog = 5,
                                        .minMatch = 4,
                                        .strategy = ZSTD_lazy2};
}

struct dense_forms *dense_forms_create(const struct codec_dict *dict)
{
    struct dense_forms *forms = calloc(1, sizeof(*forms));
    if (!forms)
        return NULL;
    /* In memory of our own: the library's function does not look whether its allocation succeeded
     * (libzstd 1.5.4). */
    ZSTD_compressionParameters params = dict_params(dict->len);
    forms->workspace_len = ZSTD_estimateCDictSize_advanced(dict->len, params, ZSTD_dlm_byRef);
    forms->workspace = malloc(forms->workspace_len);
    if (forms->workspace)
        forms->cdict = ZSTD_initStaticCDict(forms->workspace, forms->workspace_len, dict->bytes,
                                            dict->len, ZSTD_dlm_byRef, ZSTD_dct_auto, params);
    forms->ddict = ZSTD_createDDict_byReference(dict->bytes, dict->len);
    if (forms->cdict && forms->ddict)
        return forms;
    dense_forms_destroy(forms);
    return NULL;
}

void dense_forms_destroy(struct dense_forms *forms)
{
    if (!forms)
        return;
    ZSTD_freeDDict(forms->ddict);
    free(forms->workspace);
    free(forms);
}

size_t dense_forms_bytes(const struct dense_forms *forms)
{
    return sizeof(*forms) + forms->workspace_len + ZSTD_sizeof_DDict(forms->ddict);
}

static size_t begin_encoding(ZSTD_CCtx *cctx, const struct dense_forms *forms, size_t src_len)
{
    ZSTD_frameParameters frame = {.contentSizeFlag = 0, .checksumFlag = 0, .noDictIDFlag = 1};
    if (forms)
        return ZSTD_compressBegin_usingCDict_advanced(cctx, forms->cdict, frame, src_len);
    ZSTD_parameters params = {ZSTD_getCParams(LEVEL, src_len, 0), frame};
    return ZSTD_compressBegin_advanced(cctx, NULL, 0, params, src_len);
}

size_t dense_encode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                    size_t src_len, void *dst, size_t dst_cap)
{
    ZSTD_CCtx *cctx = ctx_cctx(ctx);
    const struct dense_forms *forms = dict ? dict_dense(dict) : NULL;
    if (!cctx || (dict && !forms) || ZSTD_isError(begin_encoding(cctx, forms, src_len)))
        return 0;
    size_t len = ZSTD_compressBlock(cctx, dst, dst_cap, src, src_len);
    return ZSTD_isError(len) ? 0 : len;
}

bool dense_decode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                  size_t src_len, void *dst, size_t raw_len)
{
    ZSTD_DCtx *dctx = ctx_dctx(ctx);
    const struct dense_forms *forms = dict ? dict_dense(dict) : NULL;
    if (!dctx || (dict && !forms))
        return false;
    size_t begun = ZSTD_decompressBegin_usingDDict(dctx, forms ? forms->ddict : NULL);
    if (ZSTD_isError(begun))
        return false;
    size_t len = ZSTD_decompressBlock(dctx, dst, raw_len, src, src_len);
    return !ZSTD_isError(len) && len == raw_len;
}
