#include "script_cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rank.h"
#include "server.h"

void script_cache_init(struct script_cache *c)
{
    lock_init(&c->lock, RANK_SCRIPTS);
}

/* ---- the first line ---- */

struct flag_name {
    const char *name;
    unsigned flag;
};

/* The last three have no meaning here: there is no cluster, no replica, and memory is looked at by
 * each command. */
static const struct flag_name flag_names[] = {
    {"no-writes", SCRIPT_NO_WRITES},
    {"allow-cross-slot-keys", SCRIPT_ALL_KEYS},
    {"allow-oom", 0},
    {"allow-stale", 0},
    {"no-cluster", 0},
};

static bool read_flag(struct script *s, const char *word, size_t len, char *error)
{
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if (strlen(flag_names[i].name) == len && memcmp(flag_names[i].name, word, len) == 0) {
            s->flags |= flag_names[i].flag;
            return true;
        }
    }
    snprintf(error, SCRIPT_ERROR, "ERR Unexpected flag in script shebang: %.*s",
             (int)(len < 100 ? len : 100), word);
    return false;
}

static bool read_flags(struct script *s, const char *list, size_t len, char *error)
{
    for (size_t at = 0; at <= len && len > 0;) {
        const char *comma = memchr(list + at, ',', len - at);
        size_t n = comma == NULL ? len - at : (size_t)(comma - list) - at;
        if (!read_flag(s, list + at, n, error))
            return false;
        at += n + 1;
    }
    return true;
}

/* "#!lua flags=a,b" */
static bool read_first_line(struct script *s, char *error)
{
    if (s->len < 2 || memcmp(s->text, "#!", 2) != 0)
        return true;
    const char *end = memchr(s->text, '\n', s->len);
    if (end == NULL) {
        snprintf(error, SCRIPT_ERROR, "ERR Invalid script shebang");
        return false;
    }
    s->body = (size_t)(end - s->text);
    s->flags = SCRIPT_SHEBANG;
    bool first = true;
    for (const char *word = s->text; word < end; first = false) {
        size_t len = 0;
        while (word + len < end && !isspace((unsigned char)word[len]))
            len++;
        int shown = (int)(len < 100 ? len : 100);
        if (first && (len != 5 || memcmp(word, "#!lua", 5) != 0)) {
            snprintf(error, SCRIPT_ERROR, "ERR Unexpected engine in script shebang: %.*s", shown,
                     word);
            return false;
        }
        if (!first && len > 0 && (len < 6 || memcmp(word, "flags=", 6) != 0)) {
            snprintf(error, SCRIPT_ERROR, "ERR Unknown lua shebang option: %.*s", shown, word);
            return false;
        }
        if (!first && len > 0 && !read_flags(s, word + 6, len - 6, error))
            return false;
        word += len + 1;
    }
    if (s->flags & SCRIPT_ALL_KEYS)
        s->reach = SCRIPT_WORLD;
    return true;
}

/* ---- the table ---- */

static size_t size_of(const struct script *s)
{
    return sizeof *s + s->len;
}

static struct script **chain_of(struct script_cache *c, const char *id)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 4; i++)
        n = n * 16 + (unsigned)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    return &c->chains[n % SCRIPT_CHAINS];
}

static struct script *find_locked(struct script_cache *c, const char *id)
{
    struct script *s = *chain_of(c, id);
    while (s != NULL && memcmp(s->id, id, SCRIPT_ID) != 0)
        s = s->chained;
    return s;
}

static void order_out_locked(struct script_cache *c, struct script *s)
{
    *(s->older != NULL ? &s->older->newer : &c->oldest) = s->newer;
    *(s->newer != NULL ? &s->newer->older : &c->newest) = s->older;
}

static void order_in_locked(struct script_cache *c, struct script *s)
{
    s->older = c->newest;
    s->newer = NULL;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = s;
    c->newest = s;
}

static void release_locked(struct server *server, struct script *s)
{
    if (--s->holds > 0)
        return;
    cache_charge(server->cache, -(int64_t)size_of(s));
    free(s);
}

static void remove_locked(struct server *server, struct script *s)
{
    struct script_cache *c = &server->scripts;
    struct script **at = chain_of(c, s->id);
    while (*at != s)
        at = &(*at)->chained;
    *at = s->chained;
    order_out_locked(c, s);
    c->count--;
    c->bytes -= size_of(s);
    release_locked(server, s);
}

static void insert_locked(struct server *server, struct script *s)
{
    struct script_cache *c = &server->scripts;
    struct script **chain = chain_of(c, s->id);
    s->chained = *chain;
    *chain = s;
    order_in_locked(c, s);
    c->count++;
    c->bytes += size_of(s);
    s->holds++;
    while (c->bytes > (size_t)setting_get(&server->settings.script_cache) && c->oldest != s)
        remove_locked(server, c->oldest);
}

static struct script *use_locked(struct script_cache *c, struct script *s)
{
    if (s == NULL)
        return NULL;
    s->holds++;
    if (s != c->newest) {
        order_out_locked(c, s);
        order_in_locked(c, s);
    }
    return s;
}

struct script *script_find(struct server *server, const char *id, size_t len)
{
    char lower[SCRIPT_ID];
    struct script_cache *c = &server->scripts;
    if (len != SCRIPT_ID)
        return NULL;
    for (size_t i = 0; i < SCRIPT_ID; i++) {
        lower[i] = (char)tolower((unsigned char)id[i]);
        if (!isxdigit((unsigned char)id[i]))
            return NULL;
    }
    lock_acquire(&c->lock);
    struct script *s = use_locked(c, find_locked(c, lower));
    lock_release(&c->lock);
    return s;
}

struct script *script_create(struct server *server, const char *text, size_t len, char *error)
{
    size_t size = sizeof(struct script) + len;
    bool fits = size <= (size_t)setting_get(&server->settings.script_cache);
    struct script *s = fits && cache_may_charge(server->cache, size) ? calloc(1, size) : NULL;
    if (s == NULL) {
        snprintf(error, SCRIPT_ERROR,
                 fits ? "OOM there is no memory for the script"
                      : "ERR the script is longer than script-cache-limit");
        return NULL;
    }
    s->len = len;
    s->holds = 1;
    memcpy(s->text, text, len);
    if (read_first_line(s, error)) {
        script_id(text, len, s->id);
        cache_charge(server->cache, (int64_t)size);
        return s;
    }
    free(s);
    return NULL;
}

void script_keep(struct server *server, struct script *s)
{
    lock_acquire(&server->scripts.lock);
    if (find_locked(&server->scripts, s->id) == NULL)
        insert_locked(server, s);
    lock_release(&server->scripts.lock);
}

void script_let_go(struct server *server, struct script *s)
{
    lock_acquire(&server->scripts.lock);
    release_locked(server, s);
    lock_release(&server->scripts.lock);
}

void script_flush(struct server *server)
{
    struct script_cache *c = &server->scripts;
    lock_acquire(&c->lock);
    while (c->oldest != NULL)
        remove_locked(server, c->oldest);
    atomic_fetch_add(&c->flushes, 1);
    lock_release(&c->lock);
}

void script_cache_free(struct server *server)
{
    script_flush(server);
}
