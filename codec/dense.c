/* The dense codec: bare zstd blocks. A value is at most one block long, so neither a frame header
 * (window, sizes, dictionary) nor a block header (length, type) tells anything that whoever stores
 * the block does not know: that saves 5 to 14 bytes a value. */
#include "internal.h"

#include <stdlib.h>

/* Without a dictionary. */
enum { LEVEL = 5 };

/* Tables in proportion to the dictionary: at the levels that search like this the library would
 * take up to four times the memory for the same ratio. The close search keeps a tree with two words
 * for each byte of the dictionary. */
static ZSTD_compressionParameters dict_params(size_t dict_len, enum dense_search search)
{
    unsigned log = ZSTD_HASHLOG_MIN;
    while ((size_t)1 << (log + 1) < dict_len)
        log++;
    unsigned window = dict_len <= 64u << 10 ? 17 : 19; /* the dictionary and the longest value */
    if (search == DENSE_CLOSE)
        return (ZSTD_compressionParameters){.windowLog = window,
                                            .chainLog = log + 2,
                                            .hashLog = log,
                                            .searchLog = 6,
                                            .minMatch = 4,
                                            .targetLength = 64,
                                            .strategy = ZSTD_btopt};
    return (ZSTD_compressionParameters){.windowLog = window,
                                        .chainLog = log + 1,
                                        .hashLog = log,
                                        .searchLog = 5,
                                        .minMatch = 4,
                                        .strategy = ZSTD_lazy2};
}

struct dense_form *dense_form_create(const struct codec_dict *dict, enum dense_search search)
{
    struct dense_form *form = calloc(1, sizeof(*form));
    if (!form)
        return NULL;
    /* In memory of our own: the library's function does not look whether its allocation succeeded
     * (libzstd 1.5.4). */
    ZSTD_compressionParameters params = dict_params(dict->len, search);
    form->workspace_len = ZSTD_estimateCDictSize_advanced(dict->len, params, ZSTD_dlm_byRef);
    form->workspace = malloc(form->workspace_len);
    if (form->workspace)
        form->cdict = ZSTD_initStaticCDict(form->workspace, form->workspace_len, dict->bytes,
                                           dict->len, ZSTD_dlm_byRef, ZSTD_dct_auto, params);
    if (form->cdict)
        return form;
    dense_form_destroy(form);
    return NULL;
}

void dense_form_destroy(struct dense_form *form)
{
    if (!form)
        return;
    free(form->workspace);
    free(form);
}

size_t dense_form_estimate(const struct codec_dict *dict, enum dense_search search)
{
    return ZSTD_estimateCDictSize_advanced(dict->len, dict_params(dict->len, search),
                                           ZSTD_dlm_byRef);
}

size_t dense_form_bytes(const struct dense_form *form)
{
    return sizeof(*form) + form->workspace_len;
}

static size_t begin_encoding(ZSTD_CCtx *cctx, const struct dense_form *form, size_t src_len)
{
    ZSTD_frameParameters frame = {.contentSizeFlag = 0, .checksumFlag = 0, .noDictIDFlag = 1};
    if (form)
        return ZSTD_compressBegin_usingCDict_advanced(cctx, form->cdict, frame, src_len);
    ZSTD_parameters params = {ZSTD_getCParams(LEVEL, src_len, 0), frame};
    return ZSTD_compressBegin_advanced(cctx, NULL, 0, params, src_len);
}

size_t dense_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                    const void *src, size_t src_len, void *dst, size_t dst_cap)
{
    ZSTD_CCtx *cctx = ctx_cctx(ctx);
    enum dense_search search = effort == CODEC_CLOSE ? DENSE_CLOSE : DENSE_HASTY;
    const struct dense_form *form = dict ? dict_dense(dict, search) : NULL;
    if (!cctx || (dict && !form) || ZSTD_isError(begin_encoding(cctx, form, src_len)))
        return 0;
    size_t len = ZSTD_compressBlock(cctx, dst, dst_cap, src, src_len);
    return ZSTD_isError(len) ? 0 : len;
}

bool dense_decode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                  size_t src_len, void *dst, size_t raw_len)
{
    ZSTD_DCtx *dctx = ctx_dctx(ctx);
    const ZSTD_DDict *ddict = dict ? dict_ddict(dict) : NULL;
    if (!dctx || (dict && !ddict))
        return false;
    size_t begun = ZSTD_decompressBegin_usingDDict(dctx, ddict);
    if (ZSTD_isError(begun))
        return false;
    size_t len = ZSTD_decompressBlock(dctx, dst, raw_len, src, src_len);
    return !ZSTD_isError(len) && len == raw_len;
}
