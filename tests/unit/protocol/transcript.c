#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t transcript_whole(void *arg, size_t left)
{
    (void)arg;
    return left;
}

size_t transcript_bytes(void *arg, size_t left)
{
    (void)arg;
    (void)left;
    return 1;
}

/* An argument as it came: checked to be whole, written with its length. */
static void hear_argument(struct resp_out *text, const struct resp_arg *arg)
{
    char head[32];
    int n = snprintf(head, sizeof head, " [%zu:", arg->len);
    resp_raw(text, head, (size_t)n);

    char *copy = malloc(arg->len + 1);
    if (copy == NULL)
        abort();
    resp_arg_copy(arg, 0, arg->len, copy);
    struct resp_arg_reader reader;
    resp_arg_reader_init(&reader, arg);
    size_t total = 0;
    size_t len;
    for (const char *part; part = resp_arg_next(&reader, &len), len > 0; total += len) {
        if (total + len > arg->len || memcmp(part, copy + total, len) != 0)
            abort();
        resp_raw(text, part, len);
    }
    if (total != arg->len || (arg->ptr == NULL) != (arg->len > RESP_CHUNK_FROM))
        abort();
    free(copy);
    resp_raw(text, "]", 1);
}

static void hear_command(struct resp_out *text, const struct resp_parser *p)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%zu", p->argc);
    resp_raw(text, head, (size_t)n);
    for (size_t i = 0; i < p->argc; i++)
        hear_argument(text, &p->argv[i]);
    resp_raw(text, "\n", 1);
}

/* Parses what is there; leaves the bytes of the command that is not complete in front. */
static enum resp_status hear(struct resp_parser *p, const struct resp_limits *limits, char *buf,
                             size_t *len, struct resp_out *text)
{
    char *at = buf;
    size_t left = *len;
    enum resp_status status;
    while ((status = resp_parse(p, limits, at, &left)) == RESP_COMMAND) {
        hear_command(text, p);
        at += p->length;
        left -= p->length;
        resp_parser_reset(p);
    }
    memmove(buf, at, left);
    *len = left;
    return status;
}

static void hear_end(struct resp_out *text, const struct resp_parser *p, enum resp_status status)
{
    if (status == RESP_ERROR)
        resp_parser_error(p, text);
    else if (status == RESP_NOMEM)
        resp_raw(text, "nomem", 5);
    else if (resp_parser_is_fresh(p))
        resp_raw(text, "end", 3);
    else
        resp_raw(text, "more", 4);
    resp_raw(text, "", 1);
    if (text->failed)
        abort();
}

char *transcript(const void *bytes, size_t len, const struct resp_limits *limits,
                 transcript_piece *piece, void *arg, size_t *text_len)
{
    struct resp_parser p = {0};
    struct resp_out text;
    resp_out_init(&text, 2);
    char *buf = malloc(len + 1);
    if (buf == NULL)
        abort();
    const char *from = bytes;
    size_t held = 0;
    enum resp_status status = RESP_MORE;
    while (len > 0 && status == RESP_MORE) {
        size_t n = piece(arg, len);
        memcpy(buf + held, from, n);
        from += n;
        len -= n;
        held += n;
        status = hear(&p, limits, buf, &held, &text);
    }
    hear_end(&text, &p, status);
    free(buf);
    resp_parser_free(&p);
    if (text_len != NULL)
        *text_len = text.len;
    return text.data;
}
