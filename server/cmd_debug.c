/* DEBUG: what suites of tests ask for, as far as it does no harm. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "clients/client.h"
#include "net/peer.h"
#include "options/option.h"
#include "server.h"

#define SLEEP_MOST    1e6 /* seconds */
#define SLEEP_SLICE   10000
#define PREFIX_MOST   4096
#define POPULATE_SIZE ((size_t)1 << 20)

/* ---- SLEEP ---- */

/* Stops this thread, and whoever waits for all of the cache. */
static void debug_sleep(struct request *rq)
{
    char text[64] = "", *end;
    size_t len = rq->argv[2].len;
    if (len < sizeof text)
        resp_arg_copy(&rq->argv[2], 0, len, text);
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= SLEEP_MOST)) {
        resp_error(rq->out, "ERR value is not a valid float");
        return;
    }
    int64_t until = clock_mono_us() + (int64_t)(seconds * 1e6), left;
    while ((left = until - clock_mono_us()) > 0 &&
           !atomic_load_explicit(&rq->server->stopping, memory_order_relaxed)) {
        long slice = left < SLEEP_SLICE ? (long)left : SLEEP_SLICE;
        struct timespec t = {.tv_nsec = slice * 1000};
        (void)nanosleep(&t, NULL);
    }
    resp_ok(rq->out);
}

/* ---- POPULATE ---- */

struct population {
    uint64_t count;
    size_t size; /* of the values; 0 = as long as their texts */
    const char *prefix;
    size_t prefix_len;
};

static bool positive_argument(struct request *rq, size_t i, int64_t most, uint64_t *n)
{
    int64_t given;
    if (!request_parse_integer(rq, i, &given) || given < 0 || given > most) {
        resp_error(rq->out, "ERR value is out of range, must be positive");
        return false;
    }
    *n = (uint64_t)given;
    return true;
}

/* Makes "prefix:n" unless it exists. The value begins with "value:n"; zeros follow. */
static enum cache_status make_key(struct request *rq, const struct population *p, uint64_t n,
                                  char *value)
{
    char name[PREFIX_MOST + 32], text[32];
    struct cache_key key;
    size_t name_len =
        (size_t)snprintf(name, sizeof name, "%.*s:%" PRIu64, (int)p->prefix_len, p->prefix, n);
    size_t text_len = (size_t)snprintf(text, sizeof text, "value:%" PRIu64, n);
    size_t len = p->size > 0 ? p->size : text_len;
    memcpy(value, text, text_len < len ? text_len : len);
    struct cache_source source = {.flat = value, .total = len};
    if (!cache_key_init(rq->cache, &key, client_db(rq->client), name, name_len))
        return CACHE_TOOBIG;
    enum cache_status status =
        cache_set(rq->cache, &key, CACHE_STRING, &source, CACHE_NO_EXPIRY, CACHE_SET_NX);
    if (status == CACHE_OK)
        request_touched(rq, &key, "set");
    return status == CACHE_EXISTS ? CACHE_OK : status;
}

static void populate(struct request *rq, const struct population *p)
{
    enum cache_status status = CACHE_OK;
    char *value = calloc(1, p->size + 32);
    if (value == NULL) {
        reply_oom(rq);
        return;
    }
    for (uint64_t n = 0; n < p->count && status == CACHE_OK; n++)
        if (!atomic_load_explicit(&rq->server->stopping, memory_order_relaxed))
            status = make_key(rq, p, n, value);
    free(value);
    if (status == CACHE_OK)
        resp_ok(rq->out);
    else
        reply_cache_error(rq, status);
}

static void debug_populate(struct request *rq)
{
    struct population p = {.prefix = "key", .prefix_len = 3};
    uint64_t size = 0;
    if (!positive_argument(rq, 2, INT64_MAX, &p.count))
        return;
    if (rq->argc > 4 && !positive_argument(rq, 4, POPULATE_SIZE, &size))
        return;
    if (rq->argc > 3) {
        p.prefix_len = rq->argv[3].len;
        if (p.prefix_len > PREFIX_MOST) {
            resp_error(rq->out, "ERR key is too long");
            return;
        }
        if ((p.prefix = request_flat(rq, 3, &p.prefix_len)) == NULL)
            return;
    }
    p.size = size;
    populate(rq, &p);
}

