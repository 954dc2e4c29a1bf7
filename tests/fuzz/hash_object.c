/* The stored form of a hash. Input: 2 bytes of length, so many bytes that pretend to be a stored
 * hash, and operations: fields to set and to remove. What is written reads as what was set. */
#include "hash_object.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Fields, or -1 when it is damaged. */
static int64_t walk(const void *blob, size_t len)
{
    struct hash_reader r;
    struct hash_entry e;
    volatile uint8_t sum = 0;
    int64_t n = 0;
    hash_open(&r, blob, len);
    for (; hash_next(&r, &e); n++) {
        for (uint32_t i = 0; i < e.field_len; i++)
            sum = (uint8_t)(sum + (uint8_t)e.field[i]);
        for (uint32_t i = 0; i < e.value_len; i++)
            sum = (uint8_t)(sum + (uint8_t)e.value[i]);
    }
    return r.damaged ? -1 : n;
}

/* An operation: kind and lengths in a byte, field, value. Returns where the next one begins. */
static const uint8_t *operate(struct hash_edit *e, const uint8_t *at, const uint8_t *end,
                              int64_t *fields)
{
    size_t field_len = *at & 7, value_len = *at >> 3 & 15;
    bool remove = (*at++ & 128) != 0;
    if (field_len + value_len > (size_t)(end - at))
        return end;
    const char *field = (const char *)at, *value = field + field_len;
    const struct hash_entry *found = hash_edit_find(e, field, field_len);
    bool was = found != NULL, added;
    if (remove) {
        expect(hash_edit_remove(e, field, field_len) == was);
        expect(hash_edit_find(e, field, field_len) == NULL || was);
        *fields -= was;
    } else {
        expect(hash_edit_set(e, field, field_len, value, value_len, &added) == HASH_OK);
        expect(added == !was);
        found = hash_edit_find(e, field, field_len);
        expect(found != NULL && found->value_len == value_len &&
               (value_len == 0 || memcmp(found->value, value, value_len) == 0));
        *fields += !was;
    }
    return at + field_len + value_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t len = (size_t)data[0] | (size_t)data[1] << 8;
    const uint8_t *blob = data + 2, *end = data + size;
    len = len < (size_t)(end - blob) ? len : (size_t)(end - blob);
    struct hash_edit e;
    int64_t fields = walk(blob, len);
    enum hash_status status = hash_edit_begin(&e, len == 0 ? NULL : blob, len, 7);
    expect((status == HASH_DAMAGED) == (len > 0 && fields < 0));
    if (status == HASH_OK) {
        fields = fields < 0 ? 0 : fields;
        for (const uint8_t *at = blob + len; at < end;)
            at = operate(&e, at, end, &fields);
        size_t bytes = hash_edit_size(&e);
        uint8_t *out = malloc(bytes > 0 ? bytes : 1);
        expect(out != NULL && (bytes > 0) == (fields > 0));
        hash_edit_write(&e, out);
        expect(bytes == 0 || walk(out, bytes) == fields);
        free(out);
    }
    hash_edit_end(&e);
    return 0;
}
