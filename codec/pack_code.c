/* Canonical Huffman codes of limited length. */
#include "pack.h"

#include <string.h>

/* A forest that grows into a tree: leaves first, sorted by count, then inner nodes as they are
 * made, whose counts grow too: so the two smallest are always at the head of one of two queues. */
struct forest {
    uint32_t count[2 * PACK_SYMBOLS_MAX];
    uint16_t parent[2 * PACK_SYMBOLS_MAX];
    uint16_t symbol[PACK_SYMBOLS_MAX];
    unsigned leaves;
};

static void sort_leaves(struct forest *f, const uint32_t *counts, unsigned n)
{
    f->leaves = 0;
    for (unsigned s = 0; s < n; s++) {
        if (counts[s] == 0)
            continue;
        unsigned at = f->leaves++;
        for (; at > 0 && f->count[at - 1] > counts[s]; at--) {
            f->count[at] = f->count[at - 1];
            f->symbol[at] = f->symbol[at - 1];
        }
        f->count[at] = counts[s];
        f->symbol[at] = (uint16_t)s;
    }
}

static unsigned take_smallest(const struct forest *f, unsigned *leaf, unsigned *inner, unsigned end)
{
    if (*leaf < f->leaves && (*inner == end || f->count[*leaf] <= f->count[*inner]))
        return (*leaf)++;
    return (*inner)++;
}

/* The depth of each leaf; returns the greatest. */
static unsigned grow_tree(struct forest *f, uint8_t *depth)
{
    unsigned leaf = 0, inner = f->leaves, end = f->leaves, most = 0;
    while (end < 2 * f->leaves - 1) {
        unsigned a = take_smallest(f, &leaf, &inner, end);
        unsigned b = take_smallest(f, &leaf, &inner, end);
        f->count[end] = f->count[a] + f->count[b];
        f->parent[a] = f->parent[b] = (uint16_t)end;
        end++;
    }
    for (unsigned i = 0; i < f->leaves; i++) {
        unsigned d = 0;
        for (unsigned at = i; at != end - 1; at = f->parent[at])
            d++;
        depth[i] = (uint8_t)d;
        most = d > most ? d : most;
    }
    return most;
}

void pack_code_lengths(const uint32_t *counts, unsigned n, unsigned limit, uint8_t *lengths)
{
    struct forest f = {0};
    uint8_t depth[PACK_SYMBOLS_MAX] = {0};
    uint32_t flat[PACK_SYMBOLS_MAX];
    memcpy(flat, counts, n * sizeof *counts);
    memset(lengths, 0, n);
    sort_leaves(&f, flat, n);
    if (f.leaves == 1) { /* a tree of one leaf has no depth, a code needs a bit */
        lengths[f.symbol[0]] = 1;
        return;
    }
    if (f.leaves == 0)
        return;
    /* Counts that lie closer together make a flatter tree; equal ones make the flattest. */
    while (grow_tree(&f, depth) > limit) {
        for (unsigned s = 0; s < n; s++)
            flat[s] = flat[s] == 0 ? 0 : flat[s] / 2 + 1;
        sort_leaves(&f, flat, n);
    }
    for (unsigned i = 0; i < f.leaves; i++)
        lengths[f.symbol[i]] = depth[i];
}

static unsigned reversed(unsigned code, unsigned length)
{
    unsigned r = 0;
    for (; length > 0; length--, code >>= 1)
        r = r << 1 | (code & 1u);
    return r;
}

void pack_code_assign(const uint8_t *lengths, unsigned n, uint16_t *codes)
{
    unsigned next = 0;
    for (unsigned length = 1; length < 16; length++) {
        for (unsigned s = 0; s < n; s++)
            if (lengths[s] == length)
                codes[s] = (uint16_t)reversed(next++, length);
        next <<= 1;
    }
}

void pack_code_table(const uint8_t *lengths, const uint16_t *codes, unsigned n, unsigned log,
                     uint16_t *table)
{
    /* What no code begins stands for a symbol that no alphabet has. */
    for (size_t i = 0; i < (size_t)1 << log; i++)
        table[i] = 1u << 12 | 0xfff;
    for (unsigned s = 0; s < n; s++) {
        if (lengths[s] == 0)
            continue;
        for (size_t i = codes[s]; i < (size_t)1 << log; i += (size_t)1 << lengths[s])
            table[i] = (uint16_t)((unsigned)lengths[s] << 12 | s);
    }
}
