/* Finding the cheapest way through a value.
 *
 * Each position of the value is a node; a literal leads to the next, a match of n bytes to the n-th
 * after it, and every step costs the bits of its codes. The nodes are gone through in order, and
 * each keeps the cheapest way that led to it. The distances that can be repeated depend on the way,
 * so they are the node's; that is all that makes the result less than the best.
 *
 * In haste, only one way is gone: at each position the match that saves most is taken, unless the
 * next position has one that saves more. */
#include "pack.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Strings of four bytes that hash alike are chained, the last first:
 *
 *   head[hash] -> place -> next[place] -> ... -> NOWHERE        */
enum { HASHED = 4, HEAD_LOG = 15, OWN_HEAD_LOG = 10 };
#define NOWHERE     UINT32_MAX
#define OWN_NOWHERE UINT16_MAX

/* Of a chain, so many are looked at. */
enum { DEPTH = 12, HASTY_DEPTH = 6, OWN_DEPTH = 3 };
/* A match of this length is taken without looking at what begins inside it. */
enum { LONG_ENOUGH = 48 };
/* A repeated match of this length is taken for the longest. */
enum { REPEATED_ENOUGH = 24 };
/* Of a match, all lengths up to this are considered, and the whole. */
enum { SHORT_ENOUGH = 40 };

struct pack_index {
    const uint8_t *content;
    size_t len;
    uint32_t head[1 << HEAD_LOG];
    uint32_t next[]; /* len */
};

struct node {
    uint32_t cost;
    uint32_t last[PACK_REPEATED]; /* distances */
    uint32_t rest;                /* of the step that led here */
    uint16_t length;              /* 0 = a literal did */
    uint16_t offset;
    uint16_t run; /* literals before this node */
};

struct pack_parser {
    uint16_t head[1 << OWN_HEAD_LOG];
    uint16_t next[PACK_MAX];
    uint32_t run_cost[PACK_MAX + 1], length_cost[PACK_MAX + 1]; /* by number */
    struct node node[PACK_MAX + 1];
    struct pack_step steps[PACK_MAX];
};

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint32_t hash(const uint8_t *p, unsigned log)
{
    return load32(p) * 2654435761u >> (32 - log);
}

struct pack_index *pack_index_create(const uint8_t *content, size_t len)
{
    struct pack_index *index = malloc(sizeof *index + len * sizeof index->next[0]);
    if (index == NULL)
        return NULL;
    index->content = content;
    index->len = len;
    memset(index->head, 0xff, sizeof index->head);
    for (size_t at = 0; at + HASHED <= len; at++) {
        uint32_t h = hash(content + at, HEAD_LOG);
        index->next[at] = index->head[h];
        index->head[h] = (uint32_t)at;
    }
    return index;
}

void pack_index_destroy(struct pack_index *index)
{
    free(index);
}

size_t pack_index_bytes(const struct pack_index *index)
{
    return sizeof *index + index->len * sizeof index->next[0];
}

struct pack_parser *pack_parser_create(void)
{
    return calloc(1, sizeof(struct pack_parser));
}

void pack_parser_destroy(struct pack_parser *parser)
{
    free(parser);
}

size_t pack_parser_bytes(void)
{
    return sizeof(struct pack_parser);
}

/* How many bytes are equal, up to `most`. */
static inline size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t n = 0;
    for (; n + 8 <= most; n += 8) {
        uint64_t x, y;
        memcpy(&x, a + n, 8);
        memcpy(&y, b + n, 8);
        if (x != y)
            return n + (size_t)__builtin_ctzll(le64toh(x ^ y)) / 8;
    }
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

/* What a match begins with. */
struct start {
    uint32_t distance, rest;
    unsigned offset;
};

/* The match that saves most, in bits, against literals. */
struct best {
    struct start start;
    size_t length; /* 0 = none saves anything */
    long saved;
};

struct way {
    struct pack_parser *parser;
    const struct pack_index *index;
    const struct pack_codes *codes;
    const uint8_t *class_of;
    const uint8_t *value;
    size_t len;
    unsigned depth;
    struct best *best; /* in haste; NULL = all matches become steps between nodes */
};

static void price_numbers(const struct way *w)
{
    struct pack_parser *p = w->parser;
    for (unsigned n = 0; n <= w->len; n++) {
        unsigned rest_bits, symbol = pack_number(n, &rest_bits);
        p->run_cost[n] = w->codes->cost[PACK_RUN][symbol < PACK_NUMBERS ? symbol : 0] + rest_bits;
        p->length_cost[n] =
            w->codes->cost[PACK_LENGTH][symbol < PACK_NUMBERS ? symbol : 0] + rest_bits;
    }
}

