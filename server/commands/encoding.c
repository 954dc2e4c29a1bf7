/* What OBJECT ENCODING says. Of a string it is how it is stored. A hash is always one packed value;
 * of it is said what Redis would make of one of its size, since clients look for these names. */
#include "hash_access.h"
#include "internal.h"
#include "number.h"

static bool is_integer(struct request *rq, const struct cache_key *key)
{
    struct cache_view view;
    char text[NUMBER_INT_CHARS];
    size_t len;
    int64_t n;
    if (cache_get(rq->cache, key, 0, &view) != CACHE_OK)
        return false;
    bool integer = view.type == CACHE_STRING && view_text(rq, &view, text, sizeof text, &len) &&
                   number_parse_int(text, len, &n);
    cache_view_end(rq->cache, &view);
    return integer;
}

static bool is_small(const struct hash_blob *h, struct hash_limits most)
{
    struct hash_reader r;
    struct hash_entry e;
    if (hash_open(&r, h->bytes, h->len) > most.fields)
        return false;
    while (hash_next(&r, &e))
        if (e.field_len > most.bytes || e.value_len > most.bytes)
            return false;
    return true;
}

static const char *hash_encoding(struct request *rq, size_t i)
{
    struct hash_blob h;
    const char *name = NULL;
    if (hash_peek(rq, i, &h) == LOOKUP_FOUND) {
        name = is_small(&h, request_hash_limits(rq)) ? "listpack" : "hashtable";
        hash_unload(&h);
    }
    return name;
}

const char *request_encoding(struct request *rq, size_t i, const struct cache_item_info *info)
{
    struct cache_key key;
    if (info->type == CACHE_HASH)
        return hash_encoding(rq, i);
    if (info->raw_len < NUMBER_INT_CHARS && request_key(rq, i, &key) && is_integer(rq, &key))
        return "int";
    return info->codec;
}