/* ---- PROTOCOL ---- */

static void put_text(struct request *rq, const char *text)
{
    resp_bulk(rq->out, text, strlen(text));
}

static void protocol_string(struct request *rq)
{
    put_text(rq, "Hello World");
}

static void protocol_integer(struct request *rq)
{
    resp_integer(rq->out, 12345);
}

static void protocol_double(struct request *rq)
{
    resp_double(rq->out, 3.141);
}

static void protocol_bignum(struct request *rq)
{
    static const char digits[] = "1234567999999999999999999999999999999";
    if (!resp_is3(rq->out)) {
        put_text(rq, digits);
        return;
    }
    resp_raw(rq->out, "(", 1);
    resp_raw(rq->out, digits, sizeof digits - 1);
    resp_raw(rq->out, "\r\n", 2);
}

static void protocol_null(struct request *rq)
{
    resp_null(rq->out);
}

static void protocol_array(struct request *rq)
{
    resp_array(rq->out, 3);
    for (int i = 0; i < 3; i++)
        resp_integer(rq->out, i);
}

static void protocol_set(struct request *rq)
{
    resp_set(rq->out, 3);
    for (int i = 0; i < 3; i++)
        resp_integer(rq->out, i);
}

static void protocol_map(struct request *rq)
{
    resp_map(rq->out, 3);
    for (int i = 0; i < 3; i++) {
        resp_integer(rq->out, i);
        resp_boolean(rq->out, i == 1);
    }
}

/* Only RESP3 has attributes, which come before the reply. */
static void protocol_attrib(struct request *rq)
{
    if (resp_is3(rq->out)) {
        resp_raw(rq->out, "|1\r\n", 4);
        put_text(rq, "key-popularity");
        resp_array(rq->out, 2);
        put_text(rq, "key:123");
        resp_integer(rq->out, 90);
    }
    put_text(rq, "Some real reply following the attribute");
}

static void protocol_push(struct request *rq)
{
    if (!resp_is3(rq->out)) {
        resp_error(rq->out, "ERR RESP2 is not supported by this command");
        return;
    }
    resp_push(rq->out, 2);
    put_text(rq, "server-cpu-usage");
    resp_integer(rq->out, 42);
    put_text(rq, "Some real reply following the push reply");
}

static void protocol_verbatim(struct request *rq)
{
    static const char text[] = "This is a verbatim\nstring";
    resp_verbatim(rq->out, "txt", text, sizeof text - 1);
}

static void protocol_true(struct request *rq)
{
    resp_boolean(rq->out, true);
}

static void protocol_false(struct request *rq)
{
    resp_boolean(rq->out, false);
}

