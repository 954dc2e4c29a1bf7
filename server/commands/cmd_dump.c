/* DUMP and RESTORE, in Redis's form: so that values can be carried from one server to
 * another. */
#include <stdlib.h>

#include "hash_access.h"
#include "internal.h"
#include "number.h"
#include "rdb_hash.h"
#include "rdb_string.h"

/* A payload is in one piece. */
#define DUMP_MOST ((size_t)64 << 20)

/* ---- DUMP ---- */

/* Appends the value piece by piece. False when it is damaged. */
static bool put_value(struct request *rq, struct cache_view *v, uint8_t *to, uint64_t *crc)
{
    for (size_t off = 0; off < v->raw_len; off += CACHE_SEGMENT) {
        size_t n = v->raw_len - off < CACHE_SEGMENT ? v->raw_len - off : CACHE_SEGMENT;
        if (cache_view_read(rq->cache, v, off, n, to + off) != CACHE_OK)
            return false;
        *crc = rdb_crc(*crc, to + off, n);
    }
    return true;
}

static void put_payload(struct request *rq, struct cache_view *v)
{
    uint8_t head[RDB_HEAD_MOST];
    size_t before = rq->out->len, n = rdb_string_head(v->raw_len, head);
    char *to = resp_bulk_begin(rq->out, n + v->raw_len + RDB_TAIL);
    if (to == NULL)
        return;
    uint64_t crc = rdb_crc(0, head, n);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)head[i];
    if (put_value(rq, v, (uint8_t *)to + n, &crc)) {
        rdb_string_tail(crc, (uint8_t *)to + n + v->raw_len);
        resp_bulk_end(rq->out);
    } else {
        rq->out->len = before;
        resp_null(rq->out);
    }
}

static void dump_string(struct request *rq, struct cache_view *v)
{
    if (v->raw_len > DUMP_MOST || !cache_may_charge(request_cache(rq), v->raw_len))
        resp_error(rq->out, "ERR the value is too long for DUMP");
    else
        put_payload(rq, v);
    cache_view_end(rq->cache, v);
}

static void put_hash(struct request *rq, const struct hash_blob *h)
{
    size_t n = rdb_hash_size(h->bytes, h->len);
    uint8_t *to = (uint8_t *)resp_bulk_begin(rq->out, n + RDB_TAIL);
    if (to == NULL)
        return;
    rdb_hash_write(h->bytes, h->len, to);
    rdb_string_tail(rdb_crc(0, to, n), to + n);
    resp_bulk_end(rq->out);
}

/* Argument 1 was a hash just now. */
static void dump_hash(struct request *rq)
{
    struct hash_blob h;
    switch (hash_load(rq, 1, &h)) {
    case LOOKUP_FOUND:
        put_hash(rq, &h);
        hash_unload(&h);
        return;
    case LOOKUP_MISSING:
        resp_null(rq->out);
        return;
    case LOOKUP_REPLIED:
        return;
    }
}

static void dump_command(struct request *rq)
{
    struct cache_key key;
    struct cache_view view;
    if (!request_key(rq, 1, &key))
        return;
    if (cache_get(rq->cache, &key, request_touch(rq), &view) != CACHE_OK) {
        request_missed(rq, &key);
        resp_null(rq->out);
    } else if (view.type == CACHE_HASH) {
        cache_view_end(rq->cache, &view);
        dump_hash(rq);
    } else {
        dump_string(rq, &view);
    }
}

/* ---- RESTORE ---- */

struct restore {
    bool replace, absolute;
    int64_t at_ms;
};

static bool read_options(struct request *rq, struct restore *r)
{
    int64_t n;
    bool idle = false, frequency = false;
    for (size_t i = 4; i < rq->argc; i++) {
        bool more = i + 1 < rq->argc;
        if (request_is(rq, i, "replace")) {
            r->replace = true;
        } else if (request_is(rq, i, "absttl")) {
            r->absolute = true;
        } else if (request_is(rq, i, "idletime") && more && !frequency) {
            idle = true;
            if (!request_integer(rq, ++i, &n))
                return false;
            if (n < 0) {
                resp_error(rq->out, "ERR Invalid IDLETIME value, must be >= 0");
                return false;
            }
        } else if (request_is(rq, i, "freq") && more && !idle) {
            frequency = true;
            if (!request_integer(rq, ++i, &n))
                return false;
            if (n < 0 || n > 255) {
                resp_error(rq->out, "ERR Invalid FREQ value, must be >= 0 and <= 255");
                return false;
            }
        } else {
            reply_syntax_error(rq);
            return false;
        }
    }
    return true;
}

static bool exists(struct request *rq, const struct cache_key *key)
{
    struct cache_view view;
    if (cache_get(rq->cache, key, 0, &view) != CACHE_OK)
        return false;
    cache_view_end(rq->cache, &view);
    return true;
}

static bool read_expiry(struct request *rq, struct restore *r)
{
    int64_t ttl;
    if (!request_integer(rq, 2, &ttl))
        return false;
    r->at_ms = ttl == 0 ? CACHE_NO_EXPIRY : ttl;
    if (ttl >= 0 &&
        (ttl == 0 || r->absolute || !__builtin_add_overflow(ttl, rq->now_ms, &r->at_ms)))
        return true;
    resp_error(rq->out, "ERR Invalid TTL value, must be >= 0");
    return false;
}

