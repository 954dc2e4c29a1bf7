/* The name of a script is the SHA-1 of its text. */
#include <openssl/evp.h>

#include "script_cache.h"

#define SHA1_BYTES 20

static void put_byte(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    to[0] = digits[byte >> 4];
    to[1] = digits[byte & 15];
}

bool script_id(const char *text, size_t len, char id[SCRIPT_ID + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(text, len, hash, &n, EVP_sha1(), NULL) != 1 || n != SHA1_BYTES)
        return false;
    for (unsigned i = 0; i < SHA1_BYTES; i++)
        put_byte(id + (size_t)2 * i, hash[i]);
    id[SCRIPT_ID] = '\0';
    return true;
}
