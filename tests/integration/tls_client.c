#include "tls_client.h"

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TIMEOUT_S 20

/* ---- certificates ---- */

static void run(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command); /* NOLINT: a command of our own */
}

#define NEW_KEY "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

static void make_authority(const char *dir, const char *name)
{
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && " NEW_KEY " -x509 -keyout %s.key -out %s.crt -days 2 -subj /CN=%s "
             "2>/dev/null",
             dir, name, name, name);
    run(command);
}

static void make_signed(const char *dir, const char *name)
{
    char command[640];
    snprintf(command, sizeof command,
             "cd %s && echo subjectAltName=DNS:localhost,IP:127.0.0.1 > ext && " NEW_KEY
             " -keyout %s.key -out csr -subj /CN=%s 2>/dev/null && openssl x509 -req -in csr -CA "
             "ca.crt -CAkey ca.key -CAcreateserial -out %s.crt -days 2 -extfile ext 2>/dev/null",
             dir, name, name, name);
    run(command);
}

void certificates_make(struct certificates *c)
{
    static const char *const names[] = {"ca.crt",     "server.crt", "server.key", "client.crt",
                                        "client.key", "other.crt",  "other.key"};
    snprintf(c->dir, sizeof c->dir, "/tmp/zscache-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(c->dir));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        snprintf(c->path[i], sizeof c->path[i], "%s/%s", c->dir, names[i]);
    make_authority(c->dir, "ca");
    make_authority(c->dir, "other");
    make_signed(c->dir, "server");
    make_signed(c->dir, "client");
}

void certificates_renew(struct certificates *c)
{
    make_signed(c->dir, "server");
}

void certificates_remove(struct certificates *c)
{
    static const char *const more[] = {"ca.key", "ca.srl", "csr", "ext"};
    char path[128];
    for (size_t i = 0; i < sizeof c->path / sizeof c->path[0]; i++)
        (void)unlink(c->path[i]);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", c->dir, more[i]);
        (void)unlink(path);
    }
    (void)rmdir(c->dir);
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int free_port(void)
{
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

int tls_socket(int port)
{
    struct sockaddr_in a = loopback(port);
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    return fd;
}

/* ---- TLS ---- */

bool tls_open(struct tls_client *c, int port, const struct certificates *certs, const char *crt,
              const char *key)
{
    ERR_clear_error();
    c->fd = tls_socket(port);
    c->context = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(c->context);
    ck_assert_int_eq(SSL_CTX_load_verify_locations(c->context, certs->path[CA_CRT], NULL), 1);
    SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
    if (crt != NULL) {
        ck_assert_int_eq(SSL_CTX_use_certificate_file(c->context, crt, SSL_FILETYPE_PEM), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(c->context, key, SSL_FILETYPE_PEM), 1);
    }
    c->ssl = SSL_new(c->context);
    ck_assert_ptr_nonnull(c->ssl);
    ck_assert_int_eq(SSL_set_fd(c->ssl, c->fd), 1);
    if (SSL_connect(c->ssl) != 1)
        return false;
    /* With TLS 1.3 the server judges the client's certificate after the handshake. */
    char reply[7];
    return SSL_write(c->ssl, "PING\r\n", 6) == 6 && SSL_read(c->ssl, reply, 7) == 7 &&
           memcmp(reply, "+PONG\r\n", 7) == 0;
}

void tls_shut(struct tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    close(c->fd);
}

void tls_send(struct tls_client *c, const char *bytes, size_t len)
{
    size_t n;
    for (; len > 0; bytes += n, len -= n)
        ck_assert_int_eq(SSL_write_ex(c->ssl, bytes, len, &n), 1);
}

void tls_send_at_once(struct tls_client *c, const char *bytes, size_t len, bool goodbye)
{
    BIO *socket_bio = SSL_get_wbio(c->ssl), *memory = BIO_new(BIO_s_mem());
    ck_assert_ptr_nonnull(memory);
    ck_assert_int_eq(BIO_up_ref(socket_bio), 1);
    SSL_set0_wbio(c->ssl, memory);
    tls_send(c, bytes, len);
    if (goodbye)
        ck_assert_int_eq(SSL_shutdown(c->ssl), 0);
    char *records;
    long n = BIO_get_mem_data(memory, &records);
    ck_assert_int_eq(send(c->fd, records, (size_t)n, MSG_NOSIGNAL), n);
    SSL_set0_wbio(c->ssl, socket_bio);
}

void tls_expect(struct tls_client *c, const char *text)
{
    char got[8192];
    size_t want = strlen(text), len = 0, n;
    ck_assert_uint_lt(want, sizeof got);
    for (; len < want; len += n)
        ck_assert_msg(SSL_read_ex(c->ssl, got + len, want - len, &n) == 1, "%s: %.*s", text,
                      (int)len, got);
    ck_assert_msg(memcmp(got, text, want) == 0, "%s: %.*s", text, (int)len, got);
}

bool tls_asks(struct tls_client *c, const char *command, const char *reply)
{
    tls_send(c, command, strlen(command));
    tls_expect(c, reply);
    return true;
}

bool tls_is_closed(struct tls_client *c)
{
    char byte;
    return SSL_read(c->ssl, &byte, 1) <= 0 && SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ;
}

long tls_serial(struct tls_client *c)
{
    X509 *x = SSL_get1_peer_certificate(c->ssl);
    ck_assert_ptr_nonnull(x);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
    long low = (long)BN_mod_word(n, 2147483647);
    BN_free(n);
    X509_free(x);
    return low;
}
