/* LZ4 blocks of values that are not short, with a dictionary attached. The working stream serves
 * every dictionary: attaching one is a matter of a pointer, and resetting the stream does not clear
 * its table. */
#include "internal.h"

enum { ACCELERATION = 1 };

size_t lz4_block_encode(struct codec_ctx *ctx, const struct codec_dict *dict, const void *src,
                        size_t src_len, void *dst, size_t dst_cap)
{
    LZ4_stream_t *stream = ctx_lz4(ctx);
    if (!stream)
        return 0;
    LZ4_resetStream_fast(stream);
    if (dict)
        LZ4_attach_dictionary(stream, &dict->lz4);
    int len =
        LZ4_compress_fast_continue(stream, src, dst, (int)src_len, (int)dst_cap, ACCELERATION);
    return len > 0 ? (size_t)len : 0;
}

bool lz4_block_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                      size_t raw_len)
{
    const char *content = dict ? (const char *)dict->content : NULL;
    size_t content_len = dict ? dict->content_len : 0;
    int len = LZ4_decompress_safe_usingDict(src, dst, (int)src_len, (int)raw_len, content,
                                            (int)content_len);
    return len >= 0 && (size_t)len == raw_len;
}
