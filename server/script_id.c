/* The name of a script is the SHA-1 of its text. */
#include <openssl/evp.h>
#include <stdio.h>

#include "script_cache.h"

#define SHA1_BYTES 20

bool script_id(const char *text, size_t len, char id[SCRIPT_ID + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(text, len, hash, &n, EVP_sha1(), NULL) != 1 || n != SHA1_BYTES)
        return false;
    for (unsigned i = 0; i < SHA1_BYTES; i++)
        snprintf(id + (size_t)2 * i, 3, "%02x", hash[i]);
    return true;
}
