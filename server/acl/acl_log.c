#include "acl_log.h"

#include <stdlib.h>
#include <string.h>

/* Within this time the same denial is the same entry. */
#define SAME_MS 60000

static bool is_same(const struct acl_log_entry *a, const struct acl_log_entry *b)
{
    return a->reason == b->reason && strcmp(a->context, b->context) == 0 &&
           a->object_len == b->object_len && memcmp(a->object, b->object, a->object_len) == 0 &&
           a->user_len == b->user_len && memcmp(a->user, b->user, a->user_len) == 0 &&
           b->updated_ms - a->updated_ms <= SAME_MS;
}

/* Frees what is behind the first `most`. */
static void cut(struct acl_log *log, size_t most)
{
    struct acl_log_entry **at = &log->first;
    for (size_t i = 0; i < most && *at != NULL; i++)
        at = &(*at)->next;
    while (*at != NULL) {
        struct acl_log_entry *e = *at;
        *at = e->next;
        free(e);
        log->count--;
    }
}

void acl_log_add(struct acl_log *log, struct acl_log_entry *e, size_t most)
{
    for (struct acl_log_entry **at = &log->first; *at != NULL; at = &(*at)->next) {
        struct acl_log_entry *old = *at;
        if (!is_same(old, e))
            continue;
        *at = old->next;
        e->id = old->id;
        e->count += old->count;
        e->created_ms = old->created_ms;
        e->next = log->first;
        log->first = e;
        free(old);
        cut(log, most);
        return;
    }
    e->id = log->next_id++;
    e->next = log->first;
    log->first = e;
    log->count++;
    cut(log, most);
}

void acl_log_reset(struct acl_log *log)
{
    cut(log, 0);
}