static void step_literal(const struct way *w, size_t at)
{
    const struct node *from = &w->parser->node[at];
    struct node *to = &w->parser->node[at + 1];
    unsigned class = at == 0 ? PACK_FIRST_CLASS : w->class_of[w->value[at - 1]];
    const uint32_t *run_cost = w->parser->run_cost;
    uint32_t cost = from->cost + w->codes->cost[class][w->value[at]] + run_cost[from->run + 1] -
                    run_cost[from->run];
    if (cost >= to->cost)
        return;
    *to = *from;
    to->cost = cost;
    to->length = 0;
    to->run++;
}

/* Leads to all nodes that the match reaches with `shortest` to `longest` bytes. */
static void step_match(const struct way *w, size_t at, const struct start *s, size_t shortest,
                       size_t longest)
{
    struct pack_parser *p = w->parser;
    const struct node *from = &p->node[at];
    uint32_t base = from->cost + w->codes->cost[PACK_OFFSET][s->offset] +
                    pack_offset_bits(w->codes, s->offset) + p->run_cost[0];
    for (size_t n = longest; n >= shortest; n--) {
        struct node *to = &p->node[at + n];
        uint32_t cost = base + p->length_cost[n - PACK_MATCH_MIN];
        if (cost < to->cost) {
            *to =
                (struct node){.cost = cost,
                              .last = {s->distance, s->offset == 0 ? from->last[1] : from->last[0]},
                              .rest = s->rest,
                              .length = (uint16_t)n,
                              .offset = (uint16_t)s->offset};
        }
        if (n > SHORT_ENOUGH + 1)
            n = SHORT_ENOUGH + 1;
    }
}

/* About what a literal costs. */
enum { LITERAL_BITS = 6 };

static void consider(const struct way *w, const struct start *s, size_t length)
{
    long saved = (long)length * LITERAL_BITS - w->codes->cost[PACK_OFFSET][s->offset] -
                 (long)pack_offset_bits(w->codes, s->offset) -
                 (long)w->parser->length_cost[length - PACK_MATCH_MIN];
    if (saved > w->best->saved)
        *w->best = (struct best){*s, length, saved};
}

static inline void found_match(const struct way *w, size_t at, const struct start *s,
                               size_t shortest, size_t longest)
{
    if (w->best != NULL)
        consider(w, s, longest);
    else
        step_match(w, at, s, shortest, longest);
}

/* The bytes that are the same `distance` before; a match in the dictionary ends with it. */
static inline size_t match_length(const struct way *w, size_t at, size_t distance)
{
    size_t most = w->len - at;
    if (distance <= at)
        return equal_bytes(w->value + at, w->value + at - distance, most);
    size_t back = distance - at;
    if (back > w->index->len)
        return 0;
    return equal_bytes(w->value + at, w->index->content + w->index->len - back,
                       back < most ? back : most);
}

