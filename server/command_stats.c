#include "command_stats.h"

#include <stdlib.h>
#include <string.h>

bool command_stats_init(struct command_stats *s, const struct command_table *t)
{
    s->counts = calloc(command_count(t), sizeof *s->counts);
    return s->counts != NULL;
}

void command_stats_free(struct command_stats *s)
{
    free(s->counts);
    s->counts = NULL;
}

void command_stats_error(struct command_stats *s, const char *reply, size_t len)
{
    size_t n = 0;
    while (n + 1 < len && n < ERROR_CODE_SIZE - 1 && reply[n + 1] > ' ')
        n++;
    counter_add(&s->error_replies, 1);
    unsigned codes = atomic_load_explicit(&s->error_codes, memory_order_relaxed);
    for (unsigned i = 0; i < codes; i++) {
        if (strlen(s->errors[i].code) == n && memcmp(s->errors[i].code, reply + 1, n) == 0) {
            counter_add(&s->errors[i].count, 1);
            return;
        }
    }
    if (codes == ERROR_CODES)
        return;
    memcpy(s->errors[codes].code, reply + 1, n);
    counter_set(&s->errors[codes].count, 1);
    /* The code must be seen whole by those who see the number. */
    atomic_store_explicit(&s->error_codes, codes + 1, memory_order_release);
}

void command_stats_reset(struct command_stats *s, const struct command_table *t)
{
    for (size_t i = 0; i < command_count(t); i++) {
        counter_set(&s->counts[i].calls, 0);
        counter_set(&s->counts[i].time, 0);
        counter_set(&s->counts[i].rejected, 0);
        counter_set(&s->counts[i].failed, 0);
    }
    for (unsigned i = 0; i < ERROR_CODES; i++)
        counter_set(&s->errors[i].count, 0);
    counter_set(&s->error_replies, 0);
}
