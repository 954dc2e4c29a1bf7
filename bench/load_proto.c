#include <stdio.h>
#include <string.h>

#include "load.h"

/* memcached is asked by its meta commands: it answers a pipeline of them at once, but each plain
 * "get" with a system call of its own, which would flatter everybody else. */

enum { REQUEST_OVERHEAD = 128 };

/* A writer that trusts the caller's bound. */
static char *put(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, size_t number)
{
    char digits[24];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return put(to, digits + n, sizeof digits - n);
}

static char *put_key(char *to, uint32_t key)
{
    return put_number(put(to, "obj:", 4), key);
}

static char *put_bulk(char *to, const char *data, size_t len)
{
    *to++ = '$';
    to = put(put_number(to, len), "\r\n", 2);
    return put(put(to, data, len), "\r\n", 2);
}

size_t request_bound(size_t value_len)
{
    return value_len + REQUEST_OVERHEAD;
}

size_t request_write(enum protocol protocol, char *to, enum op op, uint32_t key, struct span value)
{
    char name[24];
    char *end = to;

    size_t name_len = (size_t)(put_key(name, key) - name);
    if (protocol == PROTO_RESP && op == OP_GET) {
        end = put(end, "*2\r\n$3\r\nGET\r\n", 13);
        end = put_bulk(end, name, name_len);
    } else if (protocol == PROTO_RESP) {
        end = put(end, "*3\r\n$3\r\nSET\r\n", 13);
        end = put_bulk(put_bulk(end, name, name_len), value.data, value.len);
    } else if (op == OP_GET) {
        end = put(put(put(end, "mg ", 3), name, name_len), " v\r\n", 4);
    } else {
        end = put(put(put(end, "ms ", 3), name, name_len), " ", 1);
        end = put(put_number(end, value.len), "\r\n", 2);
        end = put(put(end, value.data, value.len), "\r\n", 2);
    }
    return (size_t)(end - to);
}

/* Length of the line at data with its CRLF; 0 when it is not whole yet. */
static size_t line_length(const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    return end ? (size_t)(end - data) + 1 : 0;
}

/* The last number of a line such as "$12" or "VA 12". */
static size_t last_number(const char *line, size_t len)
{
    size_t number = 0, scale = 1;
    for (size_t i = len - 2; i > 0 && line[i - 1] >= '0' && line[i - 1] <= '9'; i--) {
        number += (size_t)(line[i - 1] - '0') * scale;
        scale *= 10;
    }
    return number;
}

/* The body that follows a header line, and a trailer of `tail` bytes after it. */
static enum outcome read_body(struct span expected, const char *data, size_t len, size_t header,
                              size_t tail, size_t *used)
{
    size_t body = last_number(data, header);
    if (len < header + body + tail)
        return REPLY_PARTIAL;
    *used = header + body + tail;
    bool same = expected.data == NULL ||
                (body == expected.len && memcmp(data + header, expected.data, body) == 0);
    return same ? REPLY_HIT : REPLY_WRONG;
}

static enum outcome read_resp(struct span expected, const char *data, size_t len, size_t line,
                              size_t *used)
{
    *used = line;
    if (data[0] == '$' && data[1] != '-')
        return read_body(expected, data, len, line, 2, used);
    if (data[0] == '$' || data[0] == '_')
        return REPLY_MISS;
    if (data[0] == '+')
        return REPLY_STORED;
    return data[0] == '-' ? REPLY_ERROR : REPLY_GARBAGE;
}

static enum outcome read_memcached(struct span expected, const char *data, size_t len, size_t line,
                                   size_t *used)
{
    *used = line;
    if (memcmp(data, "VA ", 3) == 0)
        return read_body(expected, data, len, line, 2, used);
    if (memcmp(data, "EN\r", 3) == 0)
        return REPLY_MISS;
    if (memcmp(data, "HD\r", 3) == 0)
        return REPLY_STORED;
    return memcmp(data, "SER", 3) == 0 ? REPLY_ERROR : REPLY_GARBAGE;
}

enum outcome reply_read(enum protocol protocol, enum op op, struct span expected, const char *data,
                        size_t len, size_t *used)
{
    size_t line = line_length(data, len);
    if (line == 0)
        return REPLY_PARTIAL;
    if (line < 4)
        return REPLY_GARBAGE;
    enum outcome outcome = protocol == PROTO_RESP ? read_resp(expected, data, len, line, used)
                                                  : read_memcached(expected, data, len, line, used);
    bool fits =
        op == OP_GET ? outcome != REPLY_STORED : outcome != REPLY_HIT && outcome != REPLY_MISS;
    return fits ? outcome : REPLY_GARBAGE;
}
