#include "pause.h"

#include <ctype.h>
#include <string.h>

#include "server.h"
#include "transaction/transaction.h"

void pause_begin(struct pause *p, int64_t now_ms, int64_t end_ms, bool all)
{
    uint64_t was = atomic_load(&p->word), is;
    do {
        is = (uint64_t)end_ms << 1 | all;
        if ((int64_t)(was >> 1) > now_ms) {
            uint64_t end = was >> 1 > is >> 1 ? was >> 1 : is >> 1;
            is = end << 1 | (was & 1) | (is & 1);
        }
    } while (!atomic_compare_exchange_weak(&p->word, &was, is));
    atomic_fetch_add(&p->number, 1);
}

void pause_end(struct pause *p)
{
    atomic_store(&p->word, 0);
}

/* Behind the end of a line of digits; NULL when there is something else. */
static const char *skip_count(const char *at, const char *end, char sign)
{
    if (at == NULL || at == end || *at != sign)
        return NULL;
    const char *line = memchr(at, '\n', (size_t)(end - at));
    return line == NULL ? NULL : line + 1;
}

/* The name of a command that has only been looked at. NULL when it is not there yet. */
static const char *find_name(const char *buf, size_t len, size_t *name_len)
{
    const char *end = buf + len, *at = buf;
    if (len > 0 && *buf == '*') {
        at = skip_count(skip_count(buf, end, '*'), end, '$');
        if (at == NULL)
            return NULL;
    }
    const char *stop = at;
    while (stop < end && !isspace((unsigned char)*stop))
        stop++;
    *name_len = (size_t)(stop - at);
    return stop < end ? at : NULL;
}

static bool may_write(const struct command *c)
{
    return (c->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
}

/* Only EXEC is asked: what waits for it is what it does. */
static bool waiting_writes(const struct client *c)
{
    if (!transaction_is_open(c))
        return false;
    for (const struct queued *q = c->transaction->first; q != NULL; q = q->next)
        if (may_write(q->command))
            return true;
    return false;
}

bool pause_holds(const struct client *c, const char *buf, size_t len)
{
    const struct server *s = c->worker->server;
    size_t name_len;
    if (c->worker->stopping)
        return false;
    if (atomic_load_explicit(&s->pause.word, memory_order_relaxed) & 1)
        return true;
    const char *name = find_name(buf, len, &name_len);
    const struct command *command = name == NULL ? NULL : command_find(s->commands, name, name_len);
    if (command == NULL)
        return false;
    return may_write(command) || (strcmp(command->name, "exec") == 0 && waiting_writes(c));
}
