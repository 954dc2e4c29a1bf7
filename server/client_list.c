#include "client_list.h"

#include <stdio.h>

#include "server.h"

void command_full_name(const struct command_table *t, const struct command *c, char *name,
                       size_t cap)
{
    for (size_t i = 0; i < command_count(t); i++) {
        const struct command *container = command_at(t, i);
        for (const struct command *sub = container->subcommands; sub != NULL && sub->name != NULL;
             sub++) {
            if (sub == c) {
                snprintf(name, cap, "%s|%s", container->name, c->name);
                return;
            }
        }
    }
    snprintf(name, cap, "%s", c->name);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

void client_print_locked(struct text *t, struct server *s, const struct client *c, int64_t now_ms)
{
    char command[64] = "NULL";
    const struct command *last = atomic_load_explicit(&c->last, memory_order_relaxed);
    size_t held = atomic_load_explicit(&c->held_bytes, memory_order_relaxed);
    int64_t active = atomic_load_explicit(&c->active_ms, memory_order_relaxed);
    if (last != NULL)
        command_full_name(s->commands, last, command, sizeof command);
    text_printf(t,
                "id=%llu addr=%s laddr=%s fd=%d name=%s age=%lld idle=%lld flags=N db=%u sub=0 "
                "psub=0 ssub=0 multi=-1 ",
                (unsigned long long)c->id, c->address, c->local, c->fd, or_empty(c->name),
                (long long)(now_ms - c->created_ms) / 1000,
                (long long)(now_ms > active ? now_ms - active : 0) / 1000, client_db(c));
    size_t waiting = atomic_load_explicit(&c->out_bytes, memory_order_relaxed);
    text_printf(t,
                "qbuf=%zu qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=%d omem=%zu "
                "tot-mem=%zu events=%s cmd=%s user=default redir=-1 resp=%u lib-name=%s "
                "lib-ver=%s tot-net-in=%llu tot-net-out=%llu tot-cmds=%llu\n",
                atomic_load_explicit(&c->in_bytes, memory_order_relaxed), waiting > 0, waiting,
                held + sizeof(struct connection), waiting > 0 ? "rw" : "r", command,
                atomic_load_explicit(&c->proto_seen, memory_order_relaxed), or_empty(c->lib_name),
                or_empty(c->lib_version), (unsigned long long)counter_get(&c->read_bytes),
                (unsigned long long)counter_get(&c->sent_bytes),
                (unsigned long long)counter_get(&c->commands));
}
