#include "latency_graph.h"

#include <stdio.h>

#define COLUMNS   80
#define ROWS      4
#define LABEL_MAX 24
/* Heights within one row, from low to high; below a column there are bars. */
#define LEVELS      "_o#"
#define LEVEL_COUNT 3

/* "5s", "3m", "2h", "1d". */
static void print_age(char label[LABEL_MAX], int64_t seconds)
{
    static const struct unit {
        int64_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    unsigned u = 0;
    while (u < 3 && seconds < units[u].seconds)
        u++;
    snprintf(label, LABEL_MAX, "%lld%c", (long long)(seconds / units[u].seconds), units[u].letter);
}

static char letter_at(int64_t height, int row)
{
    int64_t above = height - (int64_t)row * LEVEL_COUNT;
    if (above < 0)
        return ' ';
    return above < LEVEL_COUNT ? LEVELS[above] : '|';
}

static void draw_rows(struct text *t, const struct latency_sample *samples, unsigned n, int64_t low,
                      int64_t high)
{
    int64_t range = high > low ? high - low : 1;
    for (int row = ROWS - 1; row >= 0; row--) {
        char line[COLUMNS + 1];
        for (unsigned i = 0; i < n; i++) {
            int64_t height = (samples[i].ms - low) * (ROWS * LEVEL_COUNT - 1) / range;
            line[i] = letter_at(height, row);
        }
        line[n] = '\0';
        text_printf(t, "%s\n", line);
    }
}

static void draw_ages(struct text *t, const struct latency_sample *samples, unsigned n,
                      int64_t now_s)
{
    char labels[COLUMNS][LABEL_MAX] = {{0}};
    bool more = true;
    for (unsigned i = 0; i < n; i++)
        print_age(labels[i], now_s > samples[i].at_s ? now_s - samples[i].at_s : 0);
    for (unsigned at = 0; more; at++) {
        char line[COLUMNS + 1];
        more = false;
        for (unsigned i = 0; i < n; i++) {
            bool ended = labels[i][at] == '\0';
            line[i] = ended ? ' ' : labels[i][at];
            more |= !ended;
        }
        line[n] = '\0';
        if (more)
            text_printf(t, "%s\n", line);
    }
}

void latency_draw(struct text *t, const char *name, const struct latency_series *s, int64_t now_s)
{
    unsigned n = s->count < COLUMNS ? s->count : COLUMNS;
    const struct latency_sample *samples = s->samples + (s->count - n);
    int64_t low = samples[0].ms, high = low;
    for (unsigned i = 1; i < n; i++) {
        low = samples[i].ms < low ? samples[i].ms : low;
        high = samples[i].ms > high ? samples[i].ms : high;
    }
    text_printf(t, "%s - high %lld ms, low %lld ms (all time high %lld ms)\n", name,
                (long long)high, (long long)low, (long long)s->max_ms);
    for (unsigned i = 0; i < COLUMNS; i++)
        text_printf(t, "-");
    text_printf(t, "\n");
    draw_rows(t, samples, n, low, high);
    draw_ages(t, samples, n, now_s);
}
