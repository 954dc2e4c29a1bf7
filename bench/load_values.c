#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static bool read_whole(const char *path, char **text, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char *data = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        if (used == room) {
            size_t grown = room ? room * 2 : 1u << 20;
            char *moved = realloc(data, grown + 1);
            if (!moved)
                break;
            data = moved;
            room = grown;
        }
        size_t got = fread(data + used, 1, room - used, file);
        if (got == 0)
            break;
        used += got;
    }
    bool ok = data && feof(file) && !ferror(file);
    fclose(file);
    if (!ok) {
        free(data);
        return false;
    }
    if (used && data[used - 1] != '\n')
        data[used++] = '\n';
    *text = data;
    *len = used;
    return true;
}

bool values_load(struct values *values, const char *path)
{
    size_t len = 0;
    *values = (struct values){0};
    if (!read_whole(path, &values->text, &len)) {
        fprintf(stderr, "%s cannot be read\n", path);
        return false;
    }
    size_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += values->text[i] == '\n';
    values->starts = calloc(lines + 1, sizeof *values->starts);
    if (!values->starts || lines == 0) {
        fprintf(stderr, "%s: no values\n", path);
        values_free(values);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (values->text[i] == '\n')
            values->starts[++values->count] = i + 1;
    }
    return true;
}

void values_free(struct values *values)
{
    free(values->text);
    free(values->starts);
    *values = (struct values){0};
}

struct span value_of(const struct values *values, uint32_t key)
{
    size_t line = key % values->count;
    size_t start = values->starts[line];
    return (struct span){values->text + start, values->starts[line + 1] - start - 1};
}
