/* Arguments that came in chunks, in one piece. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static bool in_chunks(const struct resp_arg *a)
{
    return a->ptr == NULL && a->len > 0;
}

static size_t chunked_bytes(const struct request *rq)
{
    size_t bytes = 0;
    for (size_t i = 1; i < rq->argc; i++)
        if (in_chunks(&rq->argv[i]))
            bytes += rq->argv[i].len;
    return bytes;
}

/* Writes flat copies behind each other to `bytes`. */
static bool flatten(struct request *rq, struct resp_arg *argv, char *bytes)
{
    for (size_t i = 0; i < rq->argc; i++) {
        argv[i] = rq->argv[i];
        if (!in_chunks(&argv[i]))
            continue;
        size_t len;
        const char *text = request_flat(rq, i, &len);
        if (text == NULL)
            return false;
        memcpy(bytes, text, len);
        argv[i] = (struct resp_arg){.ptr = bytes, .len = len};
        bytes += len;
    }
    return true;
}

void with_flat_arguments(struct request *rq, size_t most, command_fn *fn)
{
    size_t bytes = chunked_bytes(rq);
    if (bytes == 0) {
        fn(rq);
        return;
    }
    if (bytes > most) {
        resp_error(rq->out, "ERR arguments exceed maximum allowed size");
        return;
    }
    struct request flat = *rq;
    struct resp_arg *argv = malloc(rq->argc * sizeof *argv);
    char *copy = malloc(bytes);
    flat.argv = argv;
    if (argv == NULL || copy == NULL)
        reply_oom(rq);
    else if (flatten(rq, argv, copy))
        fn(&flat);
    free(argv);
    free(copy);
}
