#include "acl_password.h"

#include <sha2.h>
#include <stdio.h>
#include <string.h>

void acl_hash(const char *password, size_t len, uint8_t hash[ACL_HASH_BYTES])
{
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)password, len);
    SHA256Final(hash, &context);
    explicit_bzero(&context, sizeof context);
}

bool acl_hash_equals(const uint8_t a[ACL_HASH_BYTES], const uint8_t b[ACL_HASH_BYTES])
{
    volatile uint8_t differs = 0; /* or the compiler might stop at the first */
    for (size_t i = 0; i < ACL_HASH_BYTES; i++)
        differs = (uint8_t)(differs | (a[i] ^ b[i]));
    return differs == 0;
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool acl_hash_parse(const char *text, size_t len, uint8_t hash[ACL_HASH_BYTES])
{
    if (len != ACL_HASH_LETTERS)
        return false;
    for (size_t i = 0; i < ACL_HASH_BYTES; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void acl_hash_print(const uint8_t hash[ACL_HASH_BYTES], char *text)
{
    for (size_t i = 0; i < ACL_HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}
