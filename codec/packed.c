/* The packed form, as the other codecs are called. */
#include "internal.h"

bool is_packed(const struct codec_dict *dict, size_t raw_len)
{
    return dict != NULL && dict->pack != NULL && raw_len <= PACK_MAX;
}

size_t packed_encode(struct codec_ctx *ctx, enum codec_effort effort, const struct codec_dict *dict,
                     const void *src, size_t src_len, void *dst, size_t dst_cap)
{
    struct pack_parser *parser = ctx_parser(ctx);
    const struct pack_index *index = dict_index(dict);
    if (parser == NULL || index == NULL)
        return 0;
    size_t n = 0;
    const struct pack_step *steps = (effort == CODEC_HASTY ? pack_parse_hastily : pack_parse)(
        parser, index, &dict->pack->codes, dict->pack->tables.class_of, src, src_len, &n);
    return pack_write(dict->pack, steps, n, src, dst, dst_cap);
}

bool packed_decode(const struct codec_dict *dict, const void *src, size_t src_len, void *dst,
                   size_t raw_len)
{
    return pack_decode(&dict->pack->tables, dict->content, dict->content_len, src, src_len, dst,
                       raw_len);
}
