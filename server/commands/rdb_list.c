#include "rdb_list.h"

#define END 0xff

static uint64_t get_little(const uint8_t *from, size_t size)
{
    uint64_t n = 0;
    for (size_t i = size; i-- > 0;)
        n = n << 8 | from[i];
    return n;
}

bool rdb_list_open(struct rdb_list *l, enum rdb_list_kind kind, const uint8_t *bytes, size_t len)
{
    *l = (struct rdb_list){.kind = kind, .reader = {.at = bytes, .left = len}};
    const uint8_t *head = rdb_take(&l->reader, kind == RDB_LISTPACK ? 6 : 10);
    return head != NULL && get_little(head, 4) == len;
}

/* ---- what both have ---- */

/* A signed number of so many bytes. */
static bool take_integer(struct rdb_reader *r, size_t size, struct rdb_string *s)
{
    const uint8_t *bytes = rdb_take(r, size);
    if (bytes == NULL)
        return false;
    unsigned above = 64 - 8 * (unsigned)size;
    *s = (struct rdb_string){.form = RDB_INTEGER,
                             .integer = (int64_t)(get_little(bytes, size) << above) >> above};
    return true;
}

static bool take_small(int64_t n, struct rdb_string *s)
{
    *s = (struct rdb_string){.form = RDB_INTEGER, .integer = n};
    return true;
}

static bool take_text(struct rdb_reader *r, uint64_t len, struct rdb_string *s)
{
    if (len > r->left)
        return false;
    size_t n = (size_t)len;
    *s = (struct rdb_string){.form = RDB_PLAIN, .stored = n, .len = n, .bytes = rdb_take(r, n)};
    return true;
}

/* ---- listpack ---- */

static bool pack_wide(struct rdb_reader *r, uint8_t first, struct rdb_string *s)
{
    const uint8_t *len;
    switch (first) {
    case 0xf0:
        len = rdb_take(r, 4);
        return len != NULL && take_text(r, get_little(len, 4), s);
    case 0xf1:
    case 0xf2:
    case 0xf3:
        return take_integer(r, (size_t)first - 0xef, s);
    case 0xf4:
        return take_integer(r, 8, s);
    default:
        return false;
    }
}

static bool pack_element(struct rdb_reader *r, uint8_t first, struct rdb_string *s)
{
    if (first < 0x80)
        return take_small(first, s);
    if (first < 0xc0)
        return take_text(r, first & 0x3f, s);
    if (first >= 0xf0)
        return pack_wide(r, first, s);
    const uint8_t *more = rdb_take(r, 1);
    if (more == NULL)
        return false;
    if (first >= 0xe0)
        return take_text(r, (uint64_t)(first & 0x0f) << 8 | *more, s);
    int64_t n = (first & 0x1f) << 8 | *more; /* of 13 bits */
    return take_small(n < 1 << 12 ? n : n - (1 << 13), s);
}

/* How many bytes say how long an element is. */
static size_t pack_back(size_t len)
{
    return len <= 127 ? 1 : len < 16383 ? 2 : len < 2097151 ? 3 : len < 268435455 ? 4 : 5;
}

static bool pack_next(struct rdb_reader *r, uint8_t first, struct rdb_string *s)
{
    size_t left = r->left + 1;
    return pack_element(r, first, s) && rdb_take(r, pack_back(left - r->left)) != NULL;
}

/* ---- ziplist ---- */

static bool zip_text(struct rdb_reader *r, uint8_t first, struct rdb_string *s)
{
    uint64_t len = first & 0x3f;
    size_t size = first >> 6 == 0 ? 0 : first >> 6 == 1 ? 1 : 4;
    const uint8_t *more = rdb_take(r, size);
    if (more == NULL)
        return false;
    if (size == 4)
        len = 0;
    for (size_t i = 0; i < size; i++)
        len = len << 8 | more[i];
    return take_text(r, len, s);
}

static bool zip_next(struct rdb_reader *r, uint8_t before, struct rdb_string *s)
{
    const uint8_t *kind;
    if ((before == 0xfe && rdb_take(r, 4) == NULL) || (kind = rdb_take(r, 1)) == NULL)
        return false;
    if (*kind < 0xc0)
        return zip_text(r, *kind, s);
    switch (*kind) {
    case 0xc0:
        return take_integer(r, 2, s);
    case 0xd0:
        return take_integer(r, 4, s);
    case 0xe0:
        return take_integer(r, 8, s);
    case 0xf0:
        return take_integer(r, 3, s);
    case 0xfe:
        return take_integer(r, 1, s);
    default:
        return *kind > 0xf0 && *kind <= 0xfd && take_small((*kind & 0x0f) - 1, s);
    }
}

enum rdb_list_step rdb_list_next(struct rdb_list *l, struct rdb_string *s)
{
    struct rdb_reader *r = &l->reader;
    const uint8_t *first = rdb_take(r, 1);
    if (first == NULL)
        return RDB_LIST_BROKEN;
    if (*first == END)
        return r->left == 0 ? RDB_LIST_END : RDB_LIST_BROKEN;
    bool ok = l->kind == RDB_LISTPACK ? pack_next(r, *first, s) : zip_next(r, *first, s);
    return ok ? RDB_LIST_ELEMENT : RDB_LIST_BROKEN;
}
