#include "rdb_hash.h"

#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "rdb_list.h"

#define TYPE_HASH          4
#define TYPE_HASH_ZIPLIST  13
#define TYPE_HASH_LISTPACK 16

/* No hash that fits is longer as a list: an element takes at most 10 bytes besides its text. */
#define LIST_MOST (HASH_MAX_BYTES + 2 * (size_t)HASH_MAX_FIELDS * 10 + 16)

/* ---- writing ---- */

size_t rdb_hash_size(const void *blob, size_t len)
{
    struct hash_reader r;
    struct hash_entry e;
    uint8_t head[RDB_LENGTH_MOST];
    size_t size = 1 + rdb_length(hash_open(&r, blob, len), head);
    while (hash_next(&r, &e))
        size += rdb_length(e.field_len, head) + e.field_len + rdb_length(e.value_len, head) +
                e.value_len;
    return size;
}

static uint8_t *put_string(uint8_t *to, const char *text, size_t len)
{
    to += rdb_length(len, to);
    memcpy(to, text, len);
    return to + len;
}

void rdb_hash_write(const void *blob, size_t len, uint8_t *out)
{
    struct hash_reader r;
    struct hash_entry e;
    *out++ = TYPE_HASH;
    out += rdb_length(hash_open(&r, blob, len), out);
    while (hash_next(&r, &e)) {
        out = put_string(out, e.field, e.field_len);
        out = put_string(out, e.value, e.value_len);
    }
}

/* ---- reading: fields and values, one after the other ---- */

struct elements {
    bool listed;
    struct rdb_list list;
    struct rdb_reader reader; /* not listed: so many strings */
    uint64_t left;
};

bool rdb_is_hash(const uint8_t *payload, size_t len)
{
    struct rdb_reader r;
    int type = rdb_open(&r, payload, len);
    return type == TYPE_HASH || type == TYPE_HASH_ZIPLIST || type == TYPE_HASH_LISTPACK;
}

/* A list is a string itself, which may be packed. */
static enum hash_status open_list(struct elements *e, struct rdb_reader *r, enum rdb_list_kind kind,
                                  struct rdb_hash_room *room)
{
    struct rdb_string s;
    if (!rdb_read_string(r, &s) || r->left != 0 || s.form == RDB_INTEGER)
        return HASH_DAMAGED;
    if (s.len > LIST_MOST)
        return HASH_FULL;
    if (s.form == RDB_PACKED) {
        room->unpacked = malloc(s.len + 1);
        if (room->unpacked == NULL)
            return HASH_NOMEM;
        if (!rdb_string_unpack(&s, room->unpacked))
            return HASH_DAMAGED;
        s.bytes = room->unpacked;
    }
    e->listed = true;
    return rdb_list_open(&e->list, kind, s.bytes, s.len) ? HASH_OK : HASH_DAMAGED;
}

static enum hash_status open_elements(struct elements *e, const uint8_t *payload, size_t len,
                                      struct rdb_hash_room *room)
{
    struct rdb_reader r;
    *e = (struct elements){0};
    switch (rdb_open(&r, payload, len)) {
    case TYPE_HASH_LISTPACK:
        return open_list(e, &r, RDB_LISTPACK, room);
    case TYPE_HASH_ZIPLIST:
        return open_list(e, &r, RDB_ZIPLIST, room);
    default:
        if (!rdb_read_count(&r, &e->left) || e->left > r.left)
            return HASH_DAMAGED;
        e->left *= 2;
        e->reader = r;
        return HASH_OK;
    }
}

static enum rdb_list_step next_element(struct elements *e, struct rdb_string *s)
{
    if (e->listed)
        return rdb_list_next(&e->list, s);
    if (e->left == 0)
        return e->reader.left == 0 ? RDB_LIST_END : RDB_LIST_BROKEN;
    e->left--;
    return rdb_read_string(&e->reader, s) ? RDB_LIST_ELEMENT : RDB_LIST_BROKEN;
}

/* Counts them, and the room for those that are not there as text. */
static enum hash_status measure(struct elements e, size_t *count, size_t *bytes)
{
    struct rdb_string s;
    enum rdb_list_step step;
    for (*count = *bytes = 0; (step = next_element(&e, &s)) == RDB_LIST_ELEMENT; ++*count) {
        if (*count >= 2 * (size_t)HASH_MAX_FIELDS || s.len > HASH_MAX_BYTES)
            return HASH_FULL;
        *bytes += s.form == RDB_INTEGER ? NUMBER_INT_CHARS : s.form == RDB_PACKED ? s.len : 0;
        if (*bytes > HASH_MAX_BYTES + *count * NUMBER_INT_CHARS)
            return HASH_FULL;
    }
    return step == RDB_LIST_END && *count > 0 && *count % 2 == 0 ? HASH_OK : HASH_DAMAGED;
}

struct words {
    const char *text;
    size_t len;
};

/* The text of an element; *room moves on when it is made there. False when it cannot be unpacked.
 */
static bool text_of(const struct rdb_string *s, char **room, struct words *w)
{
    w->text = s->form == RDB_PLAIN ? (const char *)s->bytes : *room;
    w->len = s->form == RDB_INTEGER ? number_print_int(s->integer, *room) : s->len;
    if (s->form == RDB_PACKED && !rdb_string_unpack(s, (uint8_t *)*room))
        return false;
    if (s->form != RDB_PLAIN)
        *room += w->len;
    return true;
}

/* Sets `count` elements, pair by pair. */
static enum hash_status set_pairs(struct elements *e, size_t count, struct hash_edit *edit,
                                  char *room)
{
    struct words word[2];
    struct rdb_string s;
    bool added;
    for (size_t i = 0; i < count; i++) {
        if (next_element(e, &s) != RDB_LIST_ELEMENT || !text_of(&s, &room, &word[i % 2]))
            return HASH_DAMAGED;
        if (i % 2 == 0)
            continue;
        enum hash_status status =
            hash_edit_set(edit, word[0].text, word[0].len, word[1].text, word[1].len, &added);
        if (status != HASH_OK)
            return status;
        if (!added)
            return HASH_DAMAGED;
    }
    return HASH_OK;
}

enum hash_status rdb_hash_read(const uint8_t *payload, size_t len, struct hash_edit *e,
                               struct rdb_hash_room *room)
{
    struct elements elements;
    size_t count, bytes;
    *room = (struct rdb_hash_room){0};
    enum hash_status status = open_elements(&elements, payload, len, room);
    if (status == HASH_OK)
        status = measure(elements, &count, &bytes);
    if (status != HASH_OK)
        return status;
    room->texts = malloc(bytes + 1);
    return room->texts == NULL ? HASH_NOMEM : set_pairs(&elements, count, e, room->texts);
}

void rdb_hash_room_free(struct rdb_hash_room *room)
{
    free(room->unpacked);
    free(room->texts);
}
