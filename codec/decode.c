/* Decoding, safe on any input. */
#include "internal.h"

#include <string.h>

bool codec_decode(struct codec_ctx *ctx, enum codec_id id, const struct codec_dict *dict,
                  const void *src, size_t src_len, void *dst, size_t raw_len)
{
    if (raw_len == 0 || src_len == 0)
        return raw_len == src_len;
    if (raw_len > CODEC_MAX_RAW || src_len > CODEC_MAX_RAW)
        return false;
    switch (id) {
    case CODEC_RAW:
        if (src_len != raw_len)
            return false;
        memcpy(dst, src, raw_len);
        return true;
    case CODEC_LZ4:
        return raw_len < SHORT_LEN ? lz4_short_decode(dict, src, src_len, dst, raw_len)
                                   : lz4_block_decode(dict, src, src_len, dst, raw_len);
    case CODEC_DENSE:
        return is_packed(dict, raw_len) ? packed_decode(dict, src, src_len, dst, raw_len)
                                        : dense_decode(ctx, dict, src, src_len, dst, raw_len);
    }
    return false;
}
