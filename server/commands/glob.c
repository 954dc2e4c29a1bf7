#include "glob.h"

#include <ctype.h>
#include <stdint.h>

struct glob {
    const uint8_t *at, *end;
};

static int fold(uint8_t c, bool ignore_case)
{
    return ignore_case ? tolower(c) : c;
}

static bool in_range(int low, int high, int c)
{
    return low <= high ? low <= c && c <= high : high <= c && c <= low;
}

/* Matches c against the class behind '[' and moves p behind its ']', or to the end of the pattern
 * when it is not closed. */
static bool class_match(struct glob *p, uint8_t byte, bool ignore_case)
{
    int c = fold(byte, ignore_case);
    bool negated = p->at < p->end && *p->at == '^';
    bool match = false;
    if (negated)
        p->at++;
    for (; p->at < p->end && *p->at != ']'; p->at++) {
        if (*p->at == '\\' && p->end - p->at >= 2) {
            p->at++;
            match |= *p->at == byte;
        } else if (p->end - p->at >= 3 && p->at[1] == '-') {
            match |= in_range(fold(p->at[0], ignore_case), fold(p->at[2], ignore_case), c);
            p->at += 2;
        } else {
            match |= fold(*p->at, ignore_case) == c;
        }
    }
    if (p->at < p->end)
        p->at++;
    return match != negated;
}

/* Matches one byte against the next unit of the pattern (not '*') and moves behind the unit. */
static bool unit_match(struct glob *p, uint8_t c, bool ignore_case)
{
    uint8_t unit = *p->at++;
    if (unit == '?')
        return true;
    if (unit == '[')
        return class_match(p, c, ignore_case);
    if (unit == '\\' && p->at < p->end)
        unit = *p->at++;
    return fold(unit, ignore_case) == fold(c, ignore_case);
}

/* Only the last star seen can ever need to take more bytes: what matched before it stays matched.
 * So there is one place to go back to, and no recursion. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text, size_t text_len,
                bool ignore_case)
{
    struct glob p = {(const uint8_t *)pattern, (const uint8_t *)pattern + pattern_len};
    const uint8_t *t = (const uint8_t *)text, *text_end = t + text_len;
    const uint8_t *star = NULL, *star_text = NULL;
    while (t < text_end) {
        if (p.at < p.end && *p.at == '*') {
            star = ++p.at;
            star_text = t;
            continue;
        }
        if (p.at < p.end && unit_match(&p, *t, ignore_case)) {
            t++;
            continue;
        }
        if (star == NULL)
            return false;
        p.at = star;
        t = ++star_text;
    }
    while (p.at < p.end && *p.at == '*')
        p.at++;
    return p.at == p.end;
}
