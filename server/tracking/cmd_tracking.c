/* CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR. */
#include "cmd_tracking.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "tracking.h"

static unsigned flags_of(const struct request *rq)
{
    return atomic_load_explicit(&rq->client->tracking, memory_order_relaxed);
}

/* ---- TRACKING ---- */

struct options {
    unsigned modes;
    int64_t redirect;
    size_t prefixes; /* arguments behind the word PREFIX */
};

static bool read_redirect(struct request *rq, size_t i, struct options *o)
{
    if (o->redirect != 0) {
        resp_error(rq->out, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!request_integer(rq, i, &o->redirect))
        return false;
    struct registry *r = &rq->server->registry;
    lock_acquire(&r->lock);
    const struct client *to =
        o->redirect > 0 ? registry_find_locked(r, (uint64_t)o->redirect) : NULL;
    bool exists = to != NULL && !to->killed;
    lock_release(&r->lock);
    if (!exists)
        resp_error(rq->out, "ERR The client ID you want redirect to does not exist");
    return exists;
}

static bool read_options(struct request *rq, struct options *o)
{
    static const struct {
        const char *word;
        unsigned mode;
    } modes[] = {
        {"bcast", TRACKING_BCAST},
        {"optin", TRACKING_OPTIN},
        {"optout", TRACKING_OPTOUT},
        {"noloop", TRACKING_NOLOOP},
    };
    for (size_t i = 3; i < rq->argc; i++) {
        size_t m = 0;
        while (m < sizeof modes / sizeof modes[0] && !request_is(rq, i, modes[m].word))
            m++;
        if (m < sizeof modes / sizeof modes[0]) {
            o->modes |= modes[m].mode;
        } else if (request_is(rq, i, "redirect") && i + 1 < rq->argc) {
            if (!read_redirect(rq, ++i, o))
                return false;
        } else if (request_is(rq, i, "prefix") && i + 1 < rq->argc) {
            o->prefixes++;
            i++;
        } else {
            reply_syntax_error(rq);
            return false;
        }
    }
    return true;
}

/* Whether the options go together, and with what the client has. */
static const char *conflict(const struct options *o, unsigned now)
{
    bool optin = o->modes & TRACKING_OPTIN, optout = o->modes & TRACKING_OPTOUT;
    if (o->prefixes > 0 && !(o->modes & TRACKING_BCAST))
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (now & TRACKING_ON && (now ^ o->modes) & TRACKING_BCAST)
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if (o->modes & TRACKING_BCAST && (optin || optout))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (optin && optout)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if ((optin && now & TRACKING_OPTOUT) || (optout && now & TRACKING_OPTIN))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

/* The next argument behind a word PREFIX, from *i on. NULL at the end, and when memory is short
 * (replied). */
static const char *next_prefix(struct request *rq, size_t *i, size_t *len)
{
    for (; *i + 1 < rq->argc; ++*i) {
        if (request_is(rq, *i, "redirect")) {
            ++*i;
        } else if (request_is(rq, *i, "prefix")) {
            *i += 2;
            return request_flat(rq, *i - 1, len);
        }
    }
    return NULL;
}

static bool overlap(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return memcmp(a, b, a_len < b_len ? a_len : b_len) == 0;
}

static void reply_overlap(struct request *rq, const char *a, size_t a_len, const char *kind,
                          const char *b, size_t b_len)
{
    resp_errorf(rq->out,
                "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single client "
                "must not overlap.",
                (int)(a_len < 256 ? a_len : 256), a, kind, (int)(b_len < 256 ? b_len : 256), b);
}

/* A client is told of a key once: so no key may begin with two of its prefixes. */
static bool prefixes_are_apart(struct request *rq)
{
    const char *one, *other;
    size_t len, other_len;
    for (size_t i = 3; (one = next_prefix(rq, &i, &len)) != NULL;) {
        if (len > CACHE_MAX_KEY) {
            resp_error(rq->out, "ERR prefix is too long");
            return false;
        }
        for (const struct subscription *s = rq->client->subscriptions[TOPIC_PREFIX]; s != NULL;
             s = s->next_own) {
            if (overlap(one, len, s->topic->name, s->topic->len)) {
                reply_overlap(rq, one, len, "an existing", s->topic->name, s->topic->len);
                return false;
            }
        }
        for (size_t j = i; (other = next_prefix(rq, &j, &other_len)) != NULL;) {
            if (overlap(one, len, other, other_len)) {
                reply_overlap(rq, one, len, "another provided", other, other_len);
                return false;
            }
        }
    }
    return true;
}

/* Without prefixes, all keys. */
static bool add_prefixes(struct request *rq, const struct options *o)
{
    struct fanout *f = &rq->server->fanout;
    struct client *c = rq->client;
    const char *name;
    size_t len;
    if (o->prefixes == 0)
        return fanout_add(f, c, TOPIC_PREFIX, "", 0) != FANOUT_NOMEM;
    for (size_t i = 3; (name = next_prefix(rq, &i, &len)) != NULL;)
        if (fanout_add(f, c, TOPIC_PREFIX, name, len) == FANOUT_NOMEM)
            return false;
    return true;
}

void client_tracking(struct request *rq)
{
    struct options o = {0};
    if (!read_options(rq, &o))
        return;
    if (request_is(rq, 2, "off")) {
        tracking_off(rq->client);
        resp_ok(rq->out);
        return;
    }
    if (!request_is(rq, 2, "on")) {
        reply_syntax_error(rq);
        return;
    }
    const char *error = conflict(&o, flags_of(rq));
    bool bcast = o.modes & TRACKING_BCAST;
    if (error != NULL) {
        resp_error(rq->out, error);
    } else if (!bcast || prefixes_are_apart(rq)) {
        if (!bcast || add_prefixes(rq, &o)) {
            tracking_on(rq->client, o.modes, (uint64_t)o.redirect);
            resp_ok(rq->out);
        } else {
            tracking_off(rq->client);
            reply_oom(rq);
        }
    }
}

/* ---- the others ---- */

void client_caching(struct request *rq)
{
    unsigned flags = flags_of(rq);
    bool yes = request_is(rq, 2, "yes");
    if (!(flags & TRACKING_ON))
        resp_error(rq->out, "ERR CLIENT CACHING can be called only when the client is in tracking "
                            "mode with OPTIN or OPTOUT mode enabled");
    else if (!yes && !request_is(rq, 2, "no"))
        reply_syntax_error(rq);
    else if (yes && !(flags & TRACKING_OPTIN))
        resp_error(rq->out,
                   "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    else if (!yes && !(flags & TRACKING_OPTOUT))
        resp_error(rq->out,
                   "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    else {
        flags = (flags | TRACKING_CACHING) & ~(unsigned)TRACKING_SPENT;
        atomic_store_explicit(&rq->client->tracking, flags, memory_order_relaxed);
        resp_ok(rq->out);
    }
}

static int64_t redirect_of(const struct request *rq)
{
    if (!(flags_of(rq) & TRACKING_ON))
        return -1;
    return (int64_t)atomic_load_explicit(&rq->client->redirect, memory_order_relaxed);
}

void client_getredir(struct request *rq)
{
    resp_integer(rq->out, redirect_of(rq));
}

static void put_flags(struct request *rq)
{
    unsigned flags = flags_of(rq);
    bool caching = (flags & (TRACKING_CACHING | TRACKING_SPENT)) == TRACKING_CACHING;
    const struct {
        bool is;
        const char *name;
    } names[] = {
        {!(flags & TRACKING_ON), "off"},
        {flags & TRACKING_ON, "on"},
        {flags & TRACKING_BCAST, "bcast"},
        {flags & TRACKING_OPTIN, "optin"},
        {caching && flags & TRACKING_OPTIN, "caching-yes"},
        {flags & TRACKING_OPTOUT, "optout"},
        {caching && flags & TRACKING_OPTOUT, "caching-no"},
        {flags & TRACKING_NOLOOP, "noloop"},
        {flags & TRACKING_BROKEN, "broken_redirect"},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        n += names[i].is;
    resp_set(rq->out, n);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].is)
            resp_bulk(rq->out, names[i].name, strlen(names[i].name));
}

static void put_prefixes(struct request *rq)
{
    const struct subscription *first = rq->client->subscriptions[TOPIC_PREFIX];
    size_t n = 0;
    for (const struct subscription *s = first; s != NULL; s = s->next_own)
        n++;
    resp_array(rq->out, n);
    for (const struct subscription *s = first; s != NULL; s = s->next_own)
        resp_bulk(rq->out, s->topic->name, s->topic->len);
}

void client_trackinginfo(struct request *rq)
{
    resp_map(rq->out, 3);
    resp_bulk(rq->out, "flags", 5);
    put_flags(rq);
    resp_bulk(rq->out, "redirect", 8);
    resp_integer(rq->out, redirect_of(rq));
    resp_bulk(rq->out, "prefixes", 8);
    put_prefixes(rq);
}