static void debug_protocol(struct request *rq)
{
    static const struct {
        const char *name;
        command_fn *fn;
    } types[] = {
        {"string", protocol_string}, {"integer", protocol_integer},   {"double", protocol_double},
        {"bignum", protocol_bignum}, {"null", protocol_null},         {"array", protocol_array},
        {"set", protocol_set},       {"map", protocol_map},           {"attrib", protocol_attrib},
        {"push", protocol_push},     {"verbatim", protocol_verbatim}, {"true", protocol_true},
        {"false", protocol_false},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (request_is(rq, 2, types[i].name)) {
            types[i].fn(rq);
            return;
        }
    }
    resp_error(rq->out,
               "ERR Wrong protocol type name. Please use one of the following: "
               "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

/* ---- the others ---- */

static void debug_error(struct request *rq)
{
    char text[256];
    size_t len = rq->argv[2].len < sizeof text - 1 ? rq->argv[2].len : sizeof text - 1;
    resp_arg_copy(&rq->argv[2], 0, len, text);
    text[len] = '\0';
    resp_errorf(rq->out, "%s", text);
}

static void debug_object(struct request *rq)
{
    struct cache_key key;
    struct cache_item_info info;
    char text[160];
    if (!request_key(rq, 2, &key))
        return;
    if (cache_inspect(rq->cache, &key, &info) != CACHE_OK) {
        resp_error(rq->out, "ERR no such key");
        return;
    }
    const char *encoding = request_encoding(rq, 2, &info);
    if (encoding == NULL)
        return;
    /* As DUMP would write it, with its length in front. */
    size_t len = info.stored_len;
    len += len < 1 << 6 ? 1 : len < 1 << 14 ? 2 : 5;
    snprintf(text, sizeof text,
             "Value at:0x0 refcount:1 encoding:%s serializedlength:%zu lru:0 lru_seconds_idle:%lld",
             encoding, len, (long long)info.idle_ms / 1000);
    resp_simple(rq->out, text);
}

static void debug_set_active_expire(struct request *rq)
{
    int64_t on;
    if (!request_integer(rq, 2, &on))
        return;
    cache_sweep(rq->server->cache, on != 0);
    resp_ok(rq->out);
}

static const char *const help_lines[] = {
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ERROR <string>",
    "    Return a protocol error with <string> as message. Useful for clients",
    "    unit tests to simulate errors.",
    "OBJECT <key>",
    "    Show low level info about `key` and associated value.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Create <count> string keys named key:<num>. If <prefix> is specified then",
    "    it is used instead of the 'key' prefix.",
    "PROTOCOL <type>",
    "    Reply with a test value of the specified type. <type> can be: string,",
    "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
    "    true, false.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Setting it to 0 disables expiring keys in background when they are not",
    "    accessed. Setting it to 1 reenables back the default.",
    "SLEEP <seconds>",
    "    Stop one thread of the server for <seconds>. Decimals allowed.",
    NULL,
};

static void debug_help(struct request *rq)
{
    reply_help(rq, help_lines);
}

/* ---- who may ---- */

enum { DEBUG_NO, DEBUG_LOCAL, DEBUG_YES };

static const char *allowed_name(int64_t value)
{
    static const char *const names[] = {
        [DEBUG_NO] = "no", [DEBUG_LOCAL] = "local", [DEBUG_YES] = "yes"};
    return value >= 0 && value <= DEBUG_YES ? names[value] : NULL;
}

const struct option options_debug[] = {
    {.name = "enable-debug-command",
     .kind = OPTION_NAME,
     .flags = OPTION_FIXED,
     .at = offsetof(struct settings, debug_command),
     .preset = "local",
     .name_of = allowed_name,
     .summary = "who may use DEBUG: nobody, clients of this machine, or all"},
    {.name = NULL},
};

static bool is_allowed(const struct request *rq)
{
    int64_t who = setting_get(&rq->server->settings.debug_command);
    return who == DEBUG_YES ||
           (who == DEBUG_LOCAL && rq->client->connection != NULL && peer_is_local(rq->client->fd));
}

static void debug_command(struct request *rq)
{
    static const struct {
        const char *name;
        size_t least, most; /* arguments */
        command_fn *fn;
    } subcommands[] = {
        {"error", 3, 3, debug_error},       {"help", 2, 2, debug_help},
        {"object", 3, 3, debug_object},     {"populate", 3, 5, debug_populate},
        {"protocol", 3, 3, debug_protocol}, {"set-active-expire", 3, 3, debug_set_active_expire},
        {"sleep", 3, 3, debug_sleep},
    };
    if (!is_allowed(rq)) {
        resp_error(rq->out,
                   "ERR DEBUG command not allowed. If the enable-debug-command option is "
                   "set to \"local\", you can run it from a local connection, otherwise you "
                   "need to set this option in the configuration file, and then restart "
                   "the server.");
        return;
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        if (request_is(rq, 1, subcommands[i].name) && rq->argc >= subcommands[i].least &&
            rq->argc <= subcommands[i].most) {
            subcommands[i].fn(rq);
            return;
        }
    }
    reply_subcommand_error(rq, "DEBUG");
}

const struct command commands_debug[] = {
    {.name = "debug",
     .fn = debug_command,
     .arity = -2,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_DANGEROUS,
     .group = GROUP_SERVER,
     .since = "1.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "A container for debugging commands.",
     .args = "subcommand [argument ...]",
     .differs = "There are ERROR, OBJECT, POPULATE, PROTOCOL, SET-ACTIVE-EXPIRE and SLEEP, for "
                "tests of clients; SLEEP stops one thread. Allowed to clients of this machine "
                "(enable-debug-command)."},
    {.name = NULL},
};
