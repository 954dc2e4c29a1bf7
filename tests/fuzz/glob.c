/* Patterns of KEYS, SCAN and PSUBSCRIBE against a matcher that is slow and simple: a table of which
 * prefixes of the text the units of the pattern match. Input: 1 byte of flags, 2 bytes of the
 * pattern's length, pattern, text. */
#include "glob.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes that a unit takes; a star takes any number of any. */
struct unit {
    bool star, takes[256];
};

static void take(struct unit *u, unsigned byte, bool fold)
{
    for (unsigned c = 0; c < 256; c++)
        if (fold ? tolower((int)c) == tolower((int)byte) : c == byte)
            u->takes[c] = true;
}

static void take_range(struct unit *u, int low, int high, bool fold)
{
    low = fold ? tolower(low) : low;
    high = fold ? tolower(high) : high;
    for (int c = 0; c < 256; c++) {
        int is = fold ? tolower(c) : c;
        if ((low <= is && is <= high) || (high <= is && is <= low))
            u->takes[c] = true;
    }
}

/* Behind '['; returns where the class ends. */
static size_t read_class(struct unit *u, const uint8_t *p, size_t at, size_t len, bool fold)
{
    bool negated = at < len && p[at] == '^';
    at += negated;
    while (at < len && p[at] != ']') {
        if (p[at] == '\\' && at + 1 < len) {
            u->takes[p[at + 1]] = true; /* letters stand for themselves alone here */
            at += 2;
        } else if (at + 2 < len && p[at + 1] == '-') {
            take_range(u, p[at], p[at + 2], fold);
            at += 3;
        } else {
            take(u, p[at++], fold);
        }
    }
    for (unsigned c = 0; negated && c < 256; c++)
        u->takes[c] = !u->takes[c];
    return at < len ? at + 1 : at;
}

static size_t read_unit(struct unit *u, const uint8_t *p, size_t at, size_t len, bool fold)
{
    uint8_t c = p[at++];
    *u = (struct unit){.star = c == '*'};
    if (c == '?')
        memset(u->takes, true, sizeof u->takes);
    else if (c == '[')
        return read_class(u, p, at, len, fold);
    else if (c == '\\' && at < len)
        take(u, p[at++], fold);
    else
        take(u, c, fold);
    return at;
}

static bool matches(const uint8_t *p, size_t len, const uint8_t *text, size_t text_len, bool fold)
{
    bool row[TEXT_MAX + 1] = {true}; /* whether the units so far match this many bytes */
    for (size_t at = 0; at < len;) {
        struct unit u;
        bool was = row[0];
        at = read_unit(&u, p, at, len, fold);
        row[0] = was && u.star;
        for (size_t n = 1; n <= text_len; n++) {
            bool before = was;
            was = row[n];
            row[n] = u.star ? row[n - 1] || was : before && u.takes[text[n - 1]];
        }
    }
    return row[text_len];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    bool fold = (data[0] & 1) != 0;
    size_t len = (size_t)data[1] | (size_t)data[2] << 8;
    data += 3;
    size -= 3;
    len = len < size ? len : size;
    size_t text_len = size - len < TEXT_MAX ? size - len : TEXT_MAX;
    const uint8_t *text = data + len;
    if (glob_match((const char *)data, len, (const char *)text, text_len, fold) !=
        matches(data, len, text, text_len, fold))
        abort();
    return 0;
}
