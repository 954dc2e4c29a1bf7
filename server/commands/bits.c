#include "bits.h"

#include <string.h>

#include "number.h"

size_t bits_count(const uint8_t *bytes, size_t len)
{
    size_t n = 0;
    uint64_t word;
    for (; len >= sizeof word; bytes += sizeof word, len -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        n += (size_t)__builtin_popcountll(word);
    }
    for (; len > 0; bytes++, len--)
        n += (size_t)__builtin_popcount(*bytes);
    return n;
}

size_t bits_find(const uint8_t *bytes, size_t len, unsigned bit)
{
    const uint8_t skip = bit ? 0x00 : 0xff;
    size_t i = 0;
    uint64_t word, same;
    memset(&same, skip, sizeof same);
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        if (word != same)
            break;
    }
    while (i < len && bytes[i] == skip)
        i++;
    if (i == len)
        return len * 8;
    /* The bits of a byte stand in the low ones of an unsigned. */
    unsigned found = (unsigned)(bytes[i] ^ skip);
    return i * 8 + (size_t)__builtin_clz(found) - (sizeof found - 1) * 8;
}

bool bits_type_parse(const char *text, size_t len, struct bits_type *type)
{
    int64_t width;
    if (len < 2 || (text[0] != 'i' && text[0] != 'u') ||
        !number_parse_int(text + 1, len - 1, &width))
        return false;
    type->is_signed = text[0] == 'i';
    if (width < 1 || width > (type->is_signed ? 64 : 63))
        return false;
    type->width = (unsigned)width;
    return true;
}

/* Only the width lowest bits, with the sign spread over those above. */
static int64_t cut(struct bits_type type, uint64_t n)
{
    unsigned above = 64 - type.width;
    return type.is_signed ? (int64_t)(n << above) >> above : (int64_t)(n << above >> above);
}

int64_t bits_get(const uint8_t *bytes, unsigned at, struct bits_type type)
{
    unsigned __int128 window = 0;
    for (unsigned i = 0; i < BITS_NUMBER_BYTES; i++)
        window = window << 8 | bytes[i];
    return cut(type, (uint64_t)(window >> (BITS_NUMBER_BYTES * 8 - at - type.width)));
}

void bits_put(uint8_t *bytes, unsigned at, struct bits_type type, int64_t n)
{
    for (unsigned i = 0; i < type.width; i++) {
        unsigned place = at + type.width - 1 - i;
        uint8_t mask = (uint8_t)(0x80u >> place % 8);
        if ((uint64_t)n >> i & 1)
            bytes[place / 8] |= mask;
        else
            bytes[place / 8] &= (uint8_t)~mask;
    }
}

bool bits_add(struct bits_type type, enum bits_overflow overflow, int64_t a, int64_t b,
              int64_t *sum)
{
    __int128 wanted = (type.is_signed ? (__int128)a : (__int128)(uint64_t)a) + b;
    __int128 most = ((__int128)1 << (type.width - type.is_signed)) - 1;
    __int128 least = type.is_signed ? -most - 1 : 0;
    if (wanted >= least && wanted <= most)
        *sum = (int64_t)wanted;
    else if (overflow == BITS_SATURATE)
        *sum = (int64_t)(wanted < least ? least : most);
    else
        *sum = cut(type, (uint64_t)wanted);
    return overflow != BITS_FAIL || (wanted >= least && wanted <= most);
}
