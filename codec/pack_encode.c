/* Packing: the steps through a value in bits. */
#include "pack.h"

#include <endian.h>
#include <string.h>

struct bit_writer {
    uint8_t *at, *end;
    uint64_t bits;
    unsigned n;
    bool full;
};

/* Up to 32 bits. */
static inline void put_bits(struct bit_writer *w, uint32_t value, unsigned n)
{
    w->bits |= (uint64_t)value << w->n;
    w->n += n;
    while (w->n >= 8) {
        if (w->at == w->end) {
            w->full = true;
            w->n = 0;
            w->bits = 0;
            return;
        }
        *w->at++ = (uint8_t)w->bits;
        w->bits >>= 8;
        w->n -= 8;
    }
}

static inline void put_symbol(struct bit_writer *w, const struct pack_codes *codes,
                              unsigned alphabet, unsigned symbol)
{
    unsigned escape = pack_symbols(alphabet);
    unsigned length = codes->length[alphabet][symbol];
    if (length != 0) {
        put_bits(w, codes->code[alphabet][symbol], length);
        return;
    }
    put_bits(w, codes->code[alphabet][escape], codes->length[alphabet][escape]);
    put_bits(w, symbol, pack_escape_bits(alphabet));
}

static inline void put_number(struct bit_writer *w, const struct pack_codes *codes,
                              unsigned alphabet, unsigned value)
{
    unsigned rest_bits;
    put_symbol(w, codes, alphabet, pack_number(value, &rest_bits));
    put_bits(w, value & ((1u << rest_bits) - 1), rest_bits);
}

size_t pack_write(const struct pack_model *model, const struct pack_step *steps, size_t n,
                  const uint8_t *value, uint8_t *dst, size_t dst_cap)
{
    const struct pack_codes *codes = &model->codes;
    struct bit_writer w = {.at = dst, .end = dst + dst_cap};
    unsigned class = PACK_FIRST_CLASS;
    for (size_t i = 0; i < n && !w.full; i++) {
        unsigned run = 0;
        while (i + run < n && steps[i + run].length == 0)
            run++;
        put_number(&w, codes, PACK_RUN, run);
        for (unsigned k = 0; k < run; k++, value++) {
            put_symbol(&w, codes, class, *value);
            class = model->tables.class_of[*value];
        }
        i += run;
        if (i == n)
            break;
        const struct pack_step *match = &steps[i];
        put_symbol(&w, codes, PACK_OFFSET, match->offset);
        put_bits(&w, match->rest, pack_offset_bits(codes, match->offset));
        put_number(&w, codes, PACK_LENGTH, match->length - PACK_MATCH_MIN);
        value += match->length;
        class = model->tables.class_of[value[-1]];
    }
    put_bits(&w, 0, (8 - w.n) % 8);
    return w.full ? 0 : (size_t)(w.at - dst);
}

void pack_count(struct pack_counts *counts, const uint8_t *class_of, const struct pack_step *steps,
                size_t n, const uint8_t *value)
{
    unsigned class = PACK_FIRST_CLASS, rest_bits;
    for (size_t i = 0; i < n; i++) {
        unsigned run = 0;
        for (; i + run < n && steps[i + run].length == 0; run++, value++) {
            counts->n[class][*value]++;
            class = class_of[*value];
        }
        counts->n[PACK_RUN][pack_number(run, &rest_bits)]++;
        i += run;
        if (i == n)
            break;
        counts->n[PACK_OFFSET][steps[i].offset]++;
        counts->n[PACK_LENGTH][pack_number(steps[i].length - PACK_MATCH_MIN, &rest_bits)]++;
        value += steps[i].length;
        class = class_of[value[-1]];
    }
}

void pack_count_pairs(struct pack_pairs *pairs, const struct pack_step *steps, size_t n,
                      const uint8_t *value)
{
    const uint8_t *start = value;
    for (size_t i = 0; i < n; i++) {
        if (steps[i].length == 0 && value > start)
            pairs->n[value[-1]][*value]++;
        value += steps[i].length == 0 ? 1 : steps[i].length;
    }
}
