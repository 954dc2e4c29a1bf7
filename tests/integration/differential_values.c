#include "differential_values.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static size_t put_text(char *out, const char *text)
{
    return (size_t)snprintf(out, VALUE_MAX, "%s", text);
}

static size_t put_number(char *out, long long n)
{
    return (size_t)snprintf(out, 32, "%lld", n);
}

static size_t put_any(struct random *r, char *out, const char *const *list, size_t n)
{
    return put_text(out, list[random_below(r, (unsigned)n)]);
}

/* What is no integer, or hardly one. */
static size_t put_odd_integer(struct random *r, char *out)
{
    static const char *const odd[] = {"0",
                                      "-1",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "9223372036854775808",
                                      "abc",
                                      "1.5",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "01",
                                      "-0",
                                      "",
                                      "1e3",
                                      "99999999999999999999",
                                      "0x10",
                                      "-",
                                      "18446744073709551615"};
    return put_any(r, out, odd, COUNT(odd));
}

static size_t put_integer(struct random *r, char *out)
{
    switch (random_below(r, 4)) {
    case 0:
        return put_odd_integer(r, out);
    case 1:
        return put_number(out, (long long)random_next(r) >> random_below(r, 60));
    default:
        return put_number(out, (long long)random_below(r, 200) - 100);
    }
}

static size_t put_float(struct random *r, char *out)
{
    static const char *const odd[] = {"0",    "1.5",  "-1.5",  "3.0e3", "1e400", "inf", "-inf",
                                      "nan",  "abc",  " 1",    "1 ",    "",      "0.1", "-0",
                                      "1e17", "1e-5", "0x1p3", "+2",    ".5",    "5.",  "1e"};
    if (random_below(r, 3) == 0)
        return put_any(r, out, odd, COUNT(odd));
    return (size_t)snprintf(out, 64, "%.*f", (int)random_below(r, 6),
                            ((double)random_below(r, 2000000) - 1000000) / 64);
}

/* Seconds or milliseconds from now: so far off that nothing expires during the run, or already
 * past. */