static enum cache_status store(struct request *rq, const struct cache_key *key, const void *bytes,
                               size_t len, const struct restore *r)
{
    struct cache_source source = source_flat(bytes, len);
    return cache_set(rq->cache, key, CACHE_STRING, &source, r->at_ms, 0);
}

static enum cache_status store_hash(struct request *rq, const struct cache_key *key,
                                    const struct hash_edit *e, const struct restore *r)
{
    size_t len = hash_edit_size(e);
    char *bytes = malloc(len);
    if (bytes == NULL)
        return CACHE_OOM;
    hash_edit_write(e, bytes);
    struct cache_source source = source_flat(bytes, len);
    enum cache_status status = cache_set(rq->cache, key, CACHE_HASH, &source, r->at_ms, 0);
    free(bytes);
    return status;
}

static enum cache_status restore_hash(struct request *rq, const struct cache_key *key,
                                      const uint8_t *payload, size_t len, const struct restore *r)
{
    struct hash_edit e;
    struct rdb_hash_room room;
    enum cache_status status = CACHE_OOM;
    hash_edit_begin(&e, NULL, 0, key->hash);
    switch (rdb_hash_read(payload, len, &e, &room)) {
    case HASH_OK:
        status = store_hash(rq, key, &e, r);
        break;
    case HASH_DAMAGED:
        status = CACHE_DAMAGED;
        break;
    case HASH_FULL:
        resp_error(rq->out, "ERR hash exceeds maximum allowed size (65536 fields, 4194304 bytes)");
        status = CACHE_UNMET;
        break;
    case HASH_NOMEM:
        break;
    }
    hash_edit_end(&e);
    rdb_hash_room_free(&room);
    return status;
}

/* CACHE_DAMAGED: it cannot be unpacked. */
static enum cache_status unpack_and_store(struct request *rq, const struct cache_key *key,
                                          const struct rdb_string *s, const struct restore *r)
{
    struct cache *cache = request_cache(rq);
    uint8_t *bytes = cache_may_charge(cache, s->len) ? malloc(s->len + 1) : NULL;
    if (bytes == NULL)
        return CACHE_OOM;
    cache_charge(cache, (int64_t)s->len);
    enum cache_status status = CACHE_DAMAGED;
    if (rdb_string_unpack(s, bytes))
        status = store(rq, key, bytes, s->len, r);
    free(bytes);
    cache_charge(cache, -(int64_t)s->len);
    return status;
}

static enum cache_status restore(struct request *rq, const struct cache_key *key,
                                 const struct rdb_string *s, const struct restore *r)
{
    char digits[NUMBER_INT_CHARS];
    switch (s->form) {
    case RDB_INTEGER:
        return store(rq, key, digits, number_print_int(s->integer, digits), r);
    case RDB_PACKED:
        return unpack_and_store(rq, key, s, r);
    default:
        return store(rq, key, s->bytes, s->len, r);
    }
}

/* The key is locked. CACHE_UNMET: the error is replied. */
static void restore_locked(struct request *rq, const struct cache_key *key, struct restore *r,
                           enum cache_status *status)
{
    struct rdb_string s;
    size_t len;
    *status = CACHE_UNMET;
    if (!r->replace && exists(rq, key)) {
        resp_error(rq->out, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!read_expiry(rq, r))
        return;
    const uint8_t *payload = (const uint8_t *)request_flat(rq, 3, &len);
    if (payload == NULL)
        return;
    if (!rdb_payload_is_whole(payload, len))
        resp_error(rq->out, "ERR DUMP payload version or checksum are wrong");
    else if (rdb_is_hash(payload, len))
        *status = restore_hash(rq, key, payload, len, r);
    else if (!rdb_string_find(payload, len, &s))
        resp_error(rq->out, "ERR Bad data format");
    else
        *status = restore(rq, key, &s, r);
}

static void restore_command(struct request *rq)
{
    struct restore r = {.at_ms = CACHE_NO_EXPIRY};
    struct cache_key key;
    enum cache_status status;
    if (!read_options(rq, &r) || !request_key(rq, 1, &key) || !lock_key(rq, &key))
        return;
    restore_locked(rq, &key, &r, &status);
    cache_unlock_keys(rq->cache);
    if (status == CACHE_OK) {
        request_touched(rq, &key, "restore");
        resp_ok(rq->out);
    } else if (status == CACHE_DAMAGED) {
        resp_error(rq->out, "ERR Bad data format");
    } else if (status != CACHE_UNMET) {
        reply_cache_error(rq, status);
    }
}

#define GENERIC                                                                                    \
    .group = GROUP_GENERIC, .first_key = 1, .last_key = 1, .key_step = 1, .since = "2.6.0"

const struct command commands_dump[] = {
    {.name = "dump",
     .fn = dump_command,
     .arity = 2,
     .flags = CMD_READONLY,
     GENERIC,
     .complexity = "O(N) where N is the length of the value",
     .summary = "Returns a serialized representation of the value stored at a key.",
     .args = "key",
     .differs = "Of strings of at most 64 MiB."},
    {.name = "restore",
     .fn = restore_command,
     .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_DANGEROUS,
     GENERIC,
     .complexity = "O(N) where N is the length of the value",
     .summary = "Creates a key from the serialized representation of a value.",
     .args = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
     .differs = "Of strings and hashes, without times of fields. IDLETIME and FREQ are accepted "
                "without an effect."},
    {.name = NULL},
};
