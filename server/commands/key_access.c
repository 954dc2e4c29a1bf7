/* What commands do to the values under their keys. */
#include <string.h>

#include "internal.h"

#define BOTH (KEY_READ | KEY_WRITE)

/* Those that do something else than their flags say: write = writes, readonly = reads. */
static const struct exception {
    const char *name;
    uint8_t first, others;
} exceptions[] = {
    {"exists", 0, 0},
    {"strlen", 0, 0},
    {"touch", 0, 0},
    {"type", 0, 0},
    {"hlen", 0, 0},
    {"hexists", 0, 0},
    {"hstrlen", 0, 0},
    {"watch", 0, 0},
    {"incr", BOTH, BOTH},
    {"decr", BOTH, BOTH},
    {"incrby", BOTH, BOTH},
    {"decrby", BOTH, BOTH},
    {"incrbyfloat", BOTH, BOTH},
    {"increx", BOTH, BOTH},
    {"hincrby", BOTH, BOTH},
    {"hincrbyfloat", BOTH, BOTH},
    {"setbit", BOTH, BOTH},
    {"bitfield", BOTH, BOTH},
    {"bitop", KEY_WRITE, KEY_READ},
    {"getset", BOTH, BOTH},
    {"getdel", BOTH, BOTH},
    {"getex", BOTH, BOTH},
    {"delex", BOTH, BOTH},
    {"delifeq", BOTH, BOTH},
    {"eval", BOTH, BOTH},
    {"evalsha", BOTH, BOTH},
    {"rename", BOTH, KEY_WRITE},
    {"renamenx", BOTH, KEY_WRITE},
    {"copy", KEY_READ, KEY_WRITE},
};

void command_key_access(const struct command *c, uint8_t *access)
{
    uint8_t usual = c->flags & CMD_WRITE ? KEY_WRITE : KEY_READ;
    /* OBJECT, MEMORY USAGE: about values, not the values. */
    if (c->container != NULL && usual == KEY_READ)
        usual = 0;
    access[0] = access[1] = usual;
    for (size_t i = 0; c->container == NULL && i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (strcmp(exceptions[i].name, c->name) == 0) {
            access[0] = exceptions[i].first;
            access[1] = exceptions[i].others;
        }
    }
}
