#include "command_stats.h"

#include <stdlib.h>
#include <string.h>

bool command_stats_init(struct command_stats *s, const struct command_table *t)
{
    s->rows = command_row_count(t);
    s->counts = calloc(s->rows, sizeof *s->counts);
    return s->counts != NULL;
}

void command_stats_free(struct command_stats *s)
{
    for (size_t i = 0; s->counts != NULL && i < s->rows; i++)
        free(atomic_load_explicit(&s->counts[i].times, memory_order_relaxed));
    free(s->counts);
    s->counts = NULL;
}

/* Without memory for it the times of the command are not in the histograms. */
static struct histogram *times_of(struct command_count *c)
{
    struct histogram *h = atomic_load_explicit(&c->times, memory_order_relaxed);
    if (h == NULL) {
        h = calloc(1, sizeof *h);
        atomic_store_explicit(&c->times, h, memory_order_release);
    }
    return h;
}

void command_stats_time(struct command_count *c, uint64_t ticks, uint64_t n, bool classes)
{
    counter_add(&c->ticks, ticks * n);
    struct histogram *h = classes ? times_of(c) : NULL;
    if (h != NULL)
        counter_add(&h->counts[histogram_class(ticks)], n);
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

void command_stats_reset(struct command_stats *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        struct command_count *c = &s->counts[i];
        counter_set(&c->calls, 0);
        counter_set(&c->ticks, 0);
        counter_set(&c->rejected, 0);
        counter_set(&c->failed, 0);
        struct histogram *h = atomic_load_explicit(&c->times, memory_order_acquire);
        if (h != NULL)
            histogram_reset(h);
    }
    for (unsigned i = 0; i < ERROR_CODES; i++)
        counter_set(&s->errors[i].count, 0);
    counter_set(&s->error_replies, 0);
}

void command_stats_add(const struct command_stats *s, size_t row, struct command_sum *sum)
{
    const struct command_count *c = &s->counts[row];
    sum->calls += counter_get(&c->calls);
    sum->rejected += counter_get(&c->rejected);
    sum->failed += counter_get(&c->failed);
    sum->us += (double)counter_get(&c->ticks) / TICKS_PER_US;
}

void command_stats_add_times(const struct command_stats *s, size_t row, struct histogram_sum *sum)
{
    const struct histogram *h = atomic_load_explicit(&s->counts[row].times, memory_order_acquire);
    if (h != NULL)
        histogram_add_to(h, sum);
}
