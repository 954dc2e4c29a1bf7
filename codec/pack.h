/* The packed form: what the dense codec makes of values below 4 KiB under a trained dictionary.
 *
 * A value is cut into runs of literals and matches, as LZ77 does, and each part is written in a
 * canonical Huffman code that was made from the dictionary's samples and stays with it. So a value
 * carries neither header nor tables: of a short record, that is most of what other codecs store.
 *
 *   payload | run  literal*  offset length | run  literal* ... | 0..7 bits zero
 *
 *   run      literals that follow; the last run may end the value
 *   literal  a byte, in the code of the class of the byte before it
 *   offset   | 0 | 1          the distance of the last match, or of the one before
 *            | 2 + k          a distance within the value, 2^k + k bits
 *            | 16 + p         a place in the dictionary, p * 256 + 8 bits; with a dictionary that
 * is longer than 64 KiB, p * 512 + 9 bits or p * 1024 + 10 bits length   of the match, less 2. A
 * match in the dictionary does not run beyond its end
 *
 * Runs and lengths are numbers: 0..15 as they are, above that the power of two with its next lower
 * bit, and the rest in bits. A symbol that the samples did not have is written as an escape and its
 * number. All bits stand with the lowest first. */
#ifndef CODEC_PACK_H
#define CODEC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACK_MAX = 4095 }; /* longest value, and so the greatest number */

/* Alphabets: one of literals for each class of bytes, runs, lengths, offsets. */
enum {
    PACK_CLASSES = 8,
    PACK_RUN = PACK_CLASSES,
    PACK_LENGTH,
    PACK_OFFSET,
    PACK_ALPHABETS,
};

enum {
    PACK_LITERALS = 256,
    PACK_NUMBERS = 32,
    PACK_OFFSETS = 16 + 256,
    PACK_LITERAL_LOG = 11, /* longest code */
    PACK_NUMBER_LOG = 9,
    PACK_OFFSET_LOG = 11,
    PACK_SYMBOLS_MAX = PACK_OFFSETS + 1, /* with the escape, which is the last */
    PACK_MATCH_MIN = 2,
    PACK_REPEATED = 2, /* offset symbols */
    PACK_NEAR = 2,
    PACK_PLACE = 16,
    PACK_PLACE_BITS = 8, /* for a dictionary of up to 64 KiB */
};

/* What decoding needs: tables that the next bits index. An entry is length << 12 | symbol; one of
 * literals has the class of its byte as well, so that the next literal need not wait for class_of:
 *
 *   | length : 4 | class : 3 | symbol : 9 |
 */
struct pack_tables {
    uint8_t class_of[256];
    uint16_t literal[PACK_CLASSES][1 << PACK_LITERAL_LOG];
    uint16_t run[1 << PACK_NUMBER_LOG];
    uint16_t length[1 << PACK_NUMBER_LOG];
    uint16_t offset[1 << PACK_OFFSET_LOG];
    uint8_t place_bits; /* behind the symbol of a place */
};

static inline unsigned pack_literal_symbol(unsigned entry)
{
    return entry & 0x1ff;
}
static inline unsigned pack_literal_class(unsigned entry)
{
    return entry >> 9 & 7;
}

/* What encoding needs. length 0: no code, the escape is used. */
struct pack_codes {
    uint16_t code[PACK_ALPHABETS][PACK_SYMBOLS_MAX];
    uint8_t length[PACK_ALPHABETS][PACK_SYMBOLS_MAX];
    uint8_t cost[PACK_ALPHABETS][PACK_SYMBOLS_MAX]; /* bits, with the escape's */
    uint8_t place_bits;
};

struct pack_model {
    struct pack_tables tables;
    struct pack_codes codes;
};

struct pack_counts {
    uint32_t n[PACK_ALPHABETS][PACK_SYMBOLS_MAX];
};

/* One step through a value: a literal (length 0), or a match. */
struct pack_step {
    uint16_t length;
    uint16_t offset; /* symbol */
    uint32_t rest;   /* bits behind the symbol */
};

struct pack_parser;
struct codec_dict;