static size_t put_duration(struct random *r, char *out, long long unit)
{
    static const char *const wrong[] = {"0",   "-1",  "9223372036854775807", "-9223372036854775808",
                                        "abc", "1.5", "9223372036854776000", "-100000",
                                        "",    " 7"};
    if (random_below(r, 6) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    return put_number(out, (10000 + (long long)random_below(r, 1000000000)) * unit);
}

/* The same as instants. past = those before now are allowed. */
static size_t put_instant(struct random *r, char *out, long long unit, int past)
{
    static const char *const wrong[] = {"0", "-1", "abc", "-9223372036854775808", "", "1.5"};
    if (random_below(r, 8) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    if (past && random_below(r, 10) == 0)
        return put_number(out, 1 + (long long)random_below(r, 100000));
    return put_number(
        out, ((long long)time(NULL) + 10000 + (long long)random_below(r, 1000000000)) * unit);
}

static size_t put_random_bytes(struct random *r, char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)random_next(r);
    return len;
}

/* Text that compresses. */
static size_t put_json(struct random *r, char *out, size_t len)
{
    size_t at = 0;
    while (at + 128 < len)
        at += (size_t)snprintf(
            out + at, len - at,
            "{\"id\":%u,\"name\":\"item %u\",\"price\":%u.99,\"tags\":[\"a\",\"b\"]},",
            random_below(r, 100000), random_below(r, 100), random_below(r, 1000));
    return at;
}

static size_t put_value(struct random *r, char *out)
{
    unsigned kind = random_below(r, 100);
    if (kind < 25)
        return put_number(out, (long long)random_below(r, 2000) - 1000);
    if (kind < 35)
        return put_odd_integer(r, out);
    if (kind < 45)
        return put_float(r, out);
    if (kind < 70)
        return (size_t)snprintf(out, 64, "value-%u", random_below(r, 50));
    if (kind < 82)
        return put_random_bytes(r, out, random_below(r, 300));
    if (kind < 85)
        return 0;
    if (kind < 95)
        return put_json(r, out, 200 + random_below(r, 4000));
    if (kind < 97)
        return put_json(r, out, 15000 + random_below(r, 4000)); /* around the length of a segment */
    if (kind < 99)
        return put_random_bytes(r, out, 10000 + random_below(r, 60000));
    return put_json(r, out, 20000 + random_below(r, 250000));
}

static size_t put_key(struct random *r, char *out, int hash)
{
    unsigned kind = random_below(r, 100);
    if (kind >= 95) {
        memset(out, 'K', 3000);
        return put_text(out, kind == 95   ? ""
                             : kind == 96 ? "a key with blanks"
                                          : "\xff\x01k\r\n") +
               (kind == 99 ? 2990u : 0u);
    }
    if ((kind < 10) != hash)
        return (size_t)snprintf(out, 32, "h%u", random_below(r, 8));
    return (size_t)snprintf(out, 32, "k%u", random_below(r, 24));
}

static size_t put_field(struct random *r, char *out)
{
    unsigned kind = random_below(r, 50);
    if (kind == 0)
        return 0;
    if (kind == 1)
        return put_text(out, "\x80\r\nfield");
    if (kind == 2)
        return put_number(out, random_below(r, 3));
    return (size_t)snprintf(out, 32, "f%u", random_below(r, 12));
}

static size_t put_pattern(struct random *r, char *out)
{
    static const char *const patterns[] = {"*",     "k*",   "h?",    "[hk]1*", "k[^1-3]",  "*\\*",
                                           "f[0-4", "k1?",  "*1",    "",       "f*",       "?",
                                           "k[a-",  "\\k1", "[^a]*", "h**1",   "k[1\\]2]*"};
    return put_any(r, out, patterns, COUNT(patterns));
}

static size_t put_index(struct random *r, char *out)
{
    if (random_below(r, 12) == 0)
        return put_odd_integer(r, out);
    long long span = random_below(r, 5) == 0 ? 60000 : 40;
    return put_number(out, (long long)random_below(r, (unsigned)span) - span / 2);
}

static size_t put_offset(struct random *r, char *out)
{
    static const char *const wrong[] = {"-1", "abc", "536870912", "9223372036854775807", "1.0", ""};
    if (random_below(r, 10) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    return put_number(out, random_below(r, random_below(r, 6) == 0 ? 70000 : 100));
}

/* The number of a bit. */
static size_t put_bit(struct random *r, char *out)
{
    static const char *const wrong[] = {"-1", "abc", "4294967296", "9223372036854775807", "#", ""};
    if (random_below(r, 12) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    return put_number(out, random_below(r, random_below(r, 6) == 0 ? 500000 : 300));
}

/* A type of BITFIELD. */
static size_t put_bit_type(struct random *r, char *out)
{
    static const char *const wrong[] = {"u64", "i65", "i0", "x8", "", "u", "i08", "U8"};
    if (random_below(r, 15) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    return (size_t)snprintf(out, 32, "%c%u", random_below(r, 2) ? 'i' : 'u',
                            1 + random_below(r, 63));
}

static size_t put_database(struct random *r, char *out)
{
    static const char *const wrong[] = {"16", "-1", "abc", "99999999999", "", "1.5", "2147483648"};
    if (random_below(r, 12) == 0)
        return put_any(r, out, wrong, COUNT(wrong));
    return put_number(out, random_below(r, 3));
}

size_t value_make(struct random *r, char kind, char *out)
{
    switch (kind) {
    case 'k':
        return put_key(r, out, 0);
    case 'h':
        return put_key(r, out, 1);
    case 'F':
        return put_field(r, out);
    case 'i':
        return put_integer(r, out);
    case 'f':
        return put_float(r, out);
    case 's':
        return put_duration(r, out, 1);
    case 'm':
        return put_duration(r, out, 1000);
    case 'a':
        return put_instant(r, out, 1, 1);
    case 'A':
        return put_instant(r, out, 1000, 1);
    case 'b':
        return put_instant(r, out, 1, 0);
    case 'B':
        return put_instant(r, out, 1000, 0);
    case 'r':
        return put_index(r, out);
    case 'o':
        return put_offset(r, out);
    case 'n':
        return put_bit(r, out);
    case 't':
        return put_bit_type(r, out);
    case 'p':
        return put_pattern(r, out);
    case 'd':
        return put_database(r, out);
    case '?':
        return put_odd_integer(r, out);
    default:
        return put_value(r, out);
    }
}
