#include "client_list.h"

#include <stdio.h>

#include "pubsub/pubsub.h"
#include "server.h"
#include "tracking/tracking.h"

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static unsigned subscribed(const struct client *c, enum topic_kind kind)
{
    return atomic_load_explicit(&c->subscribed[kind], memory_order_relaxed);
}

#define CLIENT_FLAGS 16

/* Redis's letters. */
static void print_flags(const struct client *c, char *to)
{
    char *at = to;
    unsigned tracking = atomic_load_explicit(&c->tracking, memory_order_relaxed);
    if (subscribed(c, TOPIC_MONITOR) > 0)
        *at++ = 'O';
    if (pubsub_is_subscriber(c))
        *at++ = 'P';
    if (atomic_load_explicit(&c->queued, memory_order_relaxed) >= 0)
        *at++ = 'x';
    if (tracking & TRACKING_ON)
        *at++ = 't';
    if (tracking & TRACKING_BROKEN)
        *at++ = 'R';
    if (tracking & TRACKING_BCAST)
        *at++ = 'B';
    if (atomic_load_explicit(&c->outdated, memory_order_relaxed))
        *at++ = 'd';
    if (at == to)
        *at++ = 'N';
    *at = '\0';
}

/* -1 = it does not track. */
static long long redirect_of(const struct client *c)
{
    if (!(atomic_load_explicit(&c->tracking, memory_order_relaxed) & TRACKING_ON))
        return -1;
    return (long long)atomic_load_explicit(&c->redirect, memory_order_relaxed);
}

void client_print_locked(struct text *t, const struct client *c, int64_t now_ms)
{
    char command[COMMAND_NAME_MAX] = "NULL", flags[CLIENT_FLAGS];
    const struct command *last = atomic_load_explicit(&c->last, memory_order_relaxed);
    size_t held = atomic_load_explicit(&c->held_bytes, memory_order_relaxed);
    int64_t active = atomic_load_explicit(&c->active_ms, memory_order_relaxed);
    if (last != NULL)
        command_full_name(last, command, sizeof command);
    print_flags(c, flags);
    text_printf(t,
                "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=%s db=%u sub=%u "
                "psub=%u ssub=%u multi=%d watch=%u ",
                (unsigned long long)c->id, c->address, c->local, c->fd, or_empty(c->name),
                (long long)(now_ms - c->created_ms) / 1000,
                (long long)(now_ms > active ? now_ms - active : 0) / 1000, flags, client_db(c),
                subscribed(c, TOPIC_CHANNEL), subscribed(c, TOPIC_PATTERN),
                subscribed(c, TOPIC_SHARD), atomic_load_explicit(&c->queued, memory_order_relaxed),
                atomic_load_explicit(&c->watching, memory_order_relaxed));
    size_t waiting = atomic_load_explicit(&c->out_bytes, memory_order_relaxed);
    text_printf(t,
                "qbuf=%zu qbuf-free=0 argv-mem=0 multi-mem=%zu rbs=0 rbp=0 obl=0 oll=%d omem=%zu "
                "tot-mem=%zu events=%s cmd=%s user=%s redir=%lld resp=%u lib-name=%s "
                "lib-ver=%s tot-net-in=%llu tot-net-out=%llu tot-cmds=%llu\n",
                atomic_load_explicit(&c->in_bytes, memory_order_relaxed),
                atomic_load_explicit(&c->transaction_bytes, memory_order_relaxed), waiting > 0,
                waiting, held + sizeof(struct connection), waiting > 0 ? "rw" : "r", command,
                c->user->name, redirect_of(c),
                atomic_load_explicit(&c->proto_seen, memory_order_relaxed), or_empty(c->lib_name),
                or_empty(c->lib_version), (unsigned long long)counter_get(&c->read_bytes),
                (unsigned long long)counter_get(&c->sent_bytes),
                (unsigned long long)counter_get(&c->commands));
}
