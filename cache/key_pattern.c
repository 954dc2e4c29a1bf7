#include "key_pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { KEY_LOOK = 256, UUID_LEN = 36, WORD_MAX = 24 };

static bool is_separator(unsigned char c)
{
    return c != 0 && strchr(":/.|-_#,;@=&?~!+ {}[]()", c) != NULL;
}

static bool is_uuid(const unsigned char *s, size_t len)
{
    if (len < UUID_LEN || (len > UUID_LEN && isxdigit(s[UUID_LEN])))
        return false;
    for (unsigned i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !isxdigit(s[i]))
            return false;
    }
    return true;
}

/* A run of bytes between two separators. */
struct part {
    const unsigned char *at;
    size_t len;
    size_t literal; /* bytes at its start that belong to the pattern; the rest is the id */
};

/* A word stays whole; letters and then digits keep the letters; all else with a digit in it, or
 * too long for a word, is an id. */
static size_t literal_length(const unsigned char *s, size_t len)
{
    if (len > WORD_MAX)
        return 0;
    size_t letters = 0;
    while (letters < len && !isdigit(s[letters]))
        letters++;
    if (letters == len)
        return len;
    for (size_t i = letters; i < len; i++) {
        if (!isdigit(s[i]))
            return 0;
    }
    return letters;
}

/* The next part from *pos on; a UUID is one part although it holds separators. */
static struct part next_part(const unsigned char *s, size_t len, size_t *pos)
{
    struct part p = {.at = s + *pos};
    if (is_uuid(p.at, len - *pos)) {
        p.len = UUID_LEN;
    } else {
        while (*pos + p.len < len && !is_separator(p.at[p.len]))
            p.len++;
        p.literal = literal_length(p.at, p.len);
    }
    *pos += p.len;
    return p;
}

struct writer {
    char *out;
    size_t len;
};

static void put(struct writer *w, unsigned char c)
{
    if (w->len < KEY_PATTERN_MAX)
        w->out[w->len++] = isprint(c) ? (char)c : '?';
}

/* Ids side by side are one: "#-#-#" says no more than "#". */
static void put_id(struct writer *w)
{
    if (w->len >= 2 && w->out[w->len - 2] == '#')
        w->len--;
    else if (w->len == 0 || w->out[w->len - 1] != '#')
        put(w, '#');
}

static bool has_id(const unsigned char *s, size_t len)
{
    for (size_t pos = 0; pos < len; pos++) {
        struct part p = next_part(s, len, &pos);
        if (p.literal < p.len)
            return true;
    }
    return false;
}

size_t key_pattern(const void *key, size_t len, char out[KEY_PATTERN_MAX])
{
    const unsigned char *s = key;
    if (len > KEY_LOOK)
        len = KEY_LOOK;
    bool ids = has_id(s, len), words = false;
    struct writer w = {.out = out};
    for (size_t pos = 0; pos < len;) {
        struct part p = next_part(s, len, &pos);
        /* Without any id the last part is what tells the items apart. */
        if (!ids && pos == len && p.len > 0)
            p.literal = 0;
        for (size_t i = 0; i < p.literal; i++)
            put(&w, p.at[i]);
        words = words || p.literal > 0;
        if (p.literal < p.len)
            put_id(&w);
        if (pos < len)
            put(&w, s[pos++]);
    }
    return words ? w.len : 0;
}
