/* Short values in LZ4 sequences, without the end that LZ4 demands.
 *
 * An LZ4 block ends with at least five literals, and its last match begins twelve bytes before the
 * end: of a value of 99 bytes that packs into 33, five are lost to that. Here the value is encoded
 * with a pad behind it, and of the block only what brings the value back is kept:
 *
 *   block    | sequence | sequence | ... | sequence | ... |     of value + pad
 *   payload  | sequence | sequence | ... | seq                  ends inside a run of literals, or
 *                                                               behind a match, whose surplus is
 *                                                               not copied
 *
 * The library's decoder insists on the usual end, so these payloads have a decoder of their own. It
 * is stricter, too: the payload must be used up when the value is whole. */
#include "internal.h"

#include <string.h>

enum {
    LEVEL = 6, /* of LZ4HC */
    ACCELERATION = 1,
    LENGTH_MAX = 15, /* in a nibble of the token: bytes with more of it follow */
    MATCH_MIN = 4,
    OFFSET_LEN = 2,
    WIDE = 16
};

/* ---- encoding ---- */

/* The rest of a length in a block that the library has just made. */
static size_t trusted_length(const uint8_t **at, size_t nibble)
{
    size_t length = nibble;
    if (nibble == LENGTH_MAX) {
        uint8_t more;
        do {
            more = *(*at)++;
            length += more;
        } while (more == UINT8_MAX);
    }
    return length;
}

/* How much of a block the first raw_len bytes need. */
static size_t needed(const uint8_t *block, size_t raw_len)
{
    const uint8_t *at = block;
    size_t out = 0;
    for (;;) {
        uint8_t token = *at++;
        size_t literals = trusted_length(&at, token >> 4);
        if (out + literals >= raw_len)
            return (size_t)(at - block) + raw_len - out;
        at += literals + OFFSET_LEN;
        out += literals + trusted_length(&at, token & LENGTH_MAX) + MATCH_MIN;
        if (out >= raw_len)
            return (size_t)(at - block);
    }
}

static int encode_fast(struct codec_ctx *ctx, const struct codec_dict *dict, int len)
{
    LZ4_stream_t *stream = ctx_lz4(ctx);
    if (!stream)
        return 0;
    LZ4_resetStream_fast(stream);
    if (dict)
        LZ4_attach_dictionary(stream, &dict->lz4);
    return LZ4_compress_fast_continue(stream, (const char *)ctx->padded, (char *)ctx->block, len,
                                      sizeof(ctx->block), ACCELERATION);
}

static int encode_close(struct codec_ctx *ctx, const struct codec_dict *dict, int len)
{
    LZ4_streamHC_t *stream = ctx_lz4hc(ctx);
    const LZ4_streamHC_t *loaded = dict ? dict_lz4hc(dict) : NULL;
    if (!stream || (dict && !loaded))
        return encode_fast(ctx, dict, len);
    LZ4_resetStreamHC_fast(stream, LEVEL);
    if (loaded)
        LZ4_attach_HC_dictionary(stream, loaded);
    return LZ4_compress_HC_continue(stream, (const char *)ctx->padded, (char *)ctx->block, len,
                                    sizeof(ctx->block));
}

size_t lz4_short_encode(struct codec_ctx *ctx, enum codec_effort effort,
                        const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                        size_t dst_cap)
{
    memcpy(ctx->padded, src, src_len);
    memset(ctx->padded + src_len, 0, SHORT_PAD);
    int padded_len = (int)(src_len + SHORT_PAD);
    int block_len = effort != CODEC_FAST ? encode_close(ctx, dict, padded_len)
                                         : encode_fast(ctx, dict, padded_len);
    if (block_len <= 0)
        return 0;
    size_t len = needed(ctx->block, src_len);
    if (len > dst_cap)
        return 0;
    memcpy(dst, ctx->block, len);
    return len;
}

/* ---- decoding ---- */

struct decoder {
    const uint8_t *in, *in_end;
    uint8_t *out_start, *out, *out_end;
};

static inline size_t in_left(const struct decoder *d)
{
    return (size_t)(d->in_end - d->in);
}

static inline size_t out_left(const struct decoder *d)
{
    return (size_t)(d->out_end - d->out);
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The rest of a length; false when the payload ends in it. */
static inline bool read_length(struct decoder *d, size_t *length)
{
    if (*length < LENGTH_MAX)
        return true;
    uint8_t more;
    do {
        if (d->in == d->in_end)
            return false;
        more = *d->in++;
        *length += more;
    } while (more == UINT8_MAX);
    return true;
}

/* Copies len bytes that do not overlap. Most are few, and copying a fixed number is faster than
 * finding out how many: done where as many are `there` to be read and room to be written. */
static inline void put(struct decoder *d, const uint8_t *from, size_t len, size_t there)
{
    if (len <= WIDE && there >= WIDE && out_left(d) >= WIDE)
        memcpy(d->out, from, WIDE);
    else
        memcpy(d->out, from, len);
    d->out += len;
}

/* Copies what was written `offset` bytes ago; source and target may overlap. */
static inline void put_again(struct decoder *d, size_t offset, size_t len)
{
    const uint8_t *from = d->out - offset;
    if (offset >= len && offset >= WIDE) {
        put(d, from, len, offset);
        return;
    }
    while (len-- > 0)
        *d->out++ = *from++;
}

static inline bool decode_literals(struct decoder *d, size_t nibble)
{
    size_t len = nibble;
    if (!read_length(d, &len))
        return false;
    len = smaller(len, out_left(d));
    if (len > in_left(d))
        return false;
    put(d, d->in, len, in_left(d));
    d->in += len;
    return true;
}

static inline bool decode_match(struct decoder *d, size_t nibble, const struct codec_dict *dict)
{
    if (in_left(d) < OFFSET_LEN)
        return false;
    size_t offset = d->in[0] | (size_t)d->in[1] << 8, len = nibble;
    d->in += OFFSET_LEN;
    if (offset == 0 || !read_length(d, &len))
        return false;
    len = smaller(len + MATCH_MIN, out_left(d));
    size_t written = (size_t)(d->out - d->out_start);
    if (offset > written) {
        size_t back = offset - written;
        if (!dict || back > dict->content_len)
            return false;
        size_t in_dict = smaller(len, back);
        put(d, dict->content + dict->content_len - back, in_dict, back);
        len -= in_dict;
    }
    if (len > 0) /* all of it, or what runs out of the dictionary into the value's beginning */
        put_again(d, offset, len);
    return true;
}

bool lz4_short_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                      size_t raw_len)
{
    const uint8_t *in = src;
    uint8_t *out = dst;
    struct decoder d = {in, in + src_len, out, out, out + raw_len};
    while (d.in < d.in_end) {
        uint8_t token = *d.in++;
        if (!decode_literals(&d, token >> 4))
            return false;
        if (d.out == d.out_end)
            break;
        if (!decode_match(&d, token & LENGTH_MAX, dict))
            return false;
        if (d.out == d.out_end)
            break;
    }
    return d.out == d.out_end && d.in == d.in_end;
}