/* Number and bits of what follows the symbol. */
static inline unsigned pack_number(unsigned value, unsigned *rest_bits)
{
    if (value < 16) {
        *rest_bits = 0;
        return value;
    }
    unsigned power = 31u - (unsigned)__builtin_clz(value);
    *rest_bits = power - 1;
    return 16 + (power - 4) * 2 + ((value >> (power - 1)) & 1u);
}
static inline unsigned pack_offset_bits(const struct pack_codes *codes, unsigned symbol)
{
    if (symbol >= PACK_PLACE)
        return codes->place_bits;
    return symbol < PACK_NEAR ? 0 : symbol - PACK_NEAR;
}
/* Symbols of an alphabet without the escape, the longest code, and the bits behind an escape. */
static inline unsigned pack_symbols(unsigned alphabet)
{
    if (alphabet < PACK_CLASSES)
        return PACK_LITERALS;
    return alphabet == PACK_OFFSET ? PACK_OFFSETS : PACK_NUMBERS;
}
static inline unsigned pack_log(unsigned alphabet)
{
    if (alphabet < PACK_CLASSES)
        return PACK_LITERAL_LOG;
    return alphabet == PACK_OFFSET ? PACK_OFFSET_LOG : PACK_NUMBER_LOG;
}
static inline unsigned pack_escape_bits(unsigned alphabet)
{
    if (alphabet < PACK_CLASSES)
        return 8;
    return alphabet == PACK_OFFSET ? 9 : 5;
}
/* Class of the byte before the first. */
enum { PACK_FIRST_CLASS = 3 };

/* ---- pack_code.c: canonical Huffman codes ---- */

/* Lengths of at most `limit` bits for n symbols; 0 for those with no count. n <= 1 << limit. */
void pack_code_lengths(const uint32_t *counts, unsigned n, unsigned limit, uint8_t *lengths);
/* Codes by their lengths, lowest bit first. */
void pack_code_assign(const uint8_t *lengths, unsigned n, uint16_t *codes);
/* A table of 1 << log entries. */
void pack_code_table(const uint8_t *lengths, const uint16_t *codes, unsigned n, unsigned log,
                     uint16_t *table);

/* ---- pack_classes.c ---- */

/* How often a literal came after a byte. */
struct pack_pairs {
    uint32_t n[256][256];
};
/* Changes the classes to those that make the literals cheapest. */
void pack_classes_learn(const struct pack_pairs *pairs, uint8_t class_of[256]);

/* ---- pack_model.c ---- */

/* A model from the samples under a dictionary. NULL when memory is short. */
struct pack_model *pack_train(const struct codec_dict *dict, const void *samples,
                              const size_t *lens, unsigned n);

/* ---- pack_parse.c ---- */

/* Places of the strings of a dictionary: made once, then read by any thread. It refers to the
 * content, which must outlive it. NULL when memory is short. */
struct pack_index;
struct pack_index *pack_index_create(const uint8_t *content, size_t len);
void pack_index_destroy(struct pack_index *index);
size_t pack_index_bytes(const struct pack_index *index);

/* What a search needs meanwhile: one for each thread. NULL when memory is short. */
struct pack_parser *pack_parser_create(void);
void pack_parser_destroy(struct pack_parser *parser);
size_t pack_parser_bytes(void);
/* The cheapest steps under the model, in order; valid until the next call. 0 < len <= PACK_MAX. */
const struct pack_step *pack_parse(struct pack_parser *parser, const struct pack_index *index,
                                   const struct pack_codes *codes, const uint8_t *class_of,
                                   const uint8_t *value, size_t len, size_t *steps);

/* The same for a fourth of the time, and some percent more bits. */
const struct pack_step *pack_parse_hastily(struct pack_parser *parser,
                                           const struct pack_index *index,
                                           const struct pack_codes *codes, const uint8_t *class_of,
                                           const uint8_t *value, size_t len, size_t *steps);

/* ---- pack_encode.c ---- */

/* The length, or 0 when it would be longer than dst_cap. */
size_t pack_write(const struct pack_model *model, const struct pack_step *steps, size_t n,
                  const uint8_t *value, uint8_t *dst, size_t dst_cap);
/* Adds up, for a training, which byte stands before which: of all literals but the first. */
void pack_count_pairs(struct pack_pairs *pairs, const struct pack_step *steps, size_t n,
                      const uint8_t *value);
/* Adds up how often each code would be used for these steps. */
void pack_count(struct pack_counts *counts, const uint8_t *class_of, const struct pack_step *steps,
                size_t n, const uint8_t *value);

/* ---- pack_decode.c ---- */

/* Decodes src to exactly raw_len bytes, using up all of it. False when it is damaged: dst then
 * holds anything. Neither is read or written beyond its length. */
bool pack_decode(const struct pack_tables *tables, const uint8_t *content, size_t content_len,
                 const void *src, size_t src_len, void *dst, size_t raw_len);

#endif
