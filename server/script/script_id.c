/* The name of a script is the SHA-1 of its text. */
#include <sha1.h>

#include "script_cache.h"

static void put_byte(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    to[0] = digits[byte >> 4];
    to[1] = digits[byte & 15];
}

void script_id(const char *text, size_t len, char id[SCRIPT_ID + 1])
{
    unsigned char hash[SHA1_DIGEST_LENGTH];
    SHA1_CTX context;
    SHA1Init(&context);
    SHA1Update(&context, (const unsigned char *)text, len);
    SHA1Final(hash, &context);
    for (size_t i = 0; i < sizeof hash; i++)
        put_byte(id + 2 * i, hash[i]);
    id[SCRIPT_ID] = '\0';
}
