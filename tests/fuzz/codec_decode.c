/* Payloads as they may lie in memory after damage: decoding never reads or writes outside of what
 * it is given, and an undamaged payload gives the value back.
 *
 * Input: one byte of choices, two bytes of raw length, then a value (to be encoded, and then
 * damaged as its own bytes say) or a payload as it is. */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 3, SAMPLES = 512, RECORD = 64 };

static struct codec_dict *dict;
static struct codec_ctx *ctx;

static void set_up(void)
{
    static char samples[SAMPLES * RECORD];
    static size_t lens[SAMPLES];
    size_t at = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        static const char *const kinds[] = {"north", "south", "east", "west"};
        char *to = samples + at;
        size_t n = 0;
        for (const char *part = "{\"id\":"; *part; part++)
            to[n++] = *part;
        to[n++] = (char)('0' + i % 10);
        to[n++] = (char)('0' + i / 10 % 10);
        for (const char *part = ",\"side\":\""; *part; part++)
            to[n++] = *part;
        for (const char *part = kinds[i % 4]; *part; part++)
            to[n++] = *part;
        for (const char *part = "\",\"state\":\"open\"}"; *part; part++)
            to[n++] = *part;
        lens[i] = n;
        at += n;
    }
    dict = codec_dict_train(samples, lens, SAMPLES,
                            &(struct codec_training){.max_len = 4096, .budget_ms = 100});
    ctx = codec_ctx_create();
    if (!dict || !ctx)
        abort();
}

/* Into a buffer as long as the value, so that a write beyond it is found. */
static void decode(enum codec_id id, const struct codec_dict *with, const uint8_t *payload,
                   size_t len, size_t raw_len, const uint8_t *expected)
{
    uint8_t *raw = malloc(raw_len ? raw_len : 1), *exact = malloc(len ? len : 1);
    if (!raw || !exact)
        abort();
    memcpy(exact, payload, len);
    bool ok = codec_decode(ctx, id, with, exact, len, raw, raw_len);
    if (expected && (!ok || memcmp(raw, expected, raw_len) != 0))
        abort();
    free(raw);
    free(exact);
}

static void damage(uint8_t *payload, size_t *len, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 1 < size && i < 4; i += 2)
        payload[data[i] % *len] ^= data[i + 1];
    if (data[0] & 1 && *len > 1)
        --*len;
}

static void encode_damage_decode(unsigned choice, const uint8_t *data, size_t size)
{
    const struct codec_dict *with = choice & 2 ? dict : NULL;
    enum codec_effort effort = choice & 4 ? CODEC_CLOSE : CODEC_FAST;
    enum codec_id id = CODEC_RAW;
    uint8_t *payload = malloc(size);
    if (!payload)
        abort();
    size_t len = codec_encode(ctx, effort, with, data, size, payload, size, &id);
    if (len >= size)
        abort();
    if (len > 0) {
        decode(id, with, payload, len, size, data);
        decode(id, with ? NULL : dict, payload, len, size, NULL);
        decode(id, with, payload, len, size + 1, NULL);
        decode(id, with, payload, len, size - 1, NULL);
        damage(payload, &len, data, size);
        decode(id, with, payload, len, size, NULL);
    }
    free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ctx)
        set_up();
    if (size <= HEAD || size - HEAD > CODEC_MAX_RAW)
        return 0;
    unsigned choice = data[0];
    size_t raw_len = data[1] | (size_t)data[2] << 8;
    if (choice & 1)
        encode_damage_decode(choice, data + HEAD, size - HEAD);
    else
        decode((enum codec_id)(choice >> 2 & 3), choice & 2 ? dict : NULL, data + HEAD, size - HEAD,
               raw_len, NULL);
    return 0;
}