static size_t try_repeated(const struct way *w, size_t at, const uint32_t *last)
{
    size_t longest = 0;
    for (unsigned i = 0; i < PACK_REPEATED; i++) {
        uint32_t distance = last[i];
        if (distance == 0)
            continue;
        size_t n = match_length(w, at, distance);
        if (n >= PACK_MATCH_MIN)
            found_match(w, at, &(struct start){distance, 0, i}, PACK_MATCH_MIN, n);
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Matches within the value. */
static size_t try_near(const struct way *w, size_t at, size_t longest)
{
    const struct pack_parser *p = w->parser;
    uint16_t place = p->head[hash(w->value + at, OWN_HEAD_LOG)];
    for (unsigned depth = 0; place != OWN_NOWHERE && depth < OWN_DEPTH; depth++) {
        uint32_t distance = (uint32_t)(at - place);
        size_t n = match_length(w, at, distance);
        if (n > longest && n >= HASHED) {
            unsigned power = 31u - (unsigned)__builtin_clz(distance);
            struct start s = {distance, distance - (1u << power), PACK_NEAR + power};
            found_match(w, at, &s, longest >= HASHED ? longest + 1 : HASHED - 1, n);
            longest = n;
        }
        place = p->next[place];
    }
    return longest;
}

/* Matches in the dictionary. */
static size_t try_places(const struct way *w, size_t at, size_t longest)
{
    const struct pack_index *index = w->index;
    unsigned place_bits = w->codes->place_bits;
    uint32_t place = index->head[hash(w->value + at, HEAD_LOG)];
    size_t most = w->len - at;
    for (unsigned depth = 0; place != NOWHERE && depth < w->depth; depth++) {
        size_t there = index->len - place;
        const uint8_t *from = index->content + place;
        if (longest < there && longest < most && from[longest] == w->value[at + longest]) {
            size_t n = equal_bytes(w->value + at, from, there < most ? there : most);
            if (n > longest && n >= HASHED) {
                struct start s = {(uint32_t)(index->len + at - place),
                                  place & ((1u << place_bits) - 1),
                                  PACK_PLACE + (unsigned)(place >> place_bits)};
                found_match(w, at, &s, longest >= HASHED ? longest + 1 : HASHED - 1, n);
                longest = n;
            }
        }
        place = index->next[place];
    }
    return longest;
}

/* The longest match that begins here. */
static size_t try_matches(const struct way *w, size_t at, const uint32_t *last)
{
    struct pack_parser *p = w->parser;
    size_t repeated = try_repeated(w, at, last), longest = 0;
    if (repeated >= REPEATED_ENOUGH || w->len - at < HASHED)
        return repeated;
    longest = try_near(w, at, longest);
    longest = try_places(w, at, longest);
    uint32_t h = hash(w->value + at, OWN_HEAD_LOG);
    p->next[at] = p->head[h];
    p->head[h] = (uint16_t)at;
    return longest > repeated ? longest : repeated;
}

/* The steps that led to the last node, in order; returns how many. */
static size_t collect(struct pack_parser *p, size_t len, size_t *first)
{
    size_t n = 0;
    for (size_t at = len; at > 0;) {
        const struct node *to = &p->node[at];
        n++;
        p->steps[len - n] = (struct pack_step){to->length, to->offset, to->rest};
        at -= to->length == 0 ? 1 : to->length;
    }
    *first = len - n;
    return n;
}

const struct pack_step *pack_parse(struct pack_parser *parser, const struct pack_index *index,
                                   const struct pack_codes *codes, const uint8_t *class_of,
                                   const uint8_t *value, size_t len, size_t *steps)
{
    struct way w = {parser, index, codes, class_of, value, len, DEPTH, NULL};
    size_t first;
    memset(parser->head, 0xff, sizeof parser->head);
    price_numbers(&w);
    for (size_t i = 1; i <= len; i++)
        parser->node[i].cost = UINT32_MAX;
    parser->node[0] = (struct node){.cost = parser->run_cost[0]};
    for (size_t at = 0; at < len;) {
        step_literal(&w, at);
        size_t longest = try_matches(&w, at, parser->node[at].last);
        at += longest >= LONG_ENOUGH ? longest : 1;
    }
    *steps = collect(parser, len, &first);
    return parser->steps + first;
}

const struct pack_step *pack_parse_hastily(struct pack_parser *parser,
                                           const struct pack_index *index,
                                           const struct pack_codes *codes, const uint8_t *class_of,
                                           const uint8_t *value, size_t len, size_t *steps)
{
    struct best here, next;
    struct way w = {parser, index, codes, class_of, value, len, HASTY_DEPTH, &here};
    uint32_t last[PACK_REPEATED] = {0};
    memset(parser->head, 0xff, sizeof parser->head);
    price_numbers(&w);
    *steps = 0;
    here = (struct best){0};
    try_matches(&w, 0, last);
    for (size_t at = 0; at < len;) {
        next = (struct best){0};
        w.best = &next;
        /* Is it better to begin one later? */
        if (here.length < REPEATED_ENOUGH && at + 1 < len)
            try_matches(&w, at + 1, last);
        if (here.length == 0 || next.saved > here.saved + LITERAL_BITS) {
            parser->steps[(*steps)++] = (struct pack_step){0};
            at++;
            here = next;
            continue;
        }
        parser->steps[(*steps)++] =
            (struct pack_step){(uint16_t)here.length, (uint16_t)here.start.offset, here.start.rest};
        if (here.start.offset != 0)
            last[1] = last[0];
        last[0] = here.start.distance;
        at += here.length;
        here = (struct best){0};
        w.best = &here;
        if (at < len)
            try_matches(&w, at, last);
    }
    return parser->steps;
}
