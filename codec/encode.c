/* Which codec an effort stands for. */
#include "internal.h"

size_t codec_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                    const void *src, size_t src_len, void *dst, size_t dst_cap, enum codec_id *id)
{
    if (src_len < 2 || src_len > CODEC_MAX_RAW || dst_cap == 0)
        return 0;
    if (dst_cap >= src_len)
        dst_cap = src_len - 1;
    if (effort != CODEC_FAST && is_packed(dict, src_len)) {
        *id = CODEC_DENSE;
        return packed_encode(ctx, effort, dict, src, src_len, dst, dst_cap);
    }
    *id = CODEC_LZ4;
    if (src_len < SHORT_LEN)
        return lz4_short_encode(ctx, effort, dict, src, src_len, dst, dst_cap);
    if (effort != CODEC_FAST) {
        size_t len = dense_encode(ctx, effort, dict, src, src_len, dst, dst_cap);
        if (len != 0) {
            *id = CODEC_DENSE;
            return len;
        }
    }
    return lz4_block_encode(ctx, dict, src, src_len, dst, dst_cap);
}
