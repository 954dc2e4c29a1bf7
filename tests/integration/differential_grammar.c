#include "differential_grammar.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential_values.h"

/* A row of the grammar. Words of a pattern: in capitals or digits = as they are; "@x" = random
 * options; else k key  h key that is often a hash  v value  F field of a hash  i integer  f float
 * s m seconds, milliseconds from now  a A the same as instants  r index  o offset  n number of a
 * bit  t type of a bit field p glob pattern d database  ? anything and with a + behind: one to four
 * times ("kv+" = pairs). */
struct row {
    const char *pattern;
    unsigned weight;
    enum comparison how;
    long near;
};

static const struct row rows[] = {
    {"GET k", 60, COMPARE_EXACT, 0},
    {"SET k v", 60, COMPARE_EXACT, 0},
    {"SET k v @set", 50, COMPARE_EXACT, 0},
    {"SETNX k v", 8, COMPARE_EXACT, 0},
    {"SETEX k s v", 8, COMPARE_EXACT, 0},
    {"PSETEX k m v", 8, COMPARE_EXACT, 0},
    {"GETSET k v", 10, COMPARE_EXACT, 0},
    {"GETDEL k", 8, COMPARE_EXACT, 0},
    {"GETEX k @getex", 15, COMPARE_EXACT, 0},
    {"MGET k+", 20, COMPARE_EXACT, 0},
    {"MSET kv+", 15, COMPARE_EXACT, 0},
    {"MSETNX kv+", 10, COMPARE_EXACT, 0},
    {"STRLEN k", 10, COMPARE_EXACT, 0},
    {"APPEND k v", 20, COMPARE_EXACT, 0},
    {"GETRANGE k r r", 20, COMPARE_EXACT, 0},
    {"SUBSTR k r r", 5, COMPARE_EXACT, 0},
    {"SETRANGE k o v", 15, COMPARE_EXACT, 0},
    {"INCR k", 15, COMPARE_EXACT, 0},
    {"DECR k", 10, COMPARE_EXACT, 0},
    {"INCRBY k i", 12, COMPARE_EXACT, 0},
    {"DECRBY k i", 12, COMPARE_EXACT, 0},
    {"INCRBYFLOAT k f", 15, COMPARE_EXACT, 0},
    {"SETBIT k n 0", 10, COMPARE_EXACT, 0},
    {"SETBIT k n 1", 10, COMPARE_EXACT, 0},
    {"SETBIT k n i", 2, COMPARE_EXACT, 0},
    {"GETBIT k n", 10, COMPARE_EXACT, 0},
    {"BITCOUNT k", 6, COMPARE_EXACT, 0},
    {"BITCOUNT k r r @unit", 10, COMPARE_EXACT, 0},
    {"BITPOS k 1", 4, COMPARE_EXACT, 0},
    {"BITPOS k 0 r", 6, COMPARE_EXACT, 0},
    {"BITPOS k 1 r r @unit", 8, COMPARE_EXACT, 0},
    {"BITOP AND k k+", 4, COMPARE_EXACT, 0},
    {"BITOP OR k k+", 4, COMPARE_EXACT, 0},
    {"BITOP xor k k+", 4, COMPARE_EXACT, 0},
    {"BITOP NOT k k", 4, COMPARE_EXACT, 0},
    {"BITOP NOT k k+", 1, COMPARE_EXACT, 0},
    {"BITOP NOSUCH k k+", 1, COMPARE_EXACT, 0},
    {"BITFIELD k GET t n", 5, COMPARE_EXACT, 0},
    {"BITFIELD k SET t n i GET t n", 10, COMPARE_EXACT, 0},
    {"BITFIELD k OVERFLOW SAT INCRBY t n i SET t n o", 10, COMPARE_EXACT, 0},
    {"BITFIELD k INCRBY t n i OVERFLOW FAIL INCRBY t n i", 10, COMPARE_EXACT, 0},
    {"BITFIELD k OVERFLOW F GET t #2", 1, COMPARE_EXACT, 0},
    {"BITFIELD k SET t #2 i NOSUCH t n", 1, COMPARE_EXACT, 0},
    {"BITFIELD k SET t #2 i GET t #3", 4, COMPARE_EXACT, 0},
    {"BITFIELD_RO k GET t n GET t #1", 4, COMPARE_EXACT, 0},
    {"BITFIELD_RO k SET t n i", 1, COMPARE_EXACT, 0},
    {"DEL k+", 20, COMPARE_EXACT, 0},
    {"UNLINK k+", 8, COMPARE_EXACT, 0},
    {"EXISTS k+", 10, COMPARE_EXACT, 0},
    {"TOUCH k+", 5, COMPARE_EXACT, 0},
    {"TYPE k", 8, COMPARE_EXACT, 0},
    {"EXPIRE k s @when", 12, COMPARE_EXACT, 0},
    {"PEXPIRE k m @when", 12, COMPARE_EXACT, 0},
    {"EXPIREAT k a @when", 12, COMPARE_EXACT, 0},
    {"PEXPIREAT k A @when", 12, COMPARE_EXACT, 0},
    {"TTL k", 10, COMPARE_NEAR, 30},
    {"PTTL k", 10, COMPARE_NEAR, 30000},
    {"EXPIRETIME k", 8, COMPARE_NEAR, 30},
    {"PEXPIRETIME k", 8, COMPARE_NEAR, 30000},
    {"PERSIST k", 8, COMPARE_EXACT, 0},
    {"RENAME k k", 8, COMPARE_EXACT, 0},
    {"RENAMENX k k", 8, COMPARE_EXACT, 0},
    {"COPY k k @copy", 12, COMPARE_EXACT, 0},
    {"MOVE k d", 6, COMPARE_EXACT, 0},
    {"KEYS p", 4, COMPARE_UNORDERED, 0},
    {"SCAN 0 COUNT 100000 @scan", 6, COMPARE_SCAN, 0},
    {"SCAN ? COUNT 0 @scan", 2, COMPARE_EXACT, 0},
    {"RANDOMKEY", 2, COMPARE_SHAPE, 0},
    {"DBSIZE", 8, COMPARE_EXACT, 0},
    {"FLUSHDB @flush", 2, COMPARE_EXACT, 0},
    {"FLUSHALL @flush", 1, COMPARE_EXACT, 0},
    {"HSET h Fv+", 30, COMPARE_EXACT, 0},
    {"HMSET h Fv+", 8, COMPARE_EXACT, 0},
    {"HSETNX h F v", 8, COMPARE_EXACT, 0},
    {"HGET h F", 15, COMPARE_EXACT, 0},
    {"HMGET h F+", 12, COMPARE_EXACT, 0},
    {"HGETALL h", 10, COMPARE_PAIRS, 0},
    {"HKEYS h", 6, COMPARE_UNORDERED, 0},
    {"HVALS h", 6, COMPARE_UNORDERED, 0},
    {"HDEL h F+", 12, COMPARE_EXACT, 0},
    {"HEXISTS h F", 6, COMPARE_EXACT, 0},
    {"HINCRBY h F i", 10, COMPARE_EXACT, 0},
    {"HINCRBYFLOAT h F f", 10, COMPARE_EXACT, 0},
    {"HLEN h", 6, COMPARE_EXACT, 0},
    {"HSTRLEN h F", 6, COMPARE_EXACT, 0},
    {"HSCAN h 0 COUNT 100000", 5, COMPARE_SCAN_PAIRS, 0},
    {"HSCAN h 0 COUNT 100000 MATCH p", 5, COMPARE_SCAN_PAIRS, 0},
    {"HSCAN h ? COUNT 0", 2, COMPARE_EXACT, 0},
    {"HRANDFIELD h", 3, COMPARE_SHAPE, 0},
    {"HRANDFIELD h 3 WITHVALUES", 3, COMPARE_SHAPE, 0},
    {"HRANDFIELD h -5", 3, COMPARE_SHAPE, 0},
    {"OBJECT REFCOUNT k", 2, COMPARE_NOT, 0},
    {"OBJECT IDLETIME k", 2, COMPARE_NEAR, 3600},
    {"OBJECT NOSUCH k", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYS SET k v", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYS MSET kv+", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYS PING F", 1, COMPARE_EXACT, 0},
    {"COMMAND INFO NOSUCH", 1, COMPARE_EXACT, 0},
    {"COMMAND NOSUCH", 1, COMPARE_EXACT, 0},
    {"PING", 4, COMPARE_EXACT, 0},
    {"PING v", 2, COMPARE_EXACT, 0},
    {"ECHO v", 4, COMPARE_EXACT, 0},
    {"SELECT d", 8, COMPARE_EXACT, 0},
    {"HELLO 4", 1, COMPARE_EXACT, 0},
    {"HELLO NOSUCH", 1, COMPARE_EXACT, 0},
    {"CLIENT GETNAME", 1, COMPARE_EXACT, 0},
    {"CLIENT SETNAME F", 1, COMPARE_EXACT, 0},
    {"CLIENT NOSUCH", 1, COMPARE_EXACT, 0},
    {"WAIT 0 0", 1, COMPARE_EXACT, 0},
    {"ROLE", 1, COMPARE_EXACT, 0},
    {"CLUSTER INFO", 1, COMPARE_EXACT, 0},
    {"TIME", 1, COMPARE_SHAPE, 0},
    {"HELLO 2", 1, COMPARE_EXACT, 0},
    {"HELLO 3", 1, COMPARE_EXACT, 0},
    {"HELLO 3 AUTH F v", 1, COMPARE_EXACT, 0},
    {"HELLO 3 NOSUCH", 1, COMPARE_EXACT, 0},
    {"AUTH v", 1, COMPARE_EXACT, 0},
    {"AUTH F v", 1, COMPARE_EXACT, 0},
    {"RESET", 1, COMPARE_EXACT, 0},
    {"CONFIG GET appendonly save", 1, COMPARE_PAIRS, 0},
    {"CONFIG GET databases", 1, COMPARE_EXACT, 0},
    {"CONFIG GET TIME?UT", 1, COMPARE_EXACT, 0},
    {"CONFIG GET slowlog-*", 1, COMPARE_PAIRS, 0},
    {"CONFIG GET nosuch*", 1, COMPARE_EXACT, 0},
    {"CONFIG SET nosuch v", 1, COMPARE_EXACT, 0},
    {"CONFIG SET slowlog-max-len i", 1, COMPARE_EXACT, 0},
    {"CONFIG SET slowlog-log-slower-than F", 1, COMPARE_EXACT, 0},
    {"CONFIG REWRITE", 1, COMPARE_EXACT, 0},
    {"CONFIG NOSUCH", 1, COMPARE_EXACT, 0},
    {"INFO", 1, COMPARE_SHAPE, 0},
    {"INFO server clients", 1, COMPARE_SHAPE, 0},
    {"INFO nosuch", 1, COMPARE_EXACT, 0},
    {"CLIENT ID", 1, COMPARE_SHAPE, 0},
    {"CLIENT INFO", 1, COMPARE_SHAPE, 0},
    {"CLIENT LIST", 1, COMPARE_SHAPE, 0},
    {"CLIENT LIST TYPE F", 1, COMPARE_EXACT, 0},
    {"CLIENT LIST TYPE pubsub", 1, COMPARE_EXACT, 0},
    {"CLIENT LIST ID ?", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL F", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL ID ?", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL ADDR F", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL LADDR F SKIPME no", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL TYPE F", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL TYPE replica SKIPME F", 1, COMPARE_EXACT, 0},
    {"CLIENT KILL USER F", 1, COMPARE_EXACT, 0},
    {"CLIENT NO-EVICT on", 1, COMPARE_EXACT, 0},
    {"CLIENT NO-EVICT F", 1, COMPARE_EXACT, 0},
    {"CLIENT UNBLOCK ?", 1, COMPARE_EXACT, 0},
    {"CLIENT UNBLOCK 99 ERROR", 1, COMPARE_EXACT, 0},
    {"CLIENT UNBLOCK 99 F", 1, COMPARE_EXACT, 0},
    {"SWAPDB 9 10", 1, COMPARE_EXACT, 0},
    {"SWAPDB 9 NOSUCH", 1, COMPARE_EXACT, 0},
    {"SWAPDB NOSUCH 16", 1, COMPARE_EXACT, 0},
    {"SWAPDB 9 16", 1, COMPARE_EXACT, 0},
    {"CLIENT REPLY on", 1, COMPARE_EXACT, 0},
    {"CLIENT REPLY F", 1, COMPARE_EXACT, 0},
    {"CLIENT MAINT_NOTIFICATIONS on", 1, COMPARE_EXACT, 0},
    {"SLOWLOG LEN", 1, COMPARE_SHAPE, 0},
    {"SLOWLOG GET ?", 1, COMPARE_NOT, 0},
    {"SLOWLOG RESET", 1, COMPARE_EXACT, 0},
    {"SLOWLOG NOSUCH", 1, COMPARE_EXACT, 0},
    {"LATENCY LATEST", 1, COMPARE_EXACT, 0},
    {"LATENCY HISTORY F", 1, COMPARE_EXACT, 0},
    {"LATENCY GRAPH F", 1, COMPARE_EXACT, 0},
    {"LATENCY RESET F", 1, COMPARE_EXACT, 0},
    {"LATENCY HISTOGRAM nosuch", 1, COMPARE_EXACT, 0},
    {"LATENCY HISTOGRAM echo", 1, COMPARE_SHAPE, 0},
    {"LATENCY DOCTOR", 1, COMPARE_SHAPE, 0},
    {"MEMORY USAGE k", 1, COMPARE_NOT, 0},
    {"MEMORY USAGE k SAMPLES i", 1, COMPARE_NOT, 0},
    {"MEMORY DOCTOR", 1, COMPARE_SHAPE, 0},
    {"MEMORY NOSUCH", 1, COMPARE_EXACT, 0},
    {"LOLWUT", 1, COMPARE_SHAPE, 0},
    {"WAIT 0 i", 1, COMPARE_EXACT, 0},
    {"COMMAND DOCS nosuch", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYSANDFLAGS GET k", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYSANDFLAGS SET k v @set", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYSANDFLAGS RENAME k k", 1, COMPARE_EXACT, 0},
    {"COMMAND GETKEYSANDFLAGS BITOP AND k k+", 1, COMPARE_EXACT, 0},
    {"LCS k k @lcs", 4, COMPARE_EXACT, 0},
    {"LCS k h @lcs", 1, COMPARE_EXACT, 0},
    {"DEBUG PROTOCOL @protocol", 4, COMPARE_EXACT, 0},
    {"DEBUG ERROR F", 1, COMPARE_EXACT, 0},
    {"DEBUG NOSUCH F", 1, COMPARE_EXACT, 0},
    {"FUNCTION LIST", 1, COMPARE_EXACT, 0},
    {"FUNCTION FLUSH @flush", 1, COMPARE_EXACT, 0},
    {"FUNCTION STATS", 1, COMPARE_EXACT, 0},
    {"FUNCTION DELETE F", 1, COMPARE_EXACT, 0},
    {"FCALL F 0", 1, COMPARE_EXACT, 0},
    {"FCALL_RO F 1 k", 1, COMPARE_EXACT, 0},
    {"MODULE LIST", 1, COMPARE_EXACT, 0},
    {"REPLICAOF NO ONE", 1, COMPARE_EXACT, 0},
    {"LASTSAVE", 1, COMPARE_SHAPE, 0},
    {"NOSUCH F k i", 2, COMPARE_EXACT, 0},
};

/* ---- building ---- */

static void add_argument(struct generated *g, const char *bytes, size_t len)
{
    if (g->argc == COMMAND_ARGS)
        return;
    if (g->cap - g->len < len) {
        size_t cap = g->cap * 2 + len;
        char *grown = realloc(g->bytes, cap);
        if (grown == NULL)
            abort();
        g->bytes = grown;
        g->cap = cap;
    }
    memcpy(g->bytes + g->len, bytes, len);
    g->len += len;
    g->start[++g->argc] = g->len;
}

static void add_text(struct generated *g, const char *text)
{
    add_argument(g, text, strlen(text));
}

static void add_value(struct random *r, struct generated *g, char symbol)
{
    static char text[VALUE_MAX];
    size_t len = value_make(r, symbol, text);
    add_argument(g, text, len);
}

/* ---- random options ---- */

static void add_option(struct random *r, struct generated *g, const char *const *options,
                       unsigned n)
{
    const char *option = options[random_below(r, n)];
    const char *blank = strchr(option, ' ');
    if (blank == NULL) {
        add_text(g, option);
        return;
    }
    add_argument(g, option, (size_t)(blank - option));
    if (isupper((unsigned char)blank[1]) && blank[2] != '\0')
        add_text(g, blank + 1);
    else
        add_value(r, g, blank[1]);
}

#define OPTIONS(list, most) add_options(r, g, list, sizeof list / sizeof list[0], most)

static void add_options(struct random *r, struct generated *g, const char *const *list, unsigned n,
                        unsigned most)
{
    for (unsigned i = random_below(r, most + 1); i > 0; i--)
        add_option(r, g, list, n);
}

static void add_random_options(struct random *r, struct generated *g, const char *what)
{
    static const char *const set[] = {"NX",   "XX",     "GET",     "KEEPTTL", "EX s",
                                      "PX m", "EXAT b", "PXAT B",  "nx",      "Get",
                                      "ex s", "NOSUCH", "PERSIST", "EX"};
    static const char *const getex[] = {"EX s",    "PX m",    "EXAT a", "PXAT A",
                                        "PERSIST", "KEEPTTL", "NX"};
    static const char *const when[] = {"NX", "XX", "GT", "LT", "gt", "NOSUCH"};
    static const char *const copy[] = {"REPLACE", "DB d", "REPLACE", "DB"};
    static const char *const scan[] = {"MATCH p", "TYPE STRING", "TYPE HASH", "TYPE NOSUCH",
                                       "COUNT"};
    static const char *const lcs[] = {"LEN", "IDX", "WITHMATCHLEN", "MINMATCHLEN r", "NOSUCH"};
    static const char *const protocol[] = {"string", "integer", "double",  "bignum", "null",
                                           "array",  "set",     "map",     "true",   "false",
                                           "NOSUCH", "Map",     "verbatim"};
    static const char *const unit[] = {"BYTE", "BIT", "bit", "NOSUCH"};
    static const char *const flush[] = {"ASYNC", "SYNC", "NOSUCH"};
    if (strcmp(what, "set") == 0)
        OPTIONS(set, 3);
    else if (strcmp(what, "getex") == 0)
        OPTIONS(getex, 2);
    else if (strcmp(what, "when") == 0)
        OPTIONS(when, 2);
    else if (strcmp(what, "copy") == 0)
        OPTIONS(copy, 2);
    else if (strcmp(what, "scan") == 0)
        OPTIONS(scan, 2);
    else if (strcmp(what, "lcs") == 0)
        OPTIONS(lcs, 3);
    else if (strcmp(what, "protocol") == 0)
        OPTIONS(protocol, 1);
    else if (strcmp(what, "unit") == 0)
        OPTIONS(unit, 1);
    else if (strcmp(what, "flush") == 0)
        OPTIONS(flush, 1);
}

/* ---- rows to commands ---- */

static void add_word(struct random *r, struct generated *g, const char *word, size_t len)
{
    char text[32];
    snprintf(text, sizeof text, "%.*s", (int)len, word);
    if (word[0] == '@') {
        add_random_options(r, g, text + 1);
    } else if (text[len - 1] == '+') {
        for (unsigned n = 1 + random_below(r, 4); n > 0; n--)
            for (size_t i = 0; i + 1 < len; i++)
                add_value(r, g, text[i]);
    } else if (len == 1 && !isdigit((unsigned char)word[0])) {
        add_value(r, g, word[0]);
    } else {
        add_text(g, text);
    }
}

static const struct row *pick_row(struct random *r)
{
    unsigned total = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        total += rows[i].weight;
    unsigned at = random_below(r, total);
    const struct row *row = rows;
    while (at >= row->weight)
        at -= (row++)->weight;
    return row;
}

/* Drops an argument, adds one, or writes the name in another case. */
static void mutate(struct random *r, struct generated *g)
{
    switch (random_below(r, 3)) {
    case 0:
        if (g->argc > 1)
            g->len = g->start[--g->argc];
        break;
    case 1:
        add_value(r, g, '?');
        break;
    default:
        for (size_t i = 0; i < g->start[1]; i++)
            if (random_below(r, 2) == 0)
                g->bytes[i] = (char)tolower((unsigned char)g->bytes[i]);
    }
}

void generate(struct random *r, struct generated *g)
{
    const struct row *row = pick_row(r);
    g->argc = 0;
    g->len = 0;
    g->start[0] = 0;
    g->how = row->how;
    g->near = row->near;
    for (const char *word = row->pattern; *word != '\0';) {
        size_t len = strcspn(word, " ");
        add_word(r, g, word, len);
        word += len + (word[len] == ' ');
    }
    if (random_below(r, 20) == 0)
        mutate(r, g);
}

/* ---- on the wire ---- */

static bool put(char **out, size_t *len, size_t *cap, const void *bytes, size_t n)
{
    if (n == 0)
        return true;
    if (*cap - *len < n) {
        size_t more = *cap * 2 + n + 1024;
        char *grown = realloc(*out, more);
        if (grown == NULL)
            return false;
        *out = grown;
        *cap = more;
    }
    memcpy(*out + *len, bytes, n);
    *len += n;
    return true;
}

static bool can_go_inline(const struct generated *g)
{
    if (g->len > 4000)
        return false;
    for (unsigned i = 0; i < g->argc; i++)
        if (g->start[i] == g->start[i + 1])
            return false;
    for (size_t i = 0; i < g->len; i++)
        if (!isalnum((unsigned char)g->bytes[i]) && g->bytes[i] != '-' && g->bytes[i] != '.')
            return false;
    return true;
}

bool generated_encode(struct random *r, const struct generated *g, char **out, size_t *len,
                      size_t *cap)
{
    char head[32];
    bool as_line = random_below(r, 30) == 0 && can_go_inline(g);
    bool ok = true;
    int n = snprintf(head, sizeof head, "*%u\r\n", g->argc);
    if (!as_line)
        ok = put(out, len, cap, head, (size_t)n);
    for (unsigned i = 0; ok && i < g->argc; i++) {
        size_t size = g->start[i + 1] - g->start[i];
        n = as_line ? 0 : snprintf(head, sizeof head, "$%zu\r\n", size);
        ok = put(out, len, cap, head, (size_t)n) &&
             put(out, len, cap, g->bytes + g->start[i], size) &&
             put(out, len, cap, as_line && i + 1 < g->argc ? " " : "\r\n",
                 as_line && i + 1 < g->argc ? 1 : 2);
    }
    return ok;
}

void generated_print(const struct generated *g, char *text, size_t size)
{
    size_t at = 0;
    for (unsigned i = 0; i < g->argc && at + 64 < size; i++) {
        size_t len = g->start[i + 1] - g->start[i];
        size_t shown = len < 48 ? len : 48;
        at += (size_t)snprintf(text + at, size - at, i == 0 ? "\"" : " \"");
        for (size_t j = 0; j < shown && at + 16 < size; j++) {
            unsigned char c = (unsigned char)g->bytes[g->start[i] + j];
            at += (size_t)snprintf(text + at, size - at, isprint(c) ? "%c" : "\\x%02x", c);
        }
        at += (size_t)snprintf(text + at, size - at, shown < len ? "\"(%zu)" : "\"", len);
    }
}

void generated_free(struct generated *g)
{
    free(g->bytes);
    *g = (struct generated){0};
}
