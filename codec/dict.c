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

static struct dict_lazy *lazy_create(void)
{
    struct dict_lazy *lazy = malloc(sizeof(*lazy));
    if (!lazy)
        return NULL;
    if (pthread_mutex_init(&lazy->making, NULL) != 0) {
        free(lazy);
        return NULL;
    }
    atomic_init(&lazy->dense, NULL);
    return lazy;
}

struct codec_dict *codec_dict_create(const void *bytes, size_t len)
{
    if (len < DICT_MIN || len > CODEC_DICT_MAX)
        return NULL;
    struct codec_dict *dict = calloc(1, sizeof(*dict));
    if (!dict)
        return NULL;
    dict->bytes = malloc(len);
    dict->lazy = lazy_create();
    if (!dict->bytes || !dict->lazy) {
        codec_dict_destroy(dict);
        return NULL;
    }
    memcpy(dict->bytes, bytes, len);
    dict->len = len;
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
        dense_forms_destroy(atomic_load_explicit(&dict->lazy->dense, memory_order_acquire));
        pthread_mutex_destroy(&dict->lazy->making);
    }
    free(dict->lazy);
    free(dict->bytes);
    free(dict);
}

size_t codec_dict_bytes(const struct codec_dict *dict)
{
    size_t bytes = sizeof(*dict) + sizeof(*dict->lazy) + dict->len;
    const struct dense_forms *dense =
        atomic_load_explicit(&dict->lazy->dense, memory_order_acquire);
    return dense ? bytes + dense_forms_bytes(dense) : bytes;
}

size_t codec_dict_len(const struct codec_dict *dict)
{
    return dict->len;
}

const struct dense_forms *dict_dense(const struct codec_dict *dict)
{
    struct dict_lazy *lazy = dict->lazy;
    struct dense_forms *dense = atomic_load_explicit(&lazy->dense, memory_order_acquire);
    if (dense)
        return dense;
    pthread_mutex_lock(&lazy->making);
    dense = atomic_load_explicit(&lazy->dense, memory_order_relaxed);
    if (!dense) {
        dense = dense_forms_create(dict);
        atomic_store_explicit(&lazy->dense, dense, memory_order_release);
    }
    pthread_mutex_unlock(&lazy->making);
    return dense;
}
