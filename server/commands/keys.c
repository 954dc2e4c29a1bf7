/* Keys as arguments: many at once, their positions, and cursors over them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "number.h"

bool key_list_begin(struct request *rq, struct key_list *l, size_t first, size_t count, size_t step)
{
    l->count = count;
    l->keys = l->few;
    if (count > KEYS_INLINE && (l->keys = malloc(count * sizeof *l->keys)) == NULL) {
        reply_oom(rq);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!request_key(rq, first + i * step, &l->keys[i])) {
            key_list_end(l);
            return false;
        }
    }
    return true;
}

void key_list_end(struct key_list *l)
{
    if (l->keys != l->few)
        free(l->keys);
    l->keys = l->few;
}

int keys_after_count(size_t argc, const struct resp_arg *argv, size_t at, size_t step, int *pos,
                     int max)
{
    int64_t count;
    if (at >= argc || argv[at].ptr == NULL ||
        !number_parse_int(argv[at].ptr, argv[at].len, &count) || count <= 0 ||
        (uint64_t)count > (argc - at - 1) / step)
        return -1;
    for (int i = 0; i < count && i < max; i++)
        pos[i] = (int)(at + 1 + (size_t)i * step);
    return (int)count;
}

int command_key_positions(const struct command *c, size_t argc, const struct resp_arg *argv,
                          int *pos, int max)
{
    if (c->keys != NULL)
        return c->keys(argc, argv, pos, max);
    if (c->first_key == 0)
        return 0;
    int last = c->last_key < 0 ? (int)argc + c->last_key : c->last_key;
    int n = 0;
    for (int i = c->first_key; i <= last; i += c->key_step, n++) {
        if ((size_t)i >= argc)
            return -1;
        if (n < max)
            pos[n] = i;
    }
    return n;
}

/* What strtoul() takes is a cursor for Redis, even a sign or nothing at all. */
bool request_cursor(struct request *rq, size_t i, uint64_t *cursor)
{
    size_t len;
    char copy[64], *end;
    const char *text = request_flat(rq, i, &len);
    if (text == NULL)
        return false;
    if (len < sizeof copy && !(len > 0 && isspace((unsigned char)text[0]))) {
        memcpy(copy, text, len);
        copy[len] = '\0';
        errno = 0;
        *cursor = strtoull(copy, &end, 10);
        if (*end == '\0' && errno != ERANGE)
            return true;
    }
    resp_error(rq->out, "ERR invalid cursor");
    return false;
}

bool request_scan_count(struct request *rq, size_t i, int64_t *count)
{
    if (!request_integer(rq, i, count))
        return false;
    if (*count >= 1)
        return true;
    reply_syntax_error(rq);
    return false;
}

void reply_cursor(struct request *rq, uint64_t cursor)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)cursor);
    resp_array(rq->out, 2);
    resp_bulk(rq->out, text, (size_t)n);
}
