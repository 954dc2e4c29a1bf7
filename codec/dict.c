/* Dictionaries and their prepared forms. */
#include "internal.h"

#define ZDICT_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <string.h>
#include <zdict.h>

enum { DICT_MIN = 8 };

static void find_content(struct codec_dict *dict)
{
    size_t header = ZDICT_getDictHeaderSize(dict->bytes, dict->len);
    if (ZDICT_isError(header) || header > dict->len)
        header = 0;
    dict->content = dict->bytes + header;
    dict->content_len = dict->len - header;
}

struct codec_dict *codec_dict_create(const void *bytes, size_t len)
{
    if (len < DICT_MIN || len > CODEC_DICT_MAX)
        return NULL;
    struct codec_dict *dict = calloc(1, sizeof(*dict));
    if (!dict)
        return NULL;
    dict->bytes = malloc(len);
    dict->lazy = calloc(1, sizeof(*dict->lazy));
    if (!dict->bytes || !dict->lazy) {
        codec_dict_destroy(dict);
        return NULL;
    }
    memcpy(dict->bytes, bytes, len);
    dict->len = len;
    dict->thorough = true;
    find_content(dict);
    LZ4_initStream(&dict->lz4, sizeof(dict->lz4));
    LZ4_loadDict(&dict->lz4, (const char *)dict->content, (int)dict->content_len);
    return dict;
}

void codec_dict_destroy(struct codec_dict *dict)
{
    if (!dict)
        return;
    if (dict->lazy) {
        codec_dict_rest(dict);
        ZSTD_freeDDict(atomic_load_explicit(&dict->lazy->ddict, memory_order_acquire));
    }
    free(dict->pack);
    free(dict->lazy);
    free(dict->bytes);
    free(dict);
}

void codec_dict_rest(struct codec_dict *dict)
{
    LZ4_freeStreamHC(atomic_exchange(&dict->lazy->lz4hc, NULL));
    for (unsigned i = 0; i < DENSE_SEARCHES; i++)
        dense_form_destroy(atomic_exchange(&dict->lazy->dense[i], NULL));
    pack_index_destroy(atomic_exchange(&dict->lazy->index, NULL));
}

size_t codec_dict_kept(const struct codec_dict *dict)
{
    size_t bytes = sizeof(*dict) + sizeof(*dict->lazy) + dict->len;
    if (dict->pack)
        bytes += sizeof(*dict->pack);
    return bytes +
           ZSTD_sizeof_DDict(atomic_load_explicit(&dict->lazy->ddict, memory_order_acquire));
}

size_t codec_dict_bytes(const struct codec_dict *dict)
{
    size_t bytes = codec_dict_kept(dict);
    if (atomic_load_explicit(&dict->lazy->lz4hc, memory_order_acquire))
        bytes += sizeof(LZ4_streamHC_t);
    for (unsigned i = 0; i < DENSE_SEARCHES; i++) {
        const struct dense_form *dense =
            atomic_load_explicit(&dict->lazy->dense[i], memory_order_acquire);
        if (dense)
            bytes += dense_form_bytes(dense);
    }
    const struct pack_index *index = atomic_load_explicit(&dict->lazy->index, memory_order_acquire);
    if (index)
        bytes += pack_index_bytes(index);
    return bytes;
}

size_t codec_dict_len(const struct codec_dict *dict)
{
    return dict->len;
}

/* Two threads may make the same form at once: the second one's is thrown away. That is rare, and
 * nobody has to wait. */
const LZ4_streamHC_t *dict_lz4hc(const struct codec_dict *dict)
{
    LZ4_streamHC_t *there = atomic_load_explicit(&dict->lazy->lz4hc, memory_order_acquire);
    if (there)
        return there;
    LZ4_streamHC_t *made = LZ4_createStreamHC();
    if (!made)
        return NULL;
    LZ4_loadDictHC(made, (const char *)dict->content, (int)dict->content_len);
    if (atomic_compare_exchange_strong(&dict->lazy->lz4hc, &there, made))
        return made;
    LZ4_freeStreamHC(made);
    return there;
}

const struct dense_form *dict_dense(const struct codec_dict *dict, enum dense_search search)
{
    if (!dict->thorough)
        search = DENSE_HASTY;
    struct dense_form *there =
        atomic_load_explicit(&dict->lazy->dense[search], memory_order_acquire);
    if (there)
        return there;
    struct dense_form *made = dense_form_create(dict, search);
    if (!made || atomic_compare_exchange_strong(&dict->lazy->dense[search], &there, made))
        return made;
    dense_form_destroy(made);
    return there;
}

const ZSTD_DDict *dict_ddict(const struct codec_dict *dict)
{
    ZSTD_DDict *there = atomic_load_explicit(&dict->lazy->ddict, memory_order_acquire);
    if (there)
        return there;
    ZSTD_DDict *made = ZSTD_createDDict_byReference(dict->bytes, dict->len);
    if (!made || atomic_compare_exchange_strong(&dict->lazy->ddict, &there, made))
        return made;
    ZSTD_freeDDict(made);
    return there;
}

const struct pack_index *dict_index(const struct codec_dict *dict)
{
    struct pack_index *there = atomic_load_explicit(&dict->lazy->index, memory_order_acquire);
    if (there)
        return there;
    struct pack_index *made = pack_index_create(dict->content, dict->content_len);
    if (!made || atomic_compare_exchange_strong(&dict->lazy->index, &there, made))
        return made;
    pack_index_destroy(made);
    return there;
}
