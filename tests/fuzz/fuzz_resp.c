/* Requests, whole against byte by byte against pieces that the input chooses: all must hear the
 * same. The first byte says how the pieces are cut. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t chosen_piece(void *arg, size_t left)
{
    struct random *r = arg;
    size_t n = 1 + random_below(r, 1 + random_below(r, 64));
    return n < left ? n : left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct random pieces = {data[0]};
    /* Small limits, so that they are met; and the usual ones. */
    struct resp_limits limits = {.max_bulk = 512u << 20, .max_args = 1u << 20, .max_inline = 65536};
    if (data[0] & 1)
        limits = (struct resp_limits){
            .max_bulk = 300, .max_args = 20, .max_inline = 100, .unauthenticated = data[0] & 2};
    size_t len[3];
    char *heard[3] = {
        transcript(data + 1, size - 1, &limits, transcript_whole, NULL, &len[0]),
        transcript(data + 1, size - 1, &limits, transcript_bytes, NULL, &len[1]),
        transcript(data + 1, size - 1, &limits, chosen_piece, &pieces, &len[2]),
    };
    for (int i = 0; i < 3; i++) {
        if (len[i] != len[0] || memcmp(heard[i], heard[0], len[0]) != 0)
            abort();
    }
    for (int i = 0; i < 3; i++)
        free(heard[i]);
    return 0;
}
