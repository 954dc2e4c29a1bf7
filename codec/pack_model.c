/* The codes of a dictionary: what its own samples use most gets the shortest. */
#include "internal.h"
#include "pack.h"

#include <stdlib.h>
#include <string.h>

/* The parse follows the codes and the codes follow the parse: so often round. */
enum { ROUNDS = 3 };
/* Sample bytes parsed in each round. */
enum { ROUND_BYTES = 256 << 10 };
/* A symbol has a code of its own from so many occurrences on. */
enum { OCCURRENCES_MIN = 2 };

static unsigned class_of(unsigned byte)
{
    if (byte >= '0' && byte <= '9')
        return 0;
    if (byte >= 'a' && byte <= 'z')
        return 1;
    if (byte >= 'A' && byte <= 'Z')
        return 2;
    if (byte == '"' || byte == '>')
        return 3;
    if (byte == ' ' || byte == '\n')
        return 4;
    if (byte == ',' || byte == ':' || byte == '=')
        return 5;
    return byte >= 0x80 ? 6 : 7;
}

/* Before anything was counted: all literals alike, short runs and lengths, repeated distances. */
static void guess(struct pack_counts *counts)
{
    memset(counts, 0, sizeof *counts);
    for (unsigned a = 0; a < PACK_CLASSES; a++)
        for (unsigned s = 0; s < PACK_LITERALS; s++)
            counts->n[a][s] = s >= ' ' && s < 0x7f ? 16 : 2;
    for (unsigned s = 0; s < PACK_NUMBERS; s++) {
        counts->n[PACK_RUN][s] = 2 + (256u >> (s < 8 ? s : 8));
        counts->n[PACK_LENGTH][s] = 2 + (32u >> (s < 16 ? s / 4 : 4));
    }
    for (unsigned s = 0; s < PACK_OFFSETS; s++)
        counts->n[PACK_OFFSET][s] = s < PACK_REPEATED ? 64 : 2;
}

/* Rare symbols are left to the escape. */
static void drop_rare(uint32_t *counts, unsigned symbols, unsigned log)
{
    uint64_t total = 0;
    for (unsigned s = 0; s < symbols; s++)
        total += counts[s];
    counts[symbols] = 1;
    for (unsigned s = 0; s < symbols; s++) {
        if (counts[s] >= OCCURRENCES_MIN && (uint64_t)counts[s] << (log + 1) >= total)
            continue;
        counts[symbols] += counts[s];
        counts[s] = 0;
    }
}

static void build_alphabet(struct pack_codes *codes, unsigned a, uint32_t *counts)
{
    unsigned symbols = pack_symbols(a);
    drop_rare(counts, symbols, pack_log(a));
    pack_code_lengths(counts, symbols + 1, pack_log(a), codes->length[a]);
    pack_code_assign(codes->length[a], symbols + 1, codes->code[a]);
    for (unsigned s = 0; s < symbols; s++)
        codes->cost[a][s] = codes->length[a][s] != 0
                                ? codes->length[a][s]
                                : (uint8_t)(codes->length[a][symbols] + pack_escape_bits(a));
}

static void add_classes(struct pack_tables *t, uint16_t *table)
{
    for (size_t i = 0; i < (size_t)1 << PACK_LITERAL_LOG; i++)
        if (pack_literal_symbol(table[i]) < PACK_LITERALS)
            table[i] |= (uint16_t)(t->class_of[pack_literal_symbol(table[i])] << 9);
}

static void build_tables(struct pack_model *m)
{
    struct pack_tables *t = &m->tables;
    for (unsigned a = 0; a < PACK_ALPHABETS; a++) {
        uint16_t *table = a < PACK_CLASSES   ? t->literal[a]
                          : a == PACK_RUN    ? t->run
                          : a == PACK_LENGTH ? t->length
                                             : t->offset;
        pack_code_table(m->codes.length[a], m->codes.code[a], pack_symbols(a) + 1, pack_log(a),
                        table);
        if (a < PACK_CLASSES)
            add_classes(t, table);
    }
}

/* Counts are used up. */
static void build(struct pack_model *m, struct pack_counts *counts)
{
    for (unsigned a = 0; a < PACK_ALPHABETS; a++)
        build_alphabet(&m->codes, a, counts->n[a]);
}

struct samples {
    const uint8_t *bytes;
    const size_t *lens;
    unsigned n;
};

/* `pairs`: NULL = not counted. */
static void count_samples(struct pack_counts *counts, struct pack_pairs *pairs,
                          struct pack_parser *parser, const struct pack_index *index,
                          const struct pack_model *m, const struct samples *samples)
{
    const uint8_t *value = samples->bytes;
    size_t parsed = 0;
    memset(counts, 0, sizeof *counts);
    for (unsigned i = 0; i < samples->n && parsed < ROUND_BYTES; value += samples->lens[i++]) {
        size_t len = samples->lens[i], steps;
        if (len == 0 || len > PACK_MAX)
            continue;
        parsed += len;
        const struct pack_step *step =
            pack_parse(parser, index, &m->codes, m->tables.class_of, value, len, &steps);
        pack_count(counts, m->tables.class_of, step, steps, value);
        if (pairs != NULL)
            pack_count_pairs(pairs, step, steps, value);
    }
}

struct pack_model *pack_train(const struct codec_dict *dict, const void *samples,
                              const size_t *lens, unsigned n)
{
    const struct pack_index *index = dict_index(dict);
    struct pack_model *m = calloc(1, sizeof *m);
    struct pack_counts *counts = malloc(sizeof *counts);
    struct pack_parser *parser = pack_parser_create();
    struct pack_pairs *pairs = calloc(1, sizeof *pairs);
    bool ok = index != NULL && m != NULL && counts != NULL && parser != NULL && pairs != NULL;
    if (ok) {
        struct samples all = {samples, lens, n};
        for (unsigned byte = 0; byte < 256; byte++)
            m->tables.class_of[byte] = (uint8_t)class_of(byte);
        unsigned place_bits = PACK_PLACE_BITS;
        while (dict->content_len > (size_t)(PACK_OFFSETS - PACK_PLACE) << place_bits)
            place_bits++;
        m->tables.place_bits = m->codes.place_bits = (uint8_t)place_bits;
        guess(counts);
        build(m, counts);
        for (unsigned round = 0; round < ROUNDS; round++) {
            bool learn = round == 0;
            count_samples(counts, learn ? pairs : NULL, parser, index, m, &all);
            if (learn) {
                pack_classes_learn(pairs, m->tables.class_of);
                count_samples(counts, NULL, parser, index, m, &all);
            }
            build(m, counts);
        }
        build_tables(m);
    }
    pack_parser_destroy(parser);
    free(counts);
    free(pairs);
    if (ok)
        return m;
    free(m);
    return NULL;
}
