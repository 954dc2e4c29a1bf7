/* Hashes in the cache: reading one whole, changing one under its lock. */
#include <stdlib.h>
#include <string.h>

#include "hash_access.h"

/* ---- reading ---- */

static enum hash_status read_view(struct request *rq, struct cache_view *view, struct hash_blob *h)
{
    h->len = view->raw_len;
    h->bytes = h->few;
    if (h->len > HASH_MAX_BYTES)
        return HASH_DAMAGED;
    if (h->len > sizeof h->few && (h->bytes = malloc(h->len)) == NULL)
        return HASH_NOMEM;
    return cache_view_read(rq->cache, view, 0, h->len, h->bytes) == CACHE_OK ? HASH_OK
                                                                             : HASH_DAMAGED;
}

static void blob_free(struct hash_blob *h)
{
    if (h->bytes != h->few)
        free(h->bytes);
    h->bytes = h->few;
}

/* Decoded bytes may be wrong all the same. A hash whose whole form is sound keeps what it
 * announces. */
static bool is_sound(const struct hash_blob *h)
{
    struct hash_reader r;
    struct hash_entry entry;
    hash_open(&r, h->bytes, h->len);
    while (hash_next(&r, &entry))
        ;
    return !r.damaged;
}

static enum lookup load(struct request *rq, size_t i, unsigned flags, struct hash_blob *h)
{
    struct cache_key key;
    struct cache_view view;
    h->bytes = h->few;
    if (!request_key(rq, i, &key))
        return LOOKUP_REPLIED;
    enum lookup found = lookup_type(rq, &key, CACHE_HASH, flags, &view);
    if (found != LOOKUP_FOUND)
        return found;
    h->seed = key.hash;
    enum hash_status status = read_view(rq, &view, h);
    if (status == HASH_OK && !is_sound(h)) {
        cache_view_spoil(&view);
        status = HASH_DAMAGED;
    }
    cache_view_end(rq->cache, &view);
    if (status == HASH_OK)
        return LOOKUP_FOUND;
    hash_unload(h);
    if (status != HASH_NOMEM)
        return LOOKUP_MISSING;
    reply_oom(rq);
    return LOOKUP_REPLIED;
}

enum lookup hash_load(struct request *rq, size_t i, struct hash_blob *h)
{
    return load(rq, i, request_touch(rq), h);
}

enum lookup hash_peek(struct request *rq, size_t i, struct hash_blob *h)
{
    enum lookup found = load(rq, i, 0, h);
    if (found == LOOKUP_MISSING)
        resp_null(rq->out);
    return found;
}

void hash_unload(struct hash_blob *h)
{
    blob_free(h);
}

/* ---- changing ---- */

static void reply_hash_error(struct request *rq, enum hash_status status)
{
    if (status == HASH_FULL)
        resp_error(rq->out, "ERR hash exceeds maximum allowed size (65536 fields, 4194304 bytes)");
    else
        reply_oom(rq);
}

/* Under the lock: fills c->edit. A damaged hash counts as none. */
static enum hash_status take_apart(struct request *rq, struct hash_change *c)
{
    c->blob.bytes = c->blob.few;
    c->blob.len = 0;
    enum hash_status status = HASH_OK;
    if (c->update.found)
        status = read_view(rq, &c->update.view, &c->blob);
    c->existed = c->update.found && status == HASH_OK;
    if (status == HASH_NOMEM) {
        hash_edit_begin(&c->edit, NULL, 0, c->key.hash);
        return HASH_NOMEM;
    }
    status = hash_edit_begin(&c->edit, c->blob.bytes, c->existed ? c->blob.len : 0, c->key.hash);
    if (status != HASH_DAMAGED)
        return status;
    cache_view_spoil(&c->update.view);
    hash_edit_end(&c->edit);
    c->existed = false;
    return hash_edit_begin(&c->edit, NULL, 0, c->key.hash);
}

bool hash_change_begin(struct request *rq, size_t i, struct hash_change *c)
{
    if (!request_key(rq, i, &c->key))
        return false;
    c->changed = false;
    cache_update_begin(rq->cache, &c->key, &c->update);
    if (c->update.found && c->update.view.type != CACHE_HASH) {
        cache_update_end(rq->cache, &c->update);
        reply_wrong_type(rq);
        return false;
    }
    enum hash_status status = take_apart(rq, c);
    if (status == HASH_OK)
        return true;
    hash_change_abort(rq, c);
    reply_hash_error(rq, status);
    return false;
}

bool hash_change_set(struct request *rq, struct hash_change *c, const char *field, size_t field_len,
                     const char *value, size_t value_len, bool *added)
{
    enum hash_status status = hash_edit_set(&c->edit, field, field_len, value, value_len, added);
    if (status != HASH_OK) {
        hash_change_abort(rq, c);
        reply_hash_error(rq, status);
        return false;
    }
    c->changed = true;
    return true;
}

bool hash_change_remove(struct hash_change *c, const char *field, size_t len)
{
    bool removed = hash_edit_remove(&c->edit, field, len);
    c->changed |= removed;
    return removed;
}

static enum cache_status write_back(struct request *rq, struct hash_change *c)
{
    char few[4096];
    size_t len = hash_edit_size(&c->edit);
    if (len == 0) {
        if (c->update.found)
            cache_update_delete(rq->cache, &c->update);
        return CACHE_OK;
    }
    char *bytes = len <= sizeof few ? few : malloc(len);
    if (bytes == NULL)
        return CACHE_OOM;
    hash_edit_write(&c->edit, bytes);
    struct cache_source source = source_flat(bytes, len);
    int64_t at_ms = c->existed ? c->update.view.expire_ms : CACHE_NO_EXPIRY;
    enum cache_status status =
        cache_update_store(rq->cache, &c->update, CACHE_HASH, &source, at_ms);
    if (bytes != few)
        free(bytes);
    return status;
}

bool hash_change_end(struct request *rq, struct hash_change *c, const char *event)
{
    enum cache_status status = c->changed ? write_back(rq, c) : CACHE_OK;
    bool emptied = c->changed && c->existed && hash_edit_size(&c->edit) == 0;
    hash_change_abort(rq, c);
    if (status != CACHE_OK) {
        reply_cache_error(rq, status);
        return false;
    }
    if (c->changed)
        request_touched(rq, &c->key, event);
    if (emptied)
        request_touched(rq, &c->key, "del");
    return true;
}

void hash_change_abort(struct request *rq, struct hash_change *c)
{
    hash_edit_end(&c->edit);
    blob_free(&c->blob);
    cache_update_end(rq->cache, &c->update);
}
