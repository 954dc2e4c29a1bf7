/* All commands, found by name.
 *
 *   rows:  copies of the rows of all tables, side by side, so that a row's number is its distance
 * from the first slots: open addressing, at most an eighth full. A slot holds the name itself, as
 * two words in lower case:
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

#include "command.h"

#define NAME_MAX_LETTERS 16
#define SLOTS            2048u /* a power of two */

struct slot {
    uint64_t head, tail;
    uint16_t len; /* 0 = free */
    uint16_t row;
};

struct command_table {
    struct command *rows;
    size_t count;
    struct slot slots[SLOTS];
};

static const struct command *const tables[] = {
    commands_string,   commands_set,     commands_mset,        commands_patch,
    commands_counter,  commands_increx,  commands_generic,     commands_expire,
    commands_keyspace, commands_hash,    commands_hash_walk,   commands_object,
    commands_dict,     commands_command, commands_compat,      commands_connection,
    commands_client,   commands_server,  commands_config,      commands_info,
    commands_pubsub,   commands_acl,     commands_transaction,
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

struct command_table *command_table_create(void)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct command *c = tables[i]; c->name != NULL; c++)
            count++;
    assert(count <= SLOTS / 8);
    struct command_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->rows = calloc(count, sizeof *t->rows);
    if (t->rows == NULL) {
        free(t);
        return NULL;
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        for (const struct command *c = tables[i]; c->name != NULL; c++)
            insert(t, c);
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

size_t command_index(const struct command_table *t, const struct command *c)
{
    assert(c >= t->rows && c < t->rows + t->count);
    return (size_t)(c - t->rows);
}

const struct command *command_at(const struct command_table *t, size_t index)
{
    assert(index < t->count);
    return &t->rows[index];
}
