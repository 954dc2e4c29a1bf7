#include "hash_object.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FORM        1
#define VARINT_MAX  4
#define INDEX_WORTH 512 /* entries compared by plain walks before an index is made */

/* ---- varints ---- */

static size_t varint_size(uint32_t n)
{
    size_t size = 1;
    while (n >= 128) {
        n >>= 7;
        size++;
    }
    return size;
}

static uint8_t *varint_put(uint8_t *at, uint32_t n)
{
    while (n >= 128) {
        *at++ = (uint8_t)(n | 128);
        n >>= 7;
    }
    *at++ = (uint8_t)n;
    return at;
}

/* NULL when it runs over the end or is too long. */
static const uint8_t *varint_get(const uint8_t *at, const uint8_t *end, uint32_t *out)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < VARINT_MAX && at < end; i++) {
        uint8_t byte = *at++;
        n |= (uint32_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            *out = n;
            return at;
        }
    }
    return NULL;
}

/* ---- reading ---- */

uint32_t hash_open(struct hash_reader *r, const void *blob, size_t len)
{
    *r = (struct hash_reader){.at = blob, .end = (const uint8_t *)blob + len, .damaged = true};
    if (len < 2 || len > HASH_MAX_BYTES || *r->at != FORM)
        return 0;
    uint32_t count;
    const uint8_t *at = varint_get(r->at + 1, r->end, &count);
    /* A pair takes at least two bytes, so a count cannot announce more than there is. */
    if (at == NULL || count == 0 || count > HASH_MAX_FIELDS || count > (size_t)(r->end - at) / 2)
        return 0;
    r->at = at;
    r->left = count;
    r->damaged = false;
    return count;
}

static const uint8_t *take_string(const uint8_t *at, const uint8_t *end, const char **str,
                                  uint32_t *len)
{
    at = varint_get(at, end, len);
    if (at == NULL || *len > (size_t)(end - at))
        return NULL;
    *str = (const char *)at;
    return at + *len;
}

bool hash_next(struct hash_reader *r, struct hash_entry *out)
{
    if (r->damaged)
        return false;
    if (r->left == 0) {
        r->damaged = r->at != r->end;
        return false;
    }
    const uint8_t *at = take_string(r->at, r->end, &out->field, &out->field_len);
    if (at != NULL)
        at = take_string(at, r->end, &out->value, &out->value_len);
    if (at == NULL) {
        r->damaged = true;
        return false;
    }
    r->at = at;
    r->left--;
    return true;
}

static bool entry_is(const struct hash_entry *e, const char *field, size_t len)
{
    return e->field != NULL && e->field_len == len &&
           (len == 0 || memcmp(e->field, field, len) == 0);
}

bool hash_find(struct hash_reader *r, const void *blob, size_t len, const char *field,
               size_t field_len, struct hash_entry *out)
{
    hash_open(r, blob, len);
    while (hash_next(r, out))
        if (entry_is(out, field, field_len))
            return true;
    return false;
}

/* ---- changing ---- */

static size_t entry_bytes(uint32_t field_len, uint32_t value_len)
{
    return varint_size(field_len) + field_len + varint_size(value_len) + value_len;
}

static bool edit_grow(struct hash_edit *e, uint32_t cap)
{
    if (cap <= e->cap)
        return true;
    if (cap < 2 * e->cap)
        cap = 2 * e->cap;
    struct hash_entry *old = e->entries == e->few ? NULL : e->entries;
    struct hash_entry *entries = realloc(old, cap * sizeof *entries);
    if (entries == NULL)
        return false;
    if (old == NULL)
        memcpy(entries, e->few, e->count * sizeof *entries);
    e->entries = entries;
    e->cap = cap;
    return true;
}

enum hash_status hash_edit_begin(struct hash_edit *e, const void *blob, size_t len, uint64_t seed)
{
    e->entries = e->few;
    e->count = 0;
    e->cap = HASH_INLINE_ENTRIES;
    e->live = 0;
    e->bytes = 0;
    e->index = NULL;
    e->index_mask = 0;
    e->seed = seed;
    e->walked = 0;
    if (len == 0)
        return HASH_OK;
    struct hash_reader r;
    uint32_t count = hash_open(&r, blob, len);
    if (r.damaged)
        return HASH_DAMAGED;
    if (!edit_grow(e, count))
        return HASH_NOMEM;
    while (hash_next(&r, &e->entries[e->count])) {
        const struct hash_entry *entry = &e->entries[e->count++];
        e->bytes += entry_bytes(entry->field_len, entry->value_len);
        e->live++;
        if (e->count == count)
            break;
    }
    struct hash_entry beyond;
    hash_next(&r, &beyond);
    return r.damaged ? HASH_DAMAGED : HASH_OK;
}

static uint64_t field_hash(const struct hash_edit *e, const char *field, size_t len)
{
    uint64_t h = e->seed ^ (len * 0x9E3779B97F4A7C15u);
    while (len > 0) {
        uint64_t word = 0;
        size_t n = len < 8 ? len : 8;
        memcpy(&word, field, n);
        h = (h ^ word) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
        field += n;
        len -= n;
    }
    return h * 0x9E3779B97F4A7C15u >> 32;
}

