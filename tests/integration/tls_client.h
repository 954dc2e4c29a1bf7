/* Certificates that live as long as a test, and a client that speaks TLS. Faults end the test. */
#ifndef INTEGRATION_TLS_CLIENT_H
#define INTEGRATION_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* A folder with ca.crt, server.crt, server.key (password: none), client.crt, client.key, and
 * other.crt, other.key of another authority. */
struct certificates {
    char dir[64];
    char path[7][96];
};
enum certificate_file {
    CA_CRT,
    SERVER_CRT,
    SERVER_KEY,
    CLIENT_CRT,
    CLIENT_KEY,
    OTHER_CRT,
    OTHER_KEY
};

void certificates_make(struct certificates *c);
/* The server's certificate and key once more, others under the same names. */
void certificates_renew(struct certificates *c);
void certificates_remove(struct certificates *c);

struct tls_client {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

int free_port(void);
/* A blocking connection with a timeout, without a handshake. */
int tls_socket(int port);
/* Connects; false when the handshake, or the first thing read after it, fails. With `crt` and `key`
 * that shows a certificate. */
bool tls_open(struct tls_client *c, int port, const struct certificates *certs, const char *crt,
              const char *key);
void tls_shut(struct tls_client *c);
void tls_send(struct tls_client *c, const char *bytes, size_t len);
/* All of it by one call of send(), and behind it, if asked for, the goodbye. */
void tls_send_at_once(struct tls_client *c, const char *bytes, size_t len, bool goodbye);
/* Reads exactly the text. */
void tls_expect(struct tls_client *c, const char *text);
bool tls_asks(struct tls_client *c, const char *command, const char *reply);
/* True when the peer says goodbye, or is gone, and nothing comes before. */
bool tls_is_closed(struct tls_client *c);
/* The serial number of the server's certificate. */
long tls_serial(struct tls_client *c);

#endif
