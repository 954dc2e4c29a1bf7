/* All commands, found by name.
 *
 *   rows:   copies of the rows of all tables, side by side, so that a row's number is its distance
 *           from the first; behind them, for each container, the rows of its subcommands and one
 *           without a name
 *   slots:  open addressing, at most an eighth full. A slot holds the name itself, as two words in
 *           lower case:
 *
 *            +----------+----------+--------+--------+
 *            | head     | tail     | length | row    |     tail overlaps head when the name is
 *            | 8 B      | 8 B      | 2 B    | 2 B    |     shorter than 16 letters
 *            +----------+----------+--------+--------+
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

#define NAME_MAX_LETTERS 16
#define SLOTS            2048u /* a power of two */

struct slot {
    uint64_t head, tail;
    uint16_t len; /* 0 = free */
    uint16_t row;
};

struct command_table {
    struct command *rows;
    size_t count;     /* of commands */
    size_t row_count; /* with subcommands and the ends of their tables */
    struct slot slots[SLOTS];
};

static const struct command *const tables[] = {
    commands_dump,        commands_lcs,     commands_function,  commands_debug,
    commands_save,        commands_bit,     commands_bitop,     commands_bitfield,
    commands_string,      commands_set,     commands_mset,      commands_patch,
    commands_counter,     commands_increx,  commands_generic,   commands_expire,
    commands_keyspace,    commands_hash,    commands_hash_walk, commands_hash_scan,
    commands_object,      commands_dict,    commands_command,   commands_compat,
    commands_connection,  commands_client,  commands_server,    commands_config,
    commands_info,        commands_monitor, commands_pubsub,    commands_acl,
    commands_transaction, commands_slowlog, commands_latency,   commands_script,
};

/* Names are letters only, and for a letter bit 5 is what tells its case: no other byte becomes one
 * by setting it. */
static uint64_t fold(uint64_t letters)
{
    return letters | 0x2020202020202020u;
}

/* The name as two words that hold all its bytes; with the length they are the whole name. */
static void load_name(const char *name, size_t len, uint64_t *head, uint64_t *tail)
{
    if (len >= 8) {
        memcpy(head, name, 8);
        memcpy(tail, name + len - 8, 8);
    } else if (len >= 4) {
        uint32_t a, b;
        memcpy(&a, name, 4);
        memcpy(&b, name + len - 4, 4);
        *head = a;
        *tail = b;
    } else {
        *head = (uint8_t)name[0] | (uint64_t)(uint8_t)name[len / 2] << 8;
        *tail = (uint8_t)name[len - 1];
    }
    *head = fold(*head);
    *tail = fold(*tail);
}

static size_t slot_of(uint64_t head, uint64_t tail, size_t len)
{
    uint64_t h = (head ^ (tail << 7 | tail >> 57) ^ len) * 0x9E3779B97F4A7C15u;
    return (size_t)(h >> 53) & (SLOTS - 1);
}

static void insert(struct command_table *t, const struct command *c)
{
    size_t len = strlen(c->name);
    assert(len > 0 && len <= NAME_MAX_LETTERS && command_find(t, c->name, len) == NULL);
    struct slot s = {.len = (uint16_t)len, .row = (uint16_t)t->count};
    load_name(c->name, len, &s.head, &s.tail);
    size_t at = slot_of(s.head, s.tail, len);
    while (t->slots[at].len != 0)
        at = (at + 1) & (SLOTS - 1);
    t->slots[at] = s;
    t->rows[t->count++] = *c;
}

static size_t rows_of(const struct command *table)
{
    size_t n = 0;
    while (table != NULL && table[n].name != NULL)
        n++;
    return n;
}

/* A clock around each command would cost more than many a command, but those whose time depends on
 * their arguments or the data are worth it. */
static void mark_timed(struct command *c)
{
    if (strncmp(c->complexity, "O(1)", 4) != 0)
        c->flags |= CMD_TIMED;
}

static void copy_subcommands(struct command_table *t, struct command *container)
{
    size_t n = rows_of(container->subcommands);
    struct command *copies = t->rows + t->row_count;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        copies[i] = container->subcommands[i];
        copies[i].container = container;
        mark_timed(&copies[i]);
        command_key_access(&copies[i], copies[i].key_access);
    }
    container->subcommands = copies;
    t->row_count += n + 1;
}

struct command_table *command_table_create(void)
{
    size_t count = 0, rows = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        count += rows_of(tables[i]);
        for (const struct command *c = tables[i]; c->name != NULL; c++)
            rows += 1 + (c->subcommands == NULL ? 0 : rows_of(c->subcommands) + 1);
    }
    assert(count <= SLOTS / 8);
    struct command_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->rows = calloc(rows, sizeof *t->rows);
    if (t->rows == NULL) {
        free(t);
        return NULL;
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct command *c = tables[i]; c->name != NULL; c++)
            insert(t, c);
    t->row_count = t->count;
    for (size_t i = 0; i < t->count; i++) {
        mark_timed(&t->rows[i]);
        command_key_access(&t->rows[i], t->rows[i].key_access);
        copy_subcommands(t, &t->rows[i]);
    }
    return t;
}

void command_table_destroy(struct command_table *t)
{
    if (t == NULL)
        return;
    free(t->rows);
    free(t);
}

const struct command *command_find(const struct command_table *t, const char *name, size_t len)
{
    uint64_t head, tail;
    if (len == 0 || len > NAME_MAX_LETTERS)
        return NULL;
    load_name(name, len, &head, &tail);
    for (size_t at = slot_of(head, tail, len);; at = (at + 1) & (SLOTS - 1)) {
        const struct slot *s = &t->slots[at];
        if (s->len == 0)
            return NULL;
        if (s->head == head && s->tail == tail && s->len == len)
            return &t->rows[s->row];
    }
}

const struct command *command_find_sub(const struct command *container, const char *name,
                                       size_t len)
{
    if (container->subcommands == NULL)
        return NULL;
    for (const struct command *c = container->subcommands; c->name != NULL; c++)
        if (strlen(c->name) == len && strncasecmp(c->name, name, len) == 0)
            return c;
    return NULL;
}

size_t command_count(const struct command_table *t)
{
    return t->count;
}

size_t command_row_count(const struct command_table *t)
{
    return t->row_count;
}

size_t command_index(const struct command_table *t, const struct command *c)
{
    assert(c >= t->rows && c < t->rows + t->row_count);
    return (size_t)(c - t->rows);
}

const struct command *command_at(const struct command_table *t, size_t index)
{
    assert(index < t->row_count);
    return &t->rows[index];
}

void command_full_name(const struct command *c, char *name, size_t cap)
{
    if (c->container == NULL)
        snprintf(name, cap, "%s", c->name);
    else
        snprintf(name, cap, "%s|%s", c->container->name, c->name);
}
