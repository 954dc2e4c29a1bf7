/* Passwords: kept as SHA-256, compared in constant time. */
#ifndef SERVER_ACL_PASSWORD_H
#define SERVER_ACL_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACL_HASH_BYTES   32
#define ACL_HASH_LETTERS 64

void acl_hash(const char *password, size_t len, uint8_t hash[ACL_HASH_BYTES]);
/* Looks at every byte, wherever they differ. */
bool acl_hash_equals(const uint8_t a[ACL_HASH_BYTES], const uint8_t b[ACL_HASH_BYTES]);
/* From 64 lower-case hexadecimal letters. */
bool acl_hash_parse(const char *text, size_t len, uint8_t hash[ACL_HASH_BYTES]);
/* Writes 64 letters and a zero. */
void acl_hash_print(const uint8_t hash[ACL_HASH_BYTES], char *text);

#endif