static void index_add(struct hash_edit *e, uint32_t number)
{
    const struct hash_entry *entry = &e->entries[number];
    uint64_t slot = field_hash(e, entry->field, entry->field_len);
    while (e->index[slot & e->index_mask] != 0)
        slot++;
    e->index[slot & e->index_mask] = number + 1;
}

/* Makes the index, or a larger one, at most half full. Without memory for it there is none, and
 * finding walks. */
static void index_build(struct hash_edit *e)
{
    uint32_t slots = 64;
    while (slots < 4 * e->count)
        slots *= 2;
    free(e->index);
    e->index = calloc(slots, sizeof *e->index);
    e->index_mask = slots - 1;
    if (e->index == NULL)
        return;
    for (uint32_t i = 0; i < e->count; i++)
        if (e->entries[i].field != NULL)
            index_add(e, i);
}

/* Entry number, or e->count. An index slot may name a removed entry: it is passed over. */
static uint32_t edit_search(struct hash_edit *e, const char *field, size_t len)
{
    if (e->index == NULL && e->walked > INDEX_WORTH)
        index_build(e);
    if (e->index == NULL) {
        uint32_t i = 0;
        while (i < e->count && !entry_is(&e->entries[i], field, len))
            i++;
        e->walked += i;
        return i;
    }
    for (uint64_t slot = field_hash(e, field, len);; slot++) {
        uint32_t number = e->index[slot & e->index_mask];
        if (number == 0)
            return e->count;
        if (entry_is(&e->entries[number - 1], field, len))
            return number - 1;
    }
}

const struct hash_entry *hash_edit_find(struct hash_edit *e, const char *field, size_t len)
{
    uint32_t i = edit_search(e, field, len);
    return i == e->count ? NULL : &e->entries[i];
}

static enum hash_status edit_append(struct hash_edit *e, const struct hash_entry *entry)
{
    if (e->live >= HASH_MAX_FIELDS)
        return HASH_FULL;
    if (e->count == e->cap && !edit_grow(e, e->count + 1))
        return HASH_NOMEM;
    e->entries[e->count++] = *entry;
    e->live++;
    if (e->index != NULL && 2 * e->count > e->index_mask)
        index_build(e);
    else if (e->index != NULL)
        index_add(e, e->count - 1);
    return HASH_OK;
}

enum hash_status hash_edit_set(struct hash_edit *e, const char *field, size_t field_len,
                               const char *value, size_t value_len, bool *added)
{
    if (field_len > HASH_MAX_BYTES || value_len > HASH_MAX_BYTES)
        return HASH_FULL;
    struct hash_entry entry = {field_len > 0 ? field : "", value_len > 0 ? value : "",
                               (uint32_t)field_len, (uint32_t)value_len};
    uint32_t i = edit_search(e, field, field_len);
    *added = i == e->count;
    size_t before = *added ? 0 : entry_bytes(entry.field_len, e->entries[i].value_len);
    size_t after = e->bytes - before + entry_bytes(entry.field_len, entry.value_len);
    if (1 + VARINT_MAX + after > HASH_MAX_BYTES)
        return HASH_FULL;
    if (*added) {
        enum hash_status status = edit_append(e, &entry);
        if (status != HASH_OK)
            return status;
    } else {
        e->entries[i].value = entry.value;
        e->entries[i].value_len = entry.value_len;
    }
    e->bytes = after;
    return HASH_OK;
}

bool hash_edit_remove(struct hash_edit *e, const char *field, size_t len)
{
    uint32_t i = edit_search(e, field, len);
    if (i == e->count)
        return false;
    e->bytes -= entry_bytes(e->entries[i].field_len, e->entries[i].value_len);
    e->entries[i].field = NULL;
    e->live--;
    return true;
}

size_t hash_edit_size(const struct hash_edit *e)
{
    return e->live == 0 ? 0 : 1 + varint_size(e->live) + e->bytes;
}

void hash_edit_write(const struct hash_edit *e, void *out)
{
    uint8_t *at = out;
    if (e->live == 0)
        return;
    *at++ = FORM;
    at = varint_put(at, e->live);
    for (uint32_t i = 0; i < e->count; i++) {
        const struct hash_entry *entry = &e->entries[i];
        if (entry->field == NULL)
            continue;
        at = varint_put(at, entry->field_len);
        memcpy(at, entry->field, entry->field_len);
        at = varint_put(at + entry->field_len, entry->value_len);
        memcpy(at, entry->value, entry->value_len);
        at += entry->value_len;
    }
    assert((size_t)(at - (uint8_t *)out) == hash_edit_size(e));
}

void hash_edit_end(struct hash_edit *e)
{
    if (e->entries != e->few)
        free(e->entries);
    free(e->index);
    e->entries = e->few;
    e->index = NULL;
}
